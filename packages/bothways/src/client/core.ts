/** Entry `bothways/client/core`: the client without any transport. */
import type { DefaultEventsMap } from "../model/events.ts";
import { inTurn } from "./chooser.ts";
import { connect } from "./io.ts";
import type { CoreOptions } from "./options.ts";
import { platform } from "./platform.ts";
import type { Socket } from "./socket.ts";

export type { ClientTransport, ConnectRequest, Link, LinkHandler } from "../model/transport.ts";
export type { Connection } from "./connection.ts";
export type { ClientError } from "./error.ts";
export type { Auth, ConnectionOptions, CoreOptions, SocketOptions } from "./options.ts";
export type { Report, ReportAttempt } from "./report.ts";
export type { Socket } from "./socket.ts";

/**
 * Connects to a namespace over the transports given, in their order: the bundle holds no others.
 *
 * @example
 * const socket = io("https://example.com/chat", { transports: [webSocket()] });
 */
export function io<ListenEvents = DefaultEventsMap, EmitEvents = ListenEvents>(
  url: string,
  options: CoreOptions,
): Socket<ListenEvents, EmitEvents> {
  return connect(url, options, platform, inTurn);
}
