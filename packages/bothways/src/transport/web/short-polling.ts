/** Client half of short polling in browsers. */
import type { ClientTransport } from "../../model/transport.ts";
import { createLongPolling } from "../client/long-polling.ts";
import { post, setTimer } from "./http.ts";

/**
 * The technique `short-polling`: the server is asked again and again, every `interval` ms (default 1,000). For networks
 * that let no request wait.
 */
export function shortPolling({ interval = 1000 }: { readonly interval?: number } = {}): ClientTransport {
  return createLongPolling("short-polling", post, (poll) => setTimer(poll, interval));
}
