/** Entry `bothways`: the server. */
export type { BroadcastOperator } from "../hub/broadcast.ts";
export type { Namespace } from "../hub/namespace.ts";
export type { Socket } from "../hub/socket.ts";
export { BothwaysError } from "../model/bothways-error.ts";
export type { ErrorCode } from "../model/errors.ts";
export type { DefaultEventsMap } from "../model/events.ts";
export type { Handshake } from "../model/handshake.ts";
export type { DisconnectReason } from "../model/reasons.ts";
export type { ObservedEvents } from "../observe/channels.ts";
export type { ServerOptions } from "./options.ts";
export { Server } from "./server.ts";
