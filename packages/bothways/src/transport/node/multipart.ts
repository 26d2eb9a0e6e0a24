/**
 * The technique `multipart`: `multipart/x-mixed-replace`, each part a body of frames (docs/protocol, "HTTP streams";
 * RFC 2046 §5.1).
 *
 * Invariant: a part is read by its length, so a frame may hold the boundary; the boundary follows each part at once, for
 * readers that wait for it.
 */
import { Buffer } from "node:buffer";
import { encodeBody } from "../../wire/native/body.ts";
import type { StreamForm } from "./stream-link.ts";

const BOUNDARY = "bothways";

export const multipartForm: StreamForm = {
  contentType: `multipart/x-mixed-replace;boundary=${BOUNDARY}`,
  prologue: `--${BOUNDARY}\r\n`,
  wrap(frames) {
    const body = encodeBody(frames);
    const type = typeof body === "string" ? "text/plain; charset=utf-8" : "application/octet-stream";
    const head = `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    const tail = `\r\n--${BOUNDARY}\r\n`;
    if (typeof body === "string") return head + body + tail;
    return Buffer.concat([Buffer.from(head), body, Buffer.from(tail)]);
  },
};
