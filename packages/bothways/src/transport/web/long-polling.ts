/** Client half of long polling in browsers. */
import type { ClientTransport } from "../../model/transport.ts";
import { createLongPolling } from "../client/long-polling.ts";
import { post } from "./http.ts";

/** The technique `long-polling`: requests that wait for their answer. It passes wherever HTTP does. */
export function longPolling(): ClientTransport {
  return createLongPolling("long-polling", post);
}
