/** Client half of long polling in Node. */
import type { ClientTransport } from "../../model/transport.ts";
import { createLongPolling } from "../client/long-polling.ts";
import { Requests } from "./http.ts";

/** The technique `long-polling`: requests that wait for their answer. It passes wherever HTTP does. */
export function longPolling(): ClientTransport {
  return createLongPolling("long-polling", new Requests().post);
}
