/**
 * The streams of `node:http2` as requests and as sockets: WebSocket over HTTP/2 (RFC 8441), and everything that is
 * written for `node:http`, over HTTP/2.
 *
 * Invariants: a stream that is given up is reset with CANCEL and takes no other stream of its session with it; a stream
 * that is gone already is not touched.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  constants,
  type Http2SecureServer,
  type Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";

/** A server of `node:http2`, with or without TLS. */
export type AnyHttp2Server = Http2Server | Http2SecureServer;

/** How long a client may take to read a refusal. */
const refusalTimeoutMs = 5_000;

/** Is it an extended CONNECT, for whatever protocol? */
export function isExtendedConnect(headers: IncomingHttpHeaders): boolean {
  return headers[":method"] === "CONNECT" && headers[":protocol"] !== undefined;
}

/** Does a WebSocket run on a stream of HTTP/2, not on a connection of its own? */
export function isHttp2Stream(socket: Duplex): socket is ServerHttp2Stream {
  return "respond" in socket;
}

/** The request of a stream, as Node's compatibility layer has it. It has what we use of that of `node:http`. */
export function createRequest(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
): IncomingMessage {
  // RFC 9113 §8.3.1: what HTTP/1.1 has in Host.
  headers.host = headers[":authority"] ?? headers.host;
  return new Http2ServerRequest(stream, headers, {}, rawHeaders) as unknown as IncomingMessage;
}

/** The way back of such a request. */
export function createResponse(stream: ServerHttp2Stream): ServerResponse {
  return new Http2ServerResponse(stream) as unknown as ServerResponse;
}

/**
 * Accepts an extended CONNECT: from here on the stream carries frames. RFC 8441 §5: what would be a reset of TCP is a
 * RST_STREAM with CANCEL; Node's own `destroy` would say NO_ERROR.
 */
export function acceptStream(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  const { destroy } = stream;
  stream.destroy = (error) => {
    stream.close(constants.NGHTTP2_CANCEL);
    return destroy.call(stream, error);
  };
  if (!isGone(stream)) stream.respond({ ...headers, ":status": 200 });
}

/**
 * Refuses a stream with a whole answer; what the client still sends is not needed, so Node ends its side too (RFC 9113
 * §8.1). Throws on invalid headers.
 */
export function refuseStream(
  stream: ServerHttp2Stream,
  status: number,
  headers: OutgoingHttpHeaders = {},
  body = "",
): void {
  if (isGone(stream)) return;
  stream.on("error", () => {});
  // An empty body is the end of the head, so that it waits for no window of the client's.
  stream.respond({ ...headers, ":status": status }, { endStream: body === "" });
  if (body !== "") stream.end(body);
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), refusalTimeoutMs).unref();
  stream.once("close", () => clearTimeout(timer));
}

/** Listeners for `upgrade` whose owners take extended CONNECTs too. */
export const http2Listeners: WeakSet<object> = new WeakSet();

/**
 * Lets the browser at the other end open WebSockets on this session (RFC 8441 §3). Not where somebody else listens for
 * `upgrade`: their WebSockets would come over HTTP/2 too, which they may not know.
 */
export function offerConnect(server: AnyHttp2Server, session: Http2Session): void {
  if (session.destroyed || !server.listeners("upgrade").every((one) => http2Listeners.has(one))) return;
  session.settings({ enableConnectProtocol: true });
}

/** How many streams each session has open here. */
export class StreamCount {
  readonly #max: number;
  readonly #open = new WeakMap<Http2Session, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Counts a stream until it closes, and sees to it that it does when it is reset. False, and not counted, where its
   * session has the most it may.
   */
  add(stream: ServerHttp2Stream): boolean {
    const { session } = stream;
    closeWhenReset(stream);
    // A session that is gone has taken its streams with it.
    if (session === undefined) return true;
    const count = this.#open.get(session) ?? 0;
    if (count >= this.#max) return false;
    this.#open.set(session, count + 1);
    stream.once("close", () => this.#open.set(session, (this.#open.get(session) ?? 1) - 1));
    return true;
  }
}

/**
 * Before version 26, Node leaves a stream as it is that is reset while what was written waits for the client's window: it
 * would be written to, and known as open, for as long as its session is. What came before the reset is read first.
 */
function closeWhenReset(stream: ServerHttp2Stream): void {
  stream.once("aborted", () => {
    if (stream.readableEnded) stream.destroy();
    else stream.once("end", () => stream.destroy());
  });
}

/** Was it reset before anybody looked at it? */
export function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}
