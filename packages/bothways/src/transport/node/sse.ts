/**
 * The technique `sse`: frames as Server-Sent Events (docs/protocol, "HTTP streams"; HTML, "Server-sent events").
 *
 * A text frame holds no line end, so it is one line of data; its first character is never a space, which the parser would
 * take off. Events have no id. Our client ends an EventSource before that connects again by itself; `retry` is for one that
 * nobody looks after any more.
 */
import { encodeLine, encodeRetry } from "../../wire/eventstream/serializer.ts";
import type { StreamForm } from "./stream-link.ts";
import { encodeTextOnly } from "./text-only.ts";

const RETRY_MS = 86_400_000;

export const sseForm: StreamForm = {
  contentType: "text/event-stream; charset=utf-8",
  prologue: encodeRetry(RETRY_MS),
  wrap(frames) {
    let chunk = "";
    for (const frame of frames) chunk += encodeLine(encodeTextOnly(frame));
    return chunk;
  },
};
