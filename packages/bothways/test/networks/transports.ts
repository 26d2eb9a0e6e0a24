/** The transports of the matrix. A row here is a column there. */
import type { TransportName } from "../../src/server/options.ts";
import type { ShortPollingOptions } from "../../src/transport/client/long-polling.ts";
import type { StreamingOptions } from "../../src/transport/client/streaming.ts";

/** What decides how networks treat a technique: it leaves HTTP, its answers do not end, or they do. */
export type Kind = "upgrade" | "stream" | "poll";

export interface Transport {
  readonly name: TransportName;
  readonly kind: Kind;
  /** What makes it, as `bothways/client/transports` exports it, and what that is given. */
  readonly factory: string;
  readonly options?: ShortPollingOptions & StreamingOptions;
  /** What it cannot do without, and only a browser has. */
  readonly needs?: string;
}

export const transports: readonly Transport[] = [
  { name: "websocket", kind: "upgrade", factory: "webSocket" },
  { name: "stream", kind: "stream", factory: "stream" },
  { name: "sse", kind: "stream", factory: "sse" },
  { name: "multipart", kind: "stream", factory: "multipart" },
  { name: "long-polling", kind: "poll", factory: "longPolling" },
  // longer than the shortest patience of the networks, shorter than a server's
  { name: "short-polling", kind: "poll", factory: "shortPolling", options: { interval: 200 } },
  { name: "iframe", kind: "stream", factory: "iframe", needs: "a document" },
  { name: "jsonp", kind: "poll", factory: "jsonp", needs: "a document" },
];

const byDefault = ["websocket", "stream", "sse", "long-polling"];

/** The transport and what a client would try after it: the rest of the default ones, or the last of them. */
export function waysFrom(transport: Transport): readonly Transport[] {
  const next = byDefault.includes(transport.name) ? byDefault.indexOf(transport.name) + 1 : -1;
  const names = byDefault.slice(next);
  return [transport, ...names.flatMap((name) => transports.filter((each) => each.name === name))];
}
