/** The client's address and subprotocols, judged as the standard judges them (WHATWG WebSockets §3.1; RFC 6455 §3). */
import { areSubprotocols } from "../wire/websocket/server-handshake.ts";

export interface Address {
  /** With `ws:` or `wss:`, as `WebSocket.url` shows it. */
  readonly url: string;
  readonly isSecure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
  /** Of a `ws+unix:` address. */
  readonly socketPath: string | undefined;
  /** `user:password`, where the URL has them. */
  readonly auth: string | undefined;
}

const schemes: Readonly<Record<string, string>> = {
  "http:": "ws:",
  "https:": "wss:",
  "ws:": "ws:",
  "wss:": "wss:",
  "ws+unix:": "ws+unix:",
  "wss+unix:": "wss+unix:",
};

/** Throws a SyntaxError, as `DOMException`, on what is no address of a WebSocket. */
export function parseAddress(address: string | URL): Address {
  const parsed = URL.canParse(String(address)) ? new URL(address) : undefined;
  if (parsed === undefined) throw new DOMException(`Invalid URL: ${address}`, "SyntaxError");
  const scheme = schemes[parsed.protocol];
  if (scheme === undefined) {
    throw new DOMException(
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", "ws+unix:" or "wss+unix:"',
      "SyntaxError",
    );
  }
  if (parsed.hash !== "" || parsed.href.endsWith("#")) {
    throw new DOMException("The URL contains a fragment identifier", "SyntaxError");
  }
  const isSecure = scheme.startsWith("wss");
  const isUnix = scheme.endsWith("+unix:");
  const { pathname } = parsed;
  const end = isUnix ? `${pathname}:`.indexOf(":") : 0;
  const socketPath = isUnix ? pathname.slice(0, end) : undefined;
  if (socketPath === "") throw new DOMException("The URL's pathname is empty", "SyntaxError");
  const { username, password } = parsed;
  const auth = username === "" && password === "" ? undefined : `${decode(username)}:${decode(password)}`;
  return {
    url: `${scheme}${parsed.href.slice(parsed.protocol.length)}`,
    isSecure,
    // RFC 3986 §3.2.2: an IPv6 address stands in brackets.
    hostname: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: Number(parsed.port || (isSecure ? 443 : 80)),
    path: (isUnix ? pathname.slice(end + 1) || "/" : pathname) + parsed.search,
    socketPath,
    auth,
  };
}

/** Throws a SyntaxError, as `DOMException`, on subprotocols that are no tokens or come twice. */
export function parseProtocols(given: string | readonly string[] | undefined): readonly string[] {
  const protocols = given === undefined ? [] : typeof given === "string" ? [given] : given.map(String);
  if (areSubprotocols(protocols)) return protocols;
  throw new DOMException("An invalid or duplicated subprotocol was specified", "SyntaxError");
}

/** Percent-decoded where that works: a lone % is part of the password. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
