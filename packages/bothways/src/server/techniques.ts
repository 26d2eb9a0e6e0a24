/** The HTTP techniques of a server, by the name a hello calls them. To add one is to add a row, and a form. */
import { BothwaysError } from "../model/bothways-error.ts";
import { IframeForm } from "../transport/node/iframe.ts";
import { JsonpLink } from "../transport/node/jsonp.ts";
import { PollingLink } from "../transport/node/long-polling.ts";
import { multipartForm } from "../transport/node/multipart.ts";
import { sseForm } from "../transport/node/sse.ts";
import { streamForm } from "../transport/node/stream.ts";
import { type StreamForm, StreamLink } from "../transport/node/stream-link.ts";
import { defaults, type ServerOptions, type TransportName } from "./options.ts";

/** Makes the link of a new client, by the Origin of its hello. */
export type CreateLink = (origin?: string) => PollingLink | StreamLink;

/** What makes links, for each technique that `options` offer. Throws BW_TRANSPORT_NAME where there is none of a name. */
export function createTechniques(options: ServerOptions): Map<string, CreateLink> {
  const limits = {
    maxBytes: options.maxStreamBytes ?? defaults.maxStreamBytes,
    maxAgeMs: options.maxStreamAge ?? defaults.maxStreamAge,
    now: () => performance.now(),
  };
  const stream = (name: TransportName, form: StreamForm) => () => new StreamLink(name, form, limits);
  const all: Record<Exclude<TransportName, "websocket">, CreateLink> = {
    stream: stream("stream", streamForm),
    sse: stream("sse", sseForm),
    multipart: stream("multipart", multipartForm),
    iframe: (origin) => new StreamLink("iframe", new IframeForm(origin), limits),
    jsonp: () => new JsonpLink(),
    "long-polling": () => new PollingLink(),
    "short-polling": () => new PollingLink("short-polling", true),
  };
  const offered: readonly string[] = options.transports ?? defaults.transports;
  const unknown = offered.find((name) => name !== "websocket" && !Object.hasOwn(all, name));
  if (unknown !== undefined) throw new BothwaysError("BW_TRANSPORT_NAME", unknown);
  return new Map(Object.entries(all).filter(([name]) => offered.includes(name)));
}
