/**
 * A place to meet: sockets that can hear each other, their rooms, and the middleware that guards the door.
 *
 * Invariants: `sockets` and the room index hold a socket from the moment its client is told that it joined until it
 * leaves. History and presence exist where they were asked for.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Contract } from "../model/contract.ts";
import { Emitter, type Entry } from "../model/emitter.ts";
import type {
  AckAnswer,
  AckArguments,
  DefaultEventsMap,
  ErrorFirstOfAll,
  EventArguments,
  EventNames,
  Untyped,
} from "../model/events.ts";
import type { OverflowPolicy } from "../model/message.ts";
import type { Settle } from "./ack.ts";
import { BroadcastOperator, type Receiver } from "./broadcast.ts";
import { checkAnswers } from "./checks.ts";
import { type AbortSignalLike, plain } from "./emit-flags.ts";
import { takeCallback } from "./event-data.ts";
import { callHandler } from "./handler.ts";
import { type HistoryOptions, type Missed, RoomHistory } from "./history.ts";
import type { Middleware } from "./middleware.ts";
import type { HubLimits, HubPlatform } from "./platform.ts";
import { Presence, type PresenceOptions } from "./presence.ts";
import type { RemoteSocket } from "./remote-socket.ts";
import { RoomIndex } from "./room-index.ts";
import type { Socket } from "./socket.ts";

/** What a namespace raises itself. */
export interface NamespaceReservedEvents<AnySocket, AnyNamespace> {
  /** A client joined. Both are the same, `connect` comes first. */
  connect: (socket: AnySocket) => void;
  /** A client joined: its socket is ready, and its events come from now on. */
  connection: (socket: AnySocket) => void;
  /** On the default namespace: another one came to be. */
  new_namespace: (namespace: AnyNamespace) => void;
}

/** The pattern that a namespace was made by: its listeners and middleware come before the namespace's own. */
export interface Parent<AnySocket> {
  /** @internal */
  readonly middleware: readonly Middleware<AnySocket>[];
  /** @internal */
  readonly contract: Contract | undefined;
  /** @internal */
  entries(event: "connect" | "connection"): readonly Entry[];
}

/** Where a namespace stands; `onEmpty` is called when its last socket left, joined or joining. */
export interface Surroundings<AnySocket> {
  readonly platform: HubPlatform;
  readonly limits: HubLimits;
  readonly parent?: Parent<AnySocket>;
  readonly onEmpty?: (() => void) | undefined;
}

const reservedServerEvents: ReadonlySet<string> = new Set(["connect", "connection", "new_namespace"]);

/**
 * Sockets that talk under one name on a connection that they may share with other namespaces: what `io.of()` returns.
 *
 * @example
 * io.of("/chat").on("connection", (socket) => {
 *   socket.join("lobby");
 * });
 */
export class Namespace<
  ListenEvents = DefaultEventsMap,
  EmitEvents = ListenEvents,
  ServerSideEvents = DefaultEventsMap,
  SocketData = Untyped,
> extends Emitter<
  ServerSideEvents,
  NamespaceReservedEvents<
    Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
  >
