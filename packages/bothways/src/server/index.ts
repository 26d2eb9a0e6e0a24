/** Entry `bothways`: the server. */
export type { BroadcastOperator } from "../hub/broadcast.ts";
export type { EventIterator } from "../hub/event-iterator.ts";
export type { HistoryOptions, JoinedRoom } from "../hub/history.ts";
export type { ExtendedError } from "../hub/middleware.ts";
export type { Namespace } from "../hub/namespace.ts";
export type { NamespaceTest, ParentNamespace } from "../hub/parent-namespace.ts";
export type { Presence, PresenceChange, PresenceOptions, Present } from "../hub/presence.ts";
export type { RemoteSocket } from "../hub/remote-socket.ts";
export type { Socket } from "../hub/socket.ts";
export { BothwaysError } from "../model/bothways-error.ts";
export type { ErrorCode } from "../model/errors.ts";
export type { DefaultEventsMap } from "../model/events.ts";
export type { Handshake } from "../model/handshake.ts";
export type { DisconnectReason } from "../model/reasons.ts";
export type { ServerOptions } from "./options.ts";
export { Server } from "./server.ts";
