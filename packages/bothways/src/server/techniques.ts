/** The HTTP techniques of a server, by the name a hello calls them. To add one is to add a row, and a form. */
import { PollingLink } from "../transport/node/long-polling.ts";
import { multipartForm } from "../transport/node/multipart.ts";
import { sseForm } from "../transport/node/sse.ts";
import { streamForm } from "../transport/node/stream.ts";
import { type StreamForm, StreamLink } from "../transport/node/stream-link.ts";
import { defaults, type ServerOptions, type TransportName } from "./options.ts";

/** What makes the link of a new client, for each technique that `options` offer. */
export function createTechniques(options: ServerOptions): Map<string, () => PollingLink | StreamLink> {
  const limits = {
    maxBytes: options.maxStreamBytes ?? defaults.maxStreamBytes,
    maxAgeMs: options.maxStreamAge ?? defaults.maxStreamAge,
    now: () => performance.now(),
  };
  const stream = (name: TransportName, form: StreamForm) => () => new StreamLink(name, form, limits);
  const all: Record<Exclude<TransportName, "websocket">, () => PollingLink | StreamLink> = {
    stream: stream("stream", streamForm),
    sse: stream("sse", sseForm),
    multipart: stream("multipart", multipartForm),
    "long-polling": () => new PollingLink(),
    "short-polling": () => new PollingLink("short-polling", true),
  };
  const offered: readonly string[] = options.transports ?? defaults.transports;
  return new Map(Object.entries(all).filter(([name]) => offered.includes(name)));
}
