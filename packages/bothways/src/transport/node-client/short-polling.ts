/** Client half of short polling in Node. */
import type { ClientTransport } from "../../model/transport.ts";
import { createLongPolling, type ShortPollingOptions } from "../client/long-polling.ts";
import { Requests, setTimer } from "./http.ts";

/**
 * The technique `short-polling`: the server is asked again and again. For networks that let no request wait.
 *
 * @example
 * const socket = io("/chat", { transports: [sse(), shortPolling({ interval: 500 })] });
 */
export function shortPolling(options: ShortPollingOptions = {}): ClientTransport {
  const { interval = 1000 } = options;
  return createLongPolling("short-polling", new Requests().post, (poll) => setTimer(poll, interval));
}
