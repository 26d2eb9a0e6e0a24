/**
 * One client in one namespace, as the application sees it.
 *
 * Invariants: the client learns that it joined before anything else is sent to it; `connection` comes before any event
 * of this socket is handled; events are handled in the order they came; whatever an application's handler throws goes to
 * the platform's `onError` and disturbs nothing.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import { ANY, Emitter } from "../model/emitter.ts";
import {
  type AckAnswer,
  type AckArguments,
  type DefaultEventsMap,
  type ErrorFirst,
  type EventArguments,
  type EventNames,
  reservedEvents,
  type Untyped,
} from "../model/events.ts";
import type { Handshake } from "../model/handshake.ts";
import {
  ACK,
  ACK_ERROR,
  CONNECT,
  CONNECT_ERROR,
  DISCONNECT,
  EVENT,
  type Packet,
  type Refusal,
} from "../model/packet.ts";
import type { DisconnectReason } from "../model/reasons.ts";
import { awaitAck, PendingAcks, type Settle } from "./ack.ts";
import { BroadcastOperator, type EmitFlags, plain } from "./broadcast.ts";
import type { Connection } from "./connection.ts";
import { eventData, isEventData, takeCallback } from "./event-data.ts";
import { callHandler, describe, toRefusal } from "./handler.ts";
import { callHandlers, callObservers, Reply } from "./incoming.ts";
import { runMiddleware } from "./middleware.ts";
import type { Namespace } from "./namespace.ts";
import { SocketOperator } from "./socket-operator.ts";
import { type SocketInput, type SocketState, socketTransitions } from "./socket-states.ts";

/** What a socket raises itself. */
export interface SocketReservedEvents {
  /** It is about to leave: `rooms` are still there. */
  disconnecting: (reason: DisconnectReason) => void;
  disconnect: (reason: DisconnectReason) => void;
  /** The transport was lost; the session waits for the client to come back. */
  away: () => void;
  back: () => void;
  /** What waited has left: `emit` returns true again. */
  drain: () => void;
}

export class Socket<
  ListenEvents = DefaultEventsMap,
  EmitEvents = ListenEvents,
  ServerSideEvents = DefaultEventsMap,
  SocketData = Untyped,
