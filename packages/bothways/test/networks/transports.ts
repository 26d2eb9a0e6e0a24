/** The transports of the matrix. A row here is a column there. */
import type { ClientTransport } from "../../src/model/transport.ts";
import { longPolling } from "../../src/transport/node-client/long-polling.ts";
import { webSocket } from "../../src/transport/node-client/websocket.ts";

/** What decides how networks treat a technique: it leaves HTTP, its answers do not end, or they do. */
export type Kind = "upgrade" | "stream" | "poll";

export interface Transport {
  readonly name: string;
  readonly kind: Kind;
  readonly create: () => ClientTransport;
}

/** What a client moves on to where the transport under test cannot work. */
export const fallback: Transport = { name: "long-polling", kind: "poll", create: longPolling };

export const transports: readonly Transport[] = [
  { name: "websocket", kind: "upgrade", create: webSocket },
  fallback,
];