> {
  /** Begins with `/`. */
  readonly name: string;
  /** By id. */
  readonly sockets: Map<string, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Map();
  /** @internal */
  readonly index: RoomIndex<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new RoomIndex();
  /** @internal */
  readonly platform: HubPlatform;
  /** @internal */
  readonly limits: HubLimits;
  /** @internal */
  contract: Contract | undefined;
  /** @internal Keeps what is said in rooms, where `history()` was called. */
  kept: RoomHistory | undefined;
  readonly #parent: Parent<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> | undefined;
  readonly #onEmpty: (() => void) | undefined;
  /** Replaced, never changed: a join goes through those that stood when it began. */
  #middleware: readonly Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>[] = [];
  #presence: Presence<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> | undefined;
  #lastAckId = 0;
  /** Sockets that have not left, joined or joining. */
  #socketCount = 0;

  /** @internal */
  constructor(
    name: string,
    around: Surroundings<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ) {
    super();
    this.name = name;
    this.platform = around.platform;
    this.limits = around.limits;
    this.#parent = around.parent;
    this.contract = around.parent?.contract;
    this.#onEmpty = around.onEmpty;
  }

  /** Adds a function that lets clients in, or not. */
  use(middleware: Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.#middleware = [...this.#middleware, middleware];
    return this;
  }

  /** Sends an event to every socket of the namespace; see {@link BroadcastOperator.emit}. */
  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<EmitEvents>, Event>
  ): boolean {
    return this.#everyone.emit(event, ...args);
  }

  /** Sends an event to every socket and resolves to all answers. */
  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>[]> {
    return this.#everyone.emitWithAck(event, ...args);
  }

  /** To those in `room`, or in any of several. */
  to(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.to(room);
  }

  /** The same as `to`. */
  in(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.to(room);
  }

  /** To all that are not in `room`. */
  except(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.except(room);
  }

  /** Dropped for each receiver it cannot leave for at once. */
  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.volatile;
  }

  /** To sockets of this node only: as long as there is one node, all of them. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone;
  }

  /** Accepted for Socket.IO's sake: as yet nothing is compressed. */
  compress(isWanted: boolean): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.compress(isWanted);
  }

  /** Waits `ms` milliseconds for answers. */
  timeout(ms: number): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.timeout(ms);
  }

  /** What happens where too much waits for a receiver; see {@link BroadcastOperator.policy}. */
  policy(policy: OverflowPolicy, key?: string): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.policy(policy, key);
  }

  /** Waits for no more answers when `signal` is aborted. */
  signal(signal: AbortSignalLike): BroadcastOperator<EmitEvents, SocketData> {
    return this.#everyone.signal(signal);
  }

  /** Every socket of the namespace, as of now. */
  fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    return this.#everyone.fetchSockets();
  }

  /** Makes every socket enter a room, or several. */
  socketsJoin(room: string | readonly string[]): void {
    this.#everyone.socketsJoin(room);
  }

  /** Makes every socket leave a room, or several. */
  socketsLeave(room: string | readonly string[]): void {
    this.#everyone.socketsLeave(room);
  }

  /** Makes every client leave the namespace; with `close` all namespaces, and ends its session. */
  disconnectSockets(close = false): void {
    this.#everyone.disconnectSockets(close);
  }

  /**
   * Raises an event on this namespace of the other servers. As long as there is one node there is none, and a callback
   * is told so at once: no error, no answers. Returns true.
   */
  serverSideEmit<Event extends EventNames<ServerSideEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<ServerSideEvents>, Event>
  ): boolean {
    if (reservedServerEvents.has(event)) throw new BothwaysError("BW_RESERVED_EVENT", event);
    const callback = takeCallback([event, ...args]);
    if (callback) {
      callHandler(callback, this, [null, []], (error) => this.#report(error, undefined, event));
    }
    return true;
  }

  /** The same; resolves to the answers of the other servers. */
  serverSideEmitWithAck<Event extends EventNames<ServerSideEvents>>(
    event: Event,
    ..._args: AckArguments<ServerSideEvents, Event>
  ): Promise<AckAnswer<ServerSideEvents, Event>[]> {
    return new Promise((resolve) => {
      if (reservedServerEvents.has(event)) throw new BothwaysError("BW_RESERVED_EVENT", event);
      resolve([]);
    });
  }

  /** Keeps what is said in rooms from now on, and forgets what was kept before. See docs/guide/history.md. */
  history(options: HistoryOptions = {}): this {
    this.kept = new RoomHistory(this.platform, options, (room) => this.sockets.has(room));
    return this;
  }

  /** Counts users in rooms from now on. See docs/guide/presence.md. */
  presence(
    options: PresenceOptions<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): Presence<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> {
    const presence = new Presence(options, (error, socket) => this.#report(error, socket?.id, undefined));
    for (const socket of this.sockets.values()) {
      for (const room of socket.rooms) presence.enter(room, socket);
    }
    this.#presence = presence;
    return presence;
  }

  /** @internal All that guard the door, in order. */
  get doorkeepers(): readonly Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>[] {
    return this.#parent ? [...this.#parent.middleware, ...this.#middleware] : this.#middleware;
  }

  /** @internal */
  raiseConnection(socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void {
    for (const event of ["connect", "connection"] as const) {
      const entries = [...(this.#parent?.entries(event) ?? []), ...this.take(event)];
      this.#call(entries, event, socket, socket.id);
    }
  }

  /** @internal */
  raiseNew(namespace: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void {
    this.#call(this.take("new_namespace"), "new_namespace", namespace, undefined);
  }

  /** @internal One counter for all sockets: a broadcast has one id for all receivers. */
  nextAckId(): number {
    this.#lastAckId += 1;
    return this.#lastAckId;
  }

  /** @internal What waits for an answer to `event` gets it as the contract says, or an error. */
  guardAnswers(event: string, settle: Settle): Settle {
    return this.contract === undefined ? settle : checkAnswers(this.contract.checkAnswer, event, settle);
  }

  /** @internal A socket asks to join. */
  admit(): void {
    this.#socketCount += 1;
  }

  /** @internal One that was admitted has left. */
  release(): void {
    this.#socketCount -= 1;
    if (this.#socketCount === 0) this.#onEmpty?.();
  }

  /** @internal */
  enterRoom(room: string, socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void {
    this.index.add(room, socket);
    this.#presence?.enter(room, socket);
  }

  /** @internal */
  leaveRoom(room: string, socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void {
    this.index.delete(room, socket);
    this.#presence?.leave(room, socket);
  }

  /** @internal */
  missed(rooms: readonly string[], since: string | null | undefined): Missed {
    const nothing: Missed = { messages: [], recovered: since === undefined || since === null, position: "" };
    return this.kept?.missed(rooms, since) ?? nothing;
  }

  /** @internal */
  visit(
    rooms: readonly string[] | undefined,
    except: readonly string[],
    visitor: (receiver: Receiver<SocketData>) => void,
  ): void {
    if (rooms !== undefined) return this.index.visit(rooms, except, visitor);
    for (const socket of this.sockets.values()) {
      if (!this.index.isInAny(except, socket)) visitor(socket);
    }
  }

  get #everyone(): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator<EmitEvents, SocketData>(this, undefined, [], plain);
  }

  #call(entries: readonly Entry[], event: string, subject: object, socket: string | undefined): void {
    for (const { listener } of entries) {
      callHandler(listener, this, [subject], (error) => this.#report(error, socket, event));
    }
  }

  #report(error: unknown, socket: string | undefined, event: string | undefined): void {
    this.platform.onError(error, { namespace: this.name, socket, event });
  }
}
