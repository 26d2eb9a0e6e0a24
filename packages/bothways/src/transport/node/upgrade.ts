/**
 * Upgrade requests on `node:http`, and extended CONNECTs on `node:http2`: what they must be, the hello they carry, and how
 * one is accepted or refused (RFC 6455 §4.2; RFC 8441 §5; docs/protocol, "WebSocket"). Which path is ours and who may
 * connect is decided elsewhere.
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ErrorCode, errorTable } from "../../model/errors.ts";
import type { Headers } from "../../model/handshake.ts";
import type { Primitives } from "../../model/primitives.ts";
import { acceptKey } from "../../wire/websocket/handshake-key.ts";
import {
  checkUpgrade,
  encodeAcceptResponse,
  encodeRefusal,
  type UpgradeRefused,
} from "../../wire/websocket/server-handshake.ts";
import { acceptStream, isHttp2Stream, refuseStream } from "./http2.ts";

/** The subprotocol of bothways/1, and the only one selected. */
export const subprotocol = "bothways.1";
/** Longer hellos come as the first message: common proxies cut longer header lines off. */
export const maxHelloChars = 4096;

const refusalTimeoutMs = 5_000;

export interface Upgrade {
  readonly ok: true;
  /** HTTP/2 has none. */
  readonly key: string | undefined;
  /** `undefined`: a plain client's, which asked for none. */
  readonly protocol: string | undefined;
  /** The hello frame, where the request carried one; else it is the first message. */
  readonly hello: string | undefined;
}

/** Judges an upgrade request for our path. `head` is what Node read behind it, `isPlainTaken` whether it may name no subprotocol. */
export function readUpgrade(
  request: Pick<IncomingMessage, "method" | "httpVersion" | "headers">,
  head: Uint8Array,
  primitives: Pick<Primitives, "decodeUtf8">,
  isPlainTaken = false,
): Upgrade | UpgradeRefused {
  const { method = "", httpVersion, headers } = request;
  const checked = checkUpgrade({ method, httpVersion, headers, earlyBytes: head.length });
  if (!checked.ok) return checked;
  const [protocol, item] = checked.protocols;
  if (protocol === undefined && isPlainTaken)
    return { ok: true, key: checked.key, protocol, hello: undefined };
  if (protocol !== subprotocol) return refuse(`the first subprotocol must be ${subprotocol}`);
  const hello = item === undefined ? undefined : decodeHello(item, primitives);
  if (item !== undefined && hello === undefined) {
    return refuse(`the second subprotocol is not base64url of UTF-8 in at most ${maxHelloChars} characters`);
  }
  return { ok: true, key: checked.key, protocol, hello };
}

/**
 * Accepts an upgrade; `extensions` is what is answered to those offered. What is returned is the first thing to be written
 * to the socket.
 */
export function acceptUpgrade(
  socket: Duplex,
  { key, protocol }: Pick<Upgrade, "key" | "protocol">,
  extensions: string | undefined,
  primitives: Primitives,
): string {
  if (key !== undefined)
    return encodeAcceptResponse({ accept: acceptKey(key, primitives), protocol, extensions });
  if (!isHttp2Stream(socket)) throw new TypeError("an upgrade without a key comes on a stream of HTTP/2");
  acceptStream(socket, {
    ...(protocol === undefined ? undefined : { "sec-websocket-protocol": protocol }),
    ...(extensions === undefined ? undefined : { "sec-websocket-extensions": extensions }),
  });
  return "";
}

/**
 * To be called as soon as an upgrade for our path comes in, since Node has let go of the socket: from here on an error
 * ends the socket and not the process.
 */
export function guardSocket(socket: Duplex): void {
  socket.on("error", ignore);
}

function ignore(): void {}

/** Why an upgrade is refused; `status` and `detail` are the error's own where they are left out. */
export interface UpgradeRefusal {
  readonly code: ErrorCode;
  readonly status?: number;
  readonly headers?: Headers;
  /** Text of ours: it reaches the client. */
  readonly detail?: string;
}

/** Refuses an upgrade: an HTTP answer that says why, then the end of the connection. */
export function refuseUpgrade(socket: Duplex, refusal: UpgradeRefusal): void {
  const { httpStatus, message } = errorTable[refusal.code];
  const { code, status = httpStatus, headers = {}, detail = message } = refusal;
  const answerHeaders = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", ...headers };
  const body = `${code}: ${detail}\n`;
  if (isHttp2Stream(socket)) return refuseStream(socket, status, { ...answerHeaders }, body);
  socket.end(encodeRefusal(status, answerHeaders, body));
  // What the client still sends is read, or the answer could be lost in a reset.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), refusalTimeoutMs).unref();
  socket.once("close", () => clearTimeout(timer));
}

function decodeHello(item: string, primitives: Pick<Primitives, "decodeUtf8">): string | undefined {
  if (item.length > maxHelloChars || item.length % 4 === 1 || !/^[\w-]+$/.test(item)) return undefined;
  return primitives.decodeUtf8(Buffer.from(item, "base64url"));
}

function refuse(detail: string): UpgradeRefused {
  const code = "BW_BAD_REQUEST";
  return { ok: false, code, status: errorTable[code].httpStatus, headers: {}, detail };
}
