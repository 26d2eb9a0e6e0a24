/** Entry `bothways/client` in Node: the client with its default transports. */
import type { DefaultEventsMap } from "../model/events.ts";
import type { ClientTransport } from "../model/transport.ts";
import { longPolling } from "../transport/node-client/long-polling.ts";
import { sse } from "../transport/node-client/sse.ts";
import { stream } from "../transport/node-client/stream.ts";
import { webSocket } from "../transport/node-client/websocket.ts";
import { hedged } from "./chooser.ts";
import { connect, readArguments } from "./io.ts";
import type { IoOptions } from "./options.ts";
import { platform } from "./platform.ts";
import type { Socket } from "./socket.ts";

export type * from "./core.ts";
export type { IoOptions } from "./options.ts";
export { longPolling, sse, stream, webSocket };

const techniques: readonly (() => ClientTransport)[] = [webSocket, stream, sse, longPolling];

/**
 * Connects to a namespace: `io()`, `io("/chat")`, `io("https://example.com/chat", options)`.
 *
 * @example
 * const socket = io("/chat", { auth: { token } });
 * const answer = await socket.emitWithAck("hi", "there");
 */
export function io<ListenEvents = DefaultEventsMap, EmitEvents = ListenEvents>(
  url?: string | IoOptions,
  options?: IoOptions,
): Socket<ListenEvents, EmitEvents> {
  return connect(...readArguments(url, options, techniques), platform, hedged);
}
