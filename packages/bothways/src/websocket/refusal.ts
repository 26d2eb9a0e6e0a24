/** How an upgrade is refused: an HTTP answer, then the end of the connection (RFC 6455 §4.2.2, §4.4), over HTTP/2 of the stream. */
import { Buffer } from "node:buffer";
import type { OutgoingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import { isHttp2Stream, refuseStream } from "../transport/node/http2.ts";
import { encodeHeaderLines } from "../wire/websocket/header-text.ts";
import { statusTexts } from "./http.ts";

const timeout = 5_000;

/** Any status may refuse, a redirect too. `body` is plain text and reaches the client. Throws on invalid headers. */
export function refuse(
  socket: Duplex,
  status: number,
  body: string = statusTexts[status] ?? "",
  headers: OutgoingHttpHeaders = {},
): void {
  const answerHeaders = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  };
  if (isHttp2Stream(socket)) return refuseStream(socket, status, answerHeaders, body);
  const lines = encodeHeaderLines({
    Connection: "close",
    ...Object.fromEntries(
      Object.entries(answerHeaders).map(([name, value]) => [
        name,
        typeof value === "number" ? String(value) : value,
      ]),
    ),
  });
  socket.on("error", () => {});
  socket.end(`HTTP/1.1 ${status} ${statusTexts[status] ?? ""}\r\n${lines}\r\n${body}`);
  // What the client still sends is read, or the answer could be lost in a reset.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), timeout).unref();
  socket.once("close", () => clearTimeout(timer));
}
