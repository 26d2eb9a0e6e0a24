/** What may be said to `io` itself: it speaks for the default namespace `/`, by the names of {@link Namespace}. */
import type { BroadcastOperator } from "../hub/broadcast.ts";
import type { AbortSignalLike } from "../hub/emit-flags.ts";
import type { HistoryOptions } from "../hub/history.ts";
import type { Middleware } from "../hub/middleware.ts";
import type { Namespace, NamespaceReservedEvents } from "../hub/namespace.ts";
import type { Presence, PresenceOptions } from "../hub/presence.ts";
import type { RemoteSocket } from "../hub/remote-socket.ts";
import type { Socket } from "../hub/socket.ts";
import type {
  AckAnswer,
  AckArguments,
  ErrorFirstOfAll,
  EventArguments,
  EventNames,
  ListenerOf,
} from "../model/events.ts";
import type { OverflowPolicy } from "../model/message.ts";

type Reserved<ListenEvents, EmitEvents, ServerSideEvents, SocketData> = NamespaceReservedEvents<
  Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
  Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
>;

export abstract class DefaultNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
  abstract get sockets(): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;

  /**
   * Calls `listener` each time `event` comes: one of {@link NamespaceReservedEvents}, such as `connection`, or an event of
   * another server.
   */
  on<
    Event extends
      | EventNames<ServerSideEvents>
      | EventNames<Reserved<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  >(
    event: Event,
    listener: ListenerOf<
      ServerSideEvents,
      Reserved<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
      Event
    >,
  ): this {
    this.sockets.on(event, listener);
    return this;
  }

  /** Calls `listener` the next time `event` comes. */
  once<
    Event extends
      | EventNames<ServerSideEvents>
      | EventNames<Reserved<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  >(
    event: Event,
    listener: ListenerOf<
      ServerSideEvents,
      Reserved<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
      Event
    >,
  ): this {
    this.sockets.once(event, listener);
    return this;
  }

  /** Removes `listener` of `event`; without it all of `event`; without both every listener there is. */
  off<
    Event extends
      | EventNames<ServerSideEvents>
      | EventNames<Reserved<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  >(
    event?: Event,
    listener?: ListenerOf<
      ServerSideEvents,
      Reserved<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
      Event
    >,
  ): this {
    this.sockets.off(event, listener);
    return this;
  }

  /** Adds a function that lets clients in, or not. */
  use(middleware: Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.sockets.use(middleware);
    return this;
  }

  /** Sends an event to every client; see {@link BroadcastOperator.emit}. */
  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<EmitEvents>, Event>
  ): boolean {
    return this.sockets.emit(event, ...args);
  }

  /** Sends an event to every client and resolves to all answers. */
  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>[]> {
    return this.sockets.emitWithAck(event, ...args);
  }

  /** To those in `room`, or in any of several. */
  to(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.to(room);
  }

  /** The same as `to`. */
  in(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.in(room);
  }

  /** To all that are not in `room`. */
  except(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.except(room);
  }

  /** Dropped for each receiver it cannot leave for at once. */
  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.volatile;
  }

  /** Waits `ms` milliseconds for answers. */
  timeout(ms: number): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.timeout(ms);
  }

  /** What happens where too much waits for a receiver; see {@link BroadcastOperator.policy}. */
  policy(policy: OverflowPolicy, key?: string): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.policy(policy, key);
  }

  /** To sockets of this node only: as long as there is one node, all of them. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.local;
  }

  /** Accepted for Socket.IO's sake: as yet nothing is compressed. */
  compress(isWanted: boolean): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.compress(isWanted);
  }

  /** Waits for no more answers when `signal` is aborted (BW_ABORTED). */
  signal(signal: AbortSignalLike): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.signal(signal);
  }

  /** Every socket, as of now. */
  fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    return this.sockets.fetchSockets();
  }

  /** Makes every socket enter a room, or several. */
  socketsJoin(room: string | readonly string[]): void {
    this.sockets.socketsJoin(room);
  }

  /** Makes every socket leave a room, or several. */
  socketsLeave(room: string | readonly string[]): void {
    this.sockets.socketsLeave(room);
  }

  /** Makes every client leave the namespace; with `close` all namespaces, and ends its session. */
  disconnectSockets(close = false): void {
    this.sockets.disconnectSockets(close);
  }

  /** Raises an event on the other servers; see {@link Namespace.serverSideEmit}. */
  serverSideEmit<Event extends EventNames<ServerSideEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<ServerSideEvents>, Event>
  ): boolean {
    return this.sockets.serverSideEmit(event, ...args);
  }

  /** The same; resolves to the answers of the other servers. */
  serverSideEmitWithAck<Event extends EventNames<ServerSideEvents>>(
    event: Event,
    ...args: AckArguments<ServerSideEvents, Event>
  ): Promise<AckAnswer<ServerSideEvents, Event>[]> {
    return this.sockets.serverSideEmitWithAck(event, ...args);
  }

  /** Keeps what is said in rooms from now on, and forgets what was kept before. See docs/guide/history.md. */
  history(options?: HistoryOptions): this {
    this.sockets.history(options);
    return this;
  }

  /** Counts users in rooms from now on. See docs/guide/presence.md. */
  presence(
    options: PresenceOptions<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): Presence<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> {
    return this.sockets.presence(options);
  }
}
