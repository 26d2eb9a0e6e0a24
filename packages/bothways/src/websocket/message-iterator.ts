/**
 * `for await` over a WebSocket's messages. While more than some wait to be taken, the socket is paused, so a slow loop
 * slows the sender down.
 */
import { on } from "node:events";
import { BothwaysError } from "../model/bothways-error.ts";
import type { RawData } from "./payload.ts";
import type { WebSocket } from "./websocket.ts";

const maxWaiting = 64;

/** Listens from the call on; a text comes as string. Leaving the loop lets the messages flow on. */
export function iterateMessages(
  socket: WebSocket,
  endedWith: () => number | undefined,
): AsyncGenerator<string | RawData> {
  const options = { close: ["close"], highWaterMark: maxWaiting, lowWaterMark: 1 };
  const events = endedWith() === undefined ? on(socket, "message", options) : [];
  return yieldMessages(socket, events, endedWith);
}

async function* yieldMessages(
  socket: WebSocket,
  events: AsyncIterable<unknown[]> | Iterable<unknown[]>,
  endedWith: () => number | undefined,
): AsyncGenerator<string | RawData> {
  try {
    for await (const [data, isBinary] of events) yield isBinary ? (data as RawData) : String(data);
  } finally {
    if (socket.isPaused) socket.resume();
  }
  if (endedWith() === 1006) throw new BothwaysError("BW_WS_ABNORMAL");
}
