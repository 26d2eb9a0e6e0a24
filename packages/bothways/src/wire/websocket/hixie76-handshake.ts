/**
 * The opening handshake from before the RFC, a server's side (draft-hixie-thewebsocketprotocol-76 §1.3, §5). Two headers
 * hide a number each among other characters, eight bytes stand behind the head, and MD5 of the three proves that the
 * server understood: the digest is the caller's to make.
 */
import type { Headers } from "../../model/handshake.ts";
import { hasToken, listHeader, singleHeader } from "./header-text.ts";
import { areSubprotocols, type UpgradeRefused, type UpgradeRequest } from "./server-handshake.ts";

/** Behind the head of the request. */
export const hixie76KeyBytes = 8;
const maxNumber = 0xffff_ffff;
/** Ten digits for the number itself, two for the spaces it was multiplied by. */
const maxDigits = 12;

export interface Hixie76Accepted {
  readonly ok: true;
  /** What the two keys hide. */
  readonly numbers: readonly [number, number];
  readonly host: string;
  readonly origin: string;
  /** One at most, by the draft; taken as a list, as the RFC has it. */
  readonly protocols: string[];
}

/** Is this the handshake of the draft? RFC 6455 has one key, and a version. */
export function isHixie76(headers: Headers): boolean {
  const has = (name: string): boolean => headers[name] !== undefined;
  return (
    has("sec-websocket-key1") &&
    has("sec-websocket-key2") &&
    !has("sec-websocket-key") &&
    !has("sec-websocket-version")
  );
}

/** Judges the head of a request; of bytes behind it nothing is asked here. */
export function checkHixie76({
  method,
  headers,
}: Omit<UpgradeRequest, "earlyBytes">): Hixie76Accepted | UpgradeRefused {
  if (method !== "GET") return refuse("method is not GET");
  const host = singleHeader(headers, "host");
  if (!host) return refuse("Host header is missing");
  if (!hasToken(headers, "upgrade", "websocket")) return refuse("Upgrade header lacks websocket");
  if (!hasToken(headers, "connection", "upgrade")) return refuse("Connection header lacks Upgrade");
  if (headers["transfer-encoding"] !== undefined || headers["content-length"] !== undefined)
    return refuse("a body is not allowed");
  const origin = singleHeader(headers, "origin");
  if (!origin) return refuse("Origin header is missing");
  const [first, second] = ["sec-websocket-key1", "sec-websocket-key2"].map((name) =>
    hiddenNumber(singleHeader(headers, name) ?? ""),
  );
  if (first === undefined || second === undefined) return refuse("a key hides no number");
  const protocols = listHeader(headers, "sec-websocket-protocol");
  if (!areSubprotocols(protocols)) return refuse("Sec-WebSocket-Protocol is invalid or repeats itself");
  return { ok: true, numbers: [first, second], host, origin, protocols };
}

/** What MD5 is taken of; the sixteen bytes of the digest follow the head of the answer. */
export function hixie76Challenge([first, second]: readonly [number, number], key: Uint8Array): Uint8Array {
  const challenge = new Uint8Array(8 + hixie76KeyBytes);
  const view = new DataView(challenge.buffer);
  view.setUint32(0, first);
  view.setUint32(4, second);
  challenge.set(key, 8);
  return challenge;
}

/** The head of the answer but for the subprotocol, line by line. */
export function hixie76AnswerLines(
  { host, origin }: Hixie76Accepted,
  path: string,
  isSecure: boolean,
): string[] {
  return [
    "HTTP/1.1 101 WebSocket Protocol Handshake",
    "Upgrade: WebSocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Origin: ${origin}`,
    `Sec-WebSocket-Location: ${isSecure ? "wss" : "ws"}://${host}${path}`,
  ];
}

/** The digits of `key`, read as one number and divided by how many spaces there are (§5.2). */
function hiddenNumber(key: string): number | undefined {
  const digits = key.replace(/\D/g, "");
  const spaces = key.split(" ").length - 1;
  // a key without spaces was written by something else than a WebSocket client
  if (digits === "" || digits.length > maxDigits || spaces === 0) return undefined;
  const number = Number(digits) / spaces;
  return Number.isInteger(number) && number <= maxNumber ? number : undefined;
}

function refuse(detail: string): UpgradeRefused {
  return { ok: false, code: "BW_WS_HANDSHAKE", status: 400, headers: {}, detail };
}
