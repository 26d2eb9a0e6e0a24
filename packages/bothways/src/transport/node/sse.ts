/**
 * The technique `sse`: frames as Server-Sent Events (docs/protocol, "HTTP streams"; HTML, "Server-sent events").
 *
 * A text frame holds no line end, so it is one line of data; its first character is never a space, which the parser would
 * take off. Events have no id. Our client ends an EventSource before that connects again by itself; `retry` is for one that
 * nobody looks after any more.
 */

import type { StreamForm } from "./stream-link.ts";
import { encodeTextOnly } from "./text-only.ts";

export const sseForm: StreamForm = {
  contentType: "text/event-stream; charset=utf-8",
  prologue: "retry: 86400000\n\n",
  wrap(frames) {
    let chunk = "";
    for (const frame of frames) chunk += `data:${encodeTextOnly(frame)}\n\n`;
    return chunk;
  },
};
