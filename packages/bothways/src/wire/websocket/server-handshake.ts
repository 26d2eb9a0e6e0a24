/**
 * The server's side of the opening handshake over HTTP/1.1 (RFC 6455 §4.2) and HTTP/2 (RFC 8441 §5). A request is an
 * upgrade only if everything about it is right: a wrong 101 makes proxies tunnel what they would have inspected.
 */
import { type ErrorCode, errorTable } from "../../model/errors.ts";
import type { Headers } from "../../model/handshake.ts";
import { isKey, websocketVersion } from "./handshake-key.ts";
import { encodeHeaderLines, hasToken, isToken, listHeader, singleHeader } from "./header-text.ts";

/** A request head as an HTTP parser gives it. */
export interface UpgradeRequest {
  /** In capitals. */
  readonly method: string;
  /** `1.1` or `2.0` */
  readonly httpVersion: string;
  /** Lower-cased names; of HTTP/2 with the pseudo-headers. */
  readonly headers: Headers;
  /** Bytes that came behind the head, before our answer. */
  readonly earlyBytes: number;
}

/** A request that may be upgraded. */
export interface UpgradeAccepted {
  /** It may. */
  readonly ok: true;
  /** For `acceptKey`. HTTP/2 has none, and no answer to it. */
  readonly key: string | undefined;
  /** The subprotocols offered, in the client's order. */
  readonly protocols: string[];
}

/** A request that may not be upgraded, and what it is to be answered. */
export interface UpgradeRefused {
  /** It may not. */
  readonly ok: false;
  /** Of the error table. */
  readonly code: ErrorCode;
  /** 400 to 599. */
  readonly status: number;
  /** Those that the refusal needs. */
  readonly headers: Headers;
  /** The rule that was broken, for logs and for the body of the refusal. */
  readonly detail: string;
}

/** Judges an upgrade request, or an extended CONNECT. Path, Origin and the choice of a subprotocol are the caller's. */
export function checkUpgrade(request: UpgradeRequest): UpgradeAccepted | UpgradeRefused {
  const { method, httpVersion, headers, earlyBytes } = request;
  if (httpVersion === "2.0") return checkConnect(request);
  if (method !== "GET") return refuse("method is not GET", { status: 405, headers: { Allow: "GET" } });
  if (httpVersion !== "1.1") return refuse("HTTP version is not 1.1");
  if (!singleHeader(headers, "host")) return refuse("Host header is missing");
  if (!hasToken(headers, "upgrade", "websocket")) return refuse("Upgrade header lacks websocket");
  if (!hasToken(headers, "connection", "upgrade")) return refuse("Connection header lacks Upgrade");
  // RFC 9112 §6: a body would leave it open where the frames begin.
  if (headers["transfer-encoding"] !== undefined) return refuse("Transfer-Encoding is not allowed");
  if ((headers["content-length"] ?? "0") !== "0") return refuse("a body is not allowed");
  // RFC 6455 §4.1: a client sends nothing more until it is answered.
  if (earlyBytes > 0) return refuse("bytes came before the answer");
  return checkCommon(headers, true);
}

/**
 * An extended CONNECT. What HTTP/2 itself asks of one (scheme, path, authority, no Connection, no Upgrade) its stack has
 * seen to.
 */
function checkConnect({ method, headers }: UpgradeRequest): UpgradeAccepted | UpgradeRefused {
  if (method !== "CONNECT")
    return refuse("method is not CONNECT", { status: 405, headers: { Allow: "CONNECT" } });
  // RFC8441-5-2. RFC 9220 §3: 501 is for protocols that nobody speaks here.
  if (headers[":protocol"] !== "websocket") return refuse(":protocol is not websocket", { status: 501 });
  return checkCommon(headers, false);
}

/** What both have, and the key, which HTTP/2 does without (RFC8441-5-6). */
function checkCommon(headers: Headers, hasKey: boolean): UpgradeAccepted | UpgradeRefused {
  if (singleHeader(headers, "sec-websocket-version") !== websocketVersion) {
    // RFC 6455 §4.4: the answer names what would be understood.
    return refuse("version is not 13", {
      code: "BW_WS_VERSION",
      headers: { "Sec-WebSocket-Version": websocketVersion },
    });
  }
  const key = hasKey ? singleHeader(headers, "sec-websocket-key") : undefined;
  if (hasKey && (key === undefined || !isKey(key)))
    return refuse("Sec-WebSocket-Key is not 16 bytes in base64");
  const protocols = listHeader(headers, "sec-websocket-protocol");
  if (!areSubprotocols(protocols)) return refuse("Sec-WebSocket-Protocol is invalid or repeats itself");
  return { ok: true, key, protocols };
}

/** What an answer that accepts is made of. */
export interface AcceptResponse {
  /** From `acceptKey`. */
  readonly accept: string;
  /** One of the protocols offered, or none. */
  readonly protocol?: string | undefined;
  /** From `formatExtensions`: some of those offered, or none. */
  readonly extensions?: string | undefined;
  /** More of them. */
  readonly headers?: Headers | undefined;
}

/** The head of the 101 response; frames may follow in the same write. Throws on values that cannot be headers. */
export function encodeAcceptResponse({ accept, protocol, extensions, headers = {} }: AcceptResponse): string {
  const own = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": accept,
    "Sec-WebSocket-Protocol": protocol,
    "Sec-WebSocket-Extensions": extensions,
  };
  return `HTTP/1.1 101 Switching Protocols\r\n${encodeHeaderLines(own)}${encodeHeaderLines(headers)}\r\n`;
}

/** A whole response that refuses an upgrade, after which TCP is closed. `body` is plain text. */
export function encodeRefusal(status: number, headers: Headers, body: string): string {
  if (!Number.isInteger(status) || status < 400 || status > 599)
    throw new RangeError(`status ${status} refuses nothing`);
  const own = {
    Connection: "close",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(new TextEncoder().encode(body).length),
  };
  // RFC 9112 §4: the reason phrase may be empty, the space before it may not be left out.
  return `HTTP/1.1 ${status} \r\n${encodeHeaderLines(own)}${encodeHeaderLines(headers)}\r\n${body}`;
}

/** RFC 6455 §4.1: tokens, none twice. */
export function areSubprotocols(protocols: readonly string[]): boolean {
  return protocols.every(isToken) && new Set(protocols).size === protocols.length;
}

interface RefusalDetail {
  readonly code?: ErrorCode;
  readonly status?: number;
  readonly headers?: Headers;
}

function refuse(
  detail: string,
  { code = "BW_WS_HANDSHAKE", status = errorTable[code].httpStatus, headers = {} }: RefusalDetail = {},
): UpgradeRefused {
  return { ok: false, code, status, headers, detail };
}