> extends Emitter<ListenEvents, SocketReservedEvents> {
  /** Unguessable, but no secret. */
  readonly id: string;
  readonly nsp: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  readonly conn: Connection;
  #state: SocketState = "joining";
  // What follows is made when it is first used: most sockets are idle most of the time.
  #auth: unknown;
  #handshake: Handshake | undefined;
  #data: SocketData | undefined;
  /** Where `undefined`, this socket is in its own room only. */
  #rooms: Set<string> | undefined;
  #acks: PendingAcks | undefined;

  constructor(
    nsp: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    conn: Connection,
    id: string,
    auth: unknown,
  ) {
    super();
    this.nsp = nsp;
    this.conn = conn;
    this.id = id;
    this.#auth = auth;
  }

  /** It has joined its namespace and not left it; its transport may be away. */
  get connected(): boolean {
    return this.#state !== "joining" && this.#state !== "left";
  }

  get disconnected(): boolean {
    return !this.connected;
  }

  /** A client that resumes its session keeps its socket, so a new socket was never recovered. */
  get recovered(): boolean {
    return false;
  }

  /** What the client said of itself when it connected, with the `auth` it gave for this namespace. */
  get handshake(): Handshake {
    this.#handshake ??= { ...this.conn.peer.handshake, auth: isRecord(this.#auth) ? this.#auth : {} };
    return this.#handshake;
  }

  /** What the server's `authenticate` returned for this client. */
  get identity(): Untyped {
    return this.conn.peer.identity;
  }

  /** The application's own. It begins empty: that middleware fills it as `SocketData` says is the application's promise. */
  get data(): SocketData {
    this.#data ??= {} as SocketData;
    return this.#data;
  }

  set data(data: SocketData) {
    this.#data = data;
  }

  /** The rooms it is in, its own (named by its id) among them. */
  get rooms(): ReadonlySet<string> {
    return this.#ownRooms();
  }

  /** Enters a room, or several. */
  join(room: string | readonly string[]): void {
    if (this.#state === "left") return;
    const { maxRoomNameLength } = this.nsp.limits;
    const rooms = [room].flat();
    for (const name of rooms) {
      if (name.length > maxRoomNameLength) throw new BothwaysError("BW_ROOM_NAME", `${name.slice(0, 32)}…`);
    }
    for (const name of rooms) {
      if (this.#ownRooms().has(name)) continue;
      this.#ownRooms().add(name);
      if (this.connected) this.nsp.index.add(name, this);
      this.nsp.platform.observer?.enteredRoom(this.nsp.name, this.id, name);
    }
  }

  leave(room: string): void {
    if (!this.#ownRooms().delete(room)) return;
    this.nsp.index.delete(room, this);
    this.nsp.platform.observer?.leftRoom(this.nsp.name, this.id, room);
  }

  /**
   * Sends an event. A trailing callback gets the answer, if one comes. Returns false beyond the high-water mark (the
   * event is accepted all the same; `drain` follows) and where the socket has left.
   */
  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<EmitEvents, Event>
  ): boolean {
    return this.transmit(eventData(event, args), plain);
  }

  /** Sends an event and resolves to its answer, or rejects: refused, or the socket disconnected. */
  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>> {
    return this.request(eventData(event, args), plain);
  }

  /** Waits `ms` milliseconds for the answer; callbacks then get an error or `null` first. */
  timeout(ms: number): SocketOperator<EmitEvents, ErrorFirst<EmitEvents>> {
    return new SocketOperator<EmitEvents, ErrorFirst<EmitEvents>>(this, { ...plain, timeoutMs: ms });
  }

  /** Dropped where it cannot leave at once. */
  get volatile(): SocketOperator<EmitEvents> {
    return new SocketOperator<EmitEvents>(this, { ...plain, isVolatile: true });
  }

  /** To all others in the namespace. */
  get broadcast(): BroadcastOperator<EmitEvents> {
    return this.others(plain);
  }

  /** To all others in `room`. */
  to(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.others(plain).to(room);
  }

  /** The same as `to`. */
  in(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.to(room);
  }

  /** To all others that are not in `room`. */
  except(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.others(plain).except(room);
  }

  /** Makes the client leave the namespace; with `close` all namespaces, and ends its session. */
  disconnect(close = false): this {
    if (close) this.conn.close();
    else if (this.#state === "joining") this.#refuse(describe(new BothwaysError("BW_CONNECT_REFUSED")));
    else if (this.#maySend) {
      this.#tell(DISCONNECT);
      this.end("server namespace disconnect");
    }
    return this;
  }

  /** @internal The client asks to join: middleware decides. */
  enter(): void {
    runMiddleware(this.nsp.middleware, this, {
      passed: () => this.#accept(),
      refused: (refusal) => this.#refuse(refusal),
      failed: (error) => this.#report(error),
    });
  }

  /** @internal The client knows that it joined. */
  confirm(): void {
    if (!this.#move("confirm")) return;
    this.nsp.raiseConnection(this);
    this.#move("opened");
  }

  /** @internal */
  receive(packet: Packet): void {
    if (this.#state === "open") this.#handle(packet);
    // A client that has not joined yet may take its wish back; anything else it says too early is void.
    else if (packet.type === DISCONNECT && this.#state !== "leaving") this.end("client namespace disconnect");
  }

  /** @internal */
  signal(event: "away" | "back" | "drain"): void {
    if (this.#state === "open") this.#raise(event);
  }

  /** @internal It leaves; whether the client is told is the caller's matter. */
  end(reason: DisconnectReason): void {
    const wasConnected = this.connected;
    if (!this.#move("leave")) return;
    const wasOpen = this.#state === "leaving";
    if (wasOpen) this.#raise("disconnecting", reason);
    for (const room of this.#rooms ?? [this.id]) this.nsp.index.delete(room, this);
    this.nsp.sockets.delete(this.id);
    this.conn.remove(this);
    this.#move("gone");
    this.#rooms = undefined;
    if (wasConnected) this.nsp.platform.observer?.left(this.nsp.name, this.id, reason);
    this.#acks?.failAll(new BothwaysError("BW_DISCONNECTED"));
    if (wasOpen) this.#raise("disconnect", reason);
  }

  /** @internal */
  get acks(): PendingAcks {
    this.#acks ??= new PendingAcks(this.nsp.limits.maxAcks);
    return this.#acks;
  }

  /** @internal */
  deliver(packet: Packet, isVolatile: boolean): boolean {
    return this.#maySend && this.conn.peer.send(packet, isVolatile);
  }

  /** @internal */
  transmit(data: unknown[], flags: EmitFlags): boolean {
    const callback = takeCallback(data);
    if (callback === undefined) return this.#emit(data, flags, undefined);
    const call = (...args: unknown[]): unknown =>
      callHandler(callback, this, args, (error) => this.#report(error));
    return this.#emit(data, flags, (error, answers) => {
      // Without a timeout a callback has no place for an error.
      if (flags.timeoutMs !== undefined) call(error, ...answers);
      else if (error === null) call(...answers);
    });
  }

  /** @internal */
  request(data: unknown[], flags: EmitFlags): Promise<Untyped> {
    return new Promise((resolve, reject) => {
      this.#emit(data, flags, (error, answers) => (error ? reject(error) : resolve(answers[0])));
    });
  }

  /** @internal */
  others(flags: EmitFlags): BroadcastOperator<EmitEvents> {
    return new BroadcastOperator<EmitEvents>(this.nsp, undefined, [this.id], flags);
  }

  get #maySend(): boolean {
    return this.#state === "joined" || this.#state === "opening" || this.#state === "open";
  }

  #ownRooms(): Set<string> {
    this.#rooms ??= new Set(this.connected ? [this.id] : []);
    return this.#rooms;
  }

  #move(input: SocketInput): boolean {
    const next = socketTransitions[this.#state][input];
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }

  #accept(): void {
    if (!this.#move("accept")) return;
    this.#rooms?.add(this.id);
    for (const room of this.#rooms ?? [this.id]) this.nsp.index.add(room, this);
    this.nsp.sockets.set(this.id, this);
    this.nsp.platform.observer?.joined(this.nsp.name, this.id);
    this.#tell(CONNECT, { sid: this.id });
    if (this.conn.isConfirmed) this.confirm();
  }

  #refuse(refusal: Refusal): void {
    if (this.#state !== "joining") return;
    this.end("server namespace disconnect");
    this.nsp.platform.observer?.refused(this.nsp.name, refusal.message);
    this.#tell(CONNECT_ERROR, refusal);
  }

  #handle(packet: Packet): void {
    const { type, id, data } = packet;
    if (!this.connected) return;
    if (type === EVENT) this.#handleEvent(id, data);
    else if (type === ACK && id !== undefined) this.#acks?.settle(id, null, Array.isArray(data) ? data : []);
    else if (type === ACK_ERROR && id !== undefined) this.#acks?.settle(id, toAckError(data), []);
    else if (type === DISCONNECT) this.end("client namespace disconnect");
  }

  #handleEvent(id: number | undefined, data: unknown): void {
    if (!isEventData(data)) return this.#report(new BothwaysError("BW_PACKET"));
    const [event, ...args] = data;
    const failed = (error: unknown): void => this.#report(error, event);
    const send = (packet: Packet): boolean => this.deliver(packet, false);
    const reply = id === undefined ? undefined : new Reply(this.nsp.name, id, send, failed);
    if (reservedEvents.has(event)) {
      const error = new BothwaysError("BW_RESERVED_EVENT", event);
      failed(error);
      reply?.refuse(toRefusal(error));
      return;
    }
    const observers = this.take(ANY);
    const handlers = this.take(event);
    if (observers.length > 0) callObservers(observers, this, data, reply, failed);
    if (handlers.length > 0) callHandlers(handlers, this, args, reply, failed);
    // Observers may answer too.
    else if (observers.length === 0) reply?.refuse({ message: "no handler" });
  }

  #tell(type: typeof CONNECT | typeof CONNECT_ERROR | typeof DISCONNECT, data?: unknown): void {
    this.conn.peer.send({ type, namespace: this.nsp.name, id: undefined, data });
  }

  #emit(data: unknown[], { isVolatile, timeoutMs }: EmitFlags, settle: Settle | undefined): boolean {
    if (this.#state === "joining") throw new BothwaysError("BW_NOT_JOINED");
    if (!this.#maySend) {
      settle?.(new BothwaysError("BW_DISCONNECTED"), []);
      return false;
    }
    const namespace = this.nsp.name;
    if (settle === undefined)
      return this.deliver({ type: EVENT, namespace, id: undefined, data }, isVolatile);
    const id = this.nsp.nextAckId();
    awaitAck(this.acks, id, settle, this.nsp.platform, timeoutMs);
    try {
      return this.deliver({ type: EVENT, namespace, id, data }, isVolatile);
    } catch (error) {
      this.acks.drop(id);
      throw error;
    }
  }

  #raise(event: keyof SocketReservedEvents, ...args: unknown[]): void {
    for (const { listener } of this.take(event)) {
      callHandler(listener, this, args, (error) => this.#report(error, event));
    }
  }

  #report(error: unknown, event?: string): void {
    this.nsp.platform.onError(error, { namespace: this.nsp.name, socket: this.id, event });
  }
}

function toAckError(data: unknown): BothwaysError {
  const refusal = isRecord(data) ? data : {};
  const message = typeof refusal.message === "string" ? refusal.message : undefined;
  return new BothwaysError("BW_ACK_REFUSED", message, { data: refusal.data });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
