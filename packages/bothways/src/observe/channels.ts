/**
 * What happens in a server, as typed events on `node:diagnostics_channel`: each is told on the channel of its name, and
 * made only where somebody has subscribed. docs/guide/observe.md is printed from {@link ObservedEvents}.
 *
 * Invariants: nothing told lets anyone in (no secret, key, cookie, token or payload); a name is never changed or reused.
 */
import { channel } from "node:diagnostics_channel";
import type { ErrorCode } from "../model/errors.ts";
import type { DisconnectReason, GapReason } from "../model/reasons.ts";

/** The channels, and what a message of each holds. */
export interface ObservedEvents {
  /** A request or upgrade was refused. `detail` is what its client is told. */
  "bothways:transport:refused": { transport: string; address: string; code: ErrorCode; detail: string };
  /** A WebSocket opened, or a hello came by HTTP. */
  "bothways:transport:opened": { transport: string; address: string };
  /** Such a link ended. `session` is empty where it led to none. */
  "bothways:transport:closed": { transport: string; session: string; code: number };
  /** A client showed that it was welcomed: its session begins. */
  "bothways:session:opened": { session: string; transport: string; address: string };
  /** A client lost its transport and may come back. `code` is how it was lost. */
  "bothways:session:away": { session: string; code: number };
  /** A client came back after it was away, or moved to another transport while it was not. */
  "bothways:session:resumed": { session: string; transport: string; wasAway: boolean };
  /** A client asked for a session that is gone; it got this new one. */
  "bothways:session:lost": { session: string; reason: GapReason };
  /** The session is over. */
  "bothways:session:closed": { session: string; code: number; reason: DisconnectReason };
  /** A client reached a limit, and was refused or closed for it. `session` is empty where it has none. */
  "bothways:limit:struck": { code: ErrorCode; session: string; address: string };
  /** A packet came in. `event` is empty unless it is an event; `size` is what credit counts. */
  "bothways:message:in": { session: string; namespace: string; event: string; size: number };
  /** A packet was given to one client's session. */
  "bothways:message:out": { session: string; namespace: string; event: string; size: number };
  /** A client joined a namespace. `socket` is `socket.id`. */
  "bothways:namespace:joined": { namespace: string; socket: string };
  /** A client was refused by a namespace. `message` is what it was told. */
  "bothways:namespace:refused": { namespace: string; message: string };
  /** A client left a namespace, and all rooms with it. */
  "bothways:namespace:left": { namespace: string; socket: string; reason: DisconnectReason };
  /** A socket entered a room. */
  "bothways:room:joined": { namespace: string; socket: string; room: string };
  /** A socket left a room. */
  "bothways:room:left": { namespace: string; socket: string; room: string };
  /** A handler of the application threw, or code of our own did: what `onError` is told. */
  "bothways:server:error": { error: unknown };
}

/** Ask `hasSubscribers` before a message is made. */
export interface EventChannel<Message> {
  readonly hasSubscribers: boolean;
  publish(message: Readonly<Message>): void;
}

export type EventChannels = { readonly [Name in keyof ObservedEvents]: EventChannel<ObservedEvents[Name]> };

export const channels: EventChannels = {
  "bothways:transport:refused": channel("bothways:transport:refused"),
  "bothways:transport:opened": channel("bothways:transport:opened"),
  "bothways:transport:closed": channel("bothways:transport:closed"),
  "bothways:session:opened": channel("bothways:session:opened"),
  "bothways:session:away": channel("bothways:session:away"),
  "bothways:session:resumed": channel("bothways:session:resumed"),
  "bothways:session:lost": channel("bothways:session:lost"),
  "bothways:session:closed": channel("bothways:session:closed"),
  "bothways:limit:struck": channel("bothways:limit:struck"),
  "bothways:message:in": channel("bothways:message:in"),
  "bothways:message:out": channel("bothways:message:out"),
  "bothways:namespace:joined": channel("bothways:namespace:joined"),
  "bothways:namespace:refused": channel("bothways:namespace:refused"),
  "bothways:namespace:left": channel("bothways:namespace:left"),
  "bothways:room:joined": channel("bothways:room:joined"),
  "bothways:room:left": channel("bothways:room:left"),
  "bothways:server:error": channel("bothways:server:error"),
};
