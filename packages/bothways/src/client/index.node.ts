/** Entry `bothways/client` in Node: the client with its default transports. */
import type { DefaultEventsMap } from "../model/events.ts";
import type { ClientTransport } from "../model/transport.ts";
import { longPolling } from "../transport/node-client/long-polling.ts";
import { sse } from "../transport/node-client/sse.ts";
import { stream } from "../transport/node-client/stream.ts";
import { webSocket } from "../transport/node-client/websocket.ts";
import { hedged } from "./chooser.ts";
import { createError } from "./error.ts";
import { connect, readArguments } from "./io.ts";
import type { IoOptions } from "./options.ts";
import { platform } from "./platform.ts";
import type { Socket } from "./socket.ts";

export type * from "./core.ts";
export type { IoOptions } from "./options.ts";
export { longPolling, sse, stream, webSocket };

const techniques: readonly (() => ClientTransport)[] = [webSocket, stream, sse, longPolling];

/**
 * Connects to a namespace: `io()`, `io("/chat")`, `io("https://example.com/chat", options)`. Outside of a page the URL of the
 * server is needed: BW_SERVER_URL.
 *
 * @example
 * const socket = io("/chat", { auth: { token } });
 * const answer = await socket.emitWithAck("hi", "there");
 */
export function io<ListenEvents = DefaultEventsMap, EmitEvents = ListenEvents>(
  url?: string | IoOptions,
  options?: IoOptions,
): Socket<ListenEvents, EmitEvents> {
  const [server, settings] = readArguments(url, options, techniques);
  requireServer(server);
  return connect(server, settings, platform, hedged);
}

/** A page has a server to connect to by default, and browsers are told nothing: each byte there is everyone's. */
function requireServer(url: string): void {
  const page = globalThis.location?.href;
  if (!URL.canParse(url, page) || !/^(http|ws)s?:/.test(new URL(url, page).protocol))
    throw createError("BW_SERVER_URL", `"${url}" is not the URL of a server, as http://localhost:3000 is`);
}
