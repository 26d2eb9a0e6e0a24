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

  use(middleware: Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.sockets.use(middleware);
    return this;
  }

  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<EmitEvents>, Event>
  ): boolean {
    return this.sockets.emit(event, ...args);
  }

  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>[]> {
    return this.sockets.emitWithAck(event, ...args);
  }

  to(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.to(room);
  }

  in(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.in(room);
  }

  except(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.except(room);
  }

  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.volatile;
  }

  timeout(ms: number): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.timeout(ms);
  }

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

  signal(signal: AbortSignalLike): BroadcastOperator<EmitEvents, SocketData> {
    return this.sockets.signal(signal);
  }

  fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    return this.sockets.fetchSockets();
  }

  socketsJoin(room: string | readonly string[]): void {
    this.sockets.socketsJoin(room);
  }

  socketsLeave(room: string | readonly string[]): void {
    this.sockets.socketsLeave(room);
  }

  disconnectSockets(close = false): void {
    this.sockets.disconnectSockets(close);
  }

  serverSideEmit<Event extends EventNames<ServerSideEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<ServerSideEvents>, Event>
  ): boolean {
    return this.sockets.serverSideEmit(event, ...args);
  }

  serverSideEmitWithAck<Event extends EventNames<ServerSideEvents>>(
    event: Event,
    ...args: AckArguments<ServerSideEvents, Event>
  ): Promise<AckAnswer<ServerSideEvents, Event>[]> {
    return this.sockets.serverSideEmitWithAck(event, ...args);
  }

  history(options?: HistoryOptions): this {
    this.sockets.history(options);
    return this;
  }

  presence(
    options: PresenceOptions<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): Presence<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> {
    return this.sockets.presence(options);
  }
}
