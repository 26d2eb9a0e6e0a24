/**
 * One client in one namespace, as the application sees it.
 *
 * Invariants: the client learns that it joined before anything else is sent to it; `connection` comes before any event
 * of this socket is handled; events are handled in the order they came; whatever an application's handler throws goes to
 * the platform's `onError` and disturbs nothing.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import { AUTH_EXPIRING, type DefaultEventsMap, type Untyped } from "../model/events.ts";
import type { Handshake } from "../model/handshake.ts";
import type { OverflowPolicy } from "../model/message.ts";
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
import type { Connection } from "./connection.ts";
import { plain } from "./emit-flags.ts";
import { describe } from "./handler.ts";
import type { JoinedRoom } from "./history.ts";
import { runMiddleware } from "./middleware.ts";
import type { Namespace } from "./namespace.ts";
import { SocketSender } from "./socket-sender.ts";
import { type SocketInput, type SocketState, socketTransitions } from "./socket-states.ts";

/**
 * One client in one namespace: what `connection` gives.
 *
 * @example
 * io.on("connection", (socket) => {
 *   socket.on("say", (text) => socket.to("lobby").emit("said", text));
 * });
 */
export class Socket<
  ListenEvents = DefaultEventsMap,
  EmitEvents = ListenEvents,
  ServerSideEvents = DefaultEventsMap,
  SocketData = Untyped,
> extends SocketSender<ListenEvents, EmitEvents, SocketData> {
  /** Unguessable, but no secret. */
  readonly id: string;
  /** The namespace it joined. */
  readonly nsp: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  /** Its connection, which it shares with the sockets of the same client in other namespaces. */
  readonly conn: Connection;
  #state: SocketState = "joining";
  // What follows is made when it is first used: most sockets are idle most of the time.
  #auth: unknown;
  #handshake: Handshake | undefined;
  #data: SocketData | undefined;
  /** Where `undefined`, this socket is in its own room only. */
  #rooms: Set<string> | undefined;

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

  /** Bytes that wait to be sent to this client, of all its namespaces. */
  get bufferedBytes(): number {
    return this.conn.bufferedBytes;
  }

  /** The policy for this client, in all its namespaces, where it is too slow and an emit has none of its own. */
  get slowConsumer(): OverflowPolicy {
    return this.conn.peer.policy;
  }

  set slowConsumer(policy: OverflowPolicy) {
    this.conn.peer.policy = policy;
  }

  /** Handles no more events of this client, of any namespace, until `resume`. A client that goes on runs out of credit. */
  pause(): this {
    this.conn.peer.pause();
    return this;
  }

  /** Handles what came meanwhile, and goes on. */
  resume(): this {
    this.conn.peer.resume();
    return this;
  }

  /**
   * Enters a room, or several. With `since` the client is first sent what it missed of the room's history: what came
   * after the position it gave; `""` stands for the beginning. See docs/guide/history.md.
   */
  join(room: string | readonly string[]): void;
  join(
    room: string | readonly string[],
    options: { readonly since: string | null | undefined },
  ): Promise<JoinedRoom>;
  join(
    room: string | readonly string[],
    options?: { readonly since: string | null | undefined },
  ): undefined | Promise<JoinedRoom> {
    const rooms = [room].flat();
    if (options) return new Promise((resolve) => resolve(this.#joinSince(rooms, options.since)));
    this.#join(rooms);
  }

  /** Leaves a room. */
  leave(room: string): void {
    if (!this.#ownRooms().delete(room)) return;
    this.nsp.leaveRoom(room, this);
    this.nsp.platform.observer?.leftRoom(this.nsp.name, this.id, room);
  }

  /** Makes the client leave the namespace; with `close` all namespaces, and ends its session. */
  disconnect(close = false): this {
    if (close) this.conn.close();
    else if (this.#state === "joining") this.#refuse(describe(new BothwaysError("BW_CONNECT_REFUSED")));
    else if (this.maySend) {
      this.#tell(DISCONNECT);
      this.end("server namespace disconnect");
    }
    return this;
  }

  /** The same as `disconnect()`. */
  [Symbol.dispose](): void {
    this.disconnect();
  }

  /** @internal The client asks to join: middleware decides. */
  enter(): void {
    this.nsp.admit();
    runMiddleware(this.nsp.doorkeepers, this, {
      passed: () => this.#accept(),
      refused: (refusal) => this.#refuse(refusal),
      failed: (error) => this.report(error),
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
  notify(event: "away" | "back" | "drain" | "dropped", ...args: number[]): void {
    if (this.#state === "open") this.raise(event, ...args);
  }

  /** @internal Its authentication ends in so many ms. */
  warn(ms: number): void {
    try {
      this.transmit([AUTH_EXPIRING, Math.round(ms)], { ...plain, policy: "block" });
    } catch {
      // there is no room: a client that reads nothing would not read this, and nothing shall go in its place
    }
  }

  /** @internal It leaves; whether the client is told is the caller's matter. */
  end(reason: DisconnectReason): void {
    const wasConnected = this.connected;
    if (!this.#move("leave")) return;
    const wasOpen = this.#state === "leaving";
    if (wasOpen) this.raise("disconnecting", reason);
    for (const room of this.#rooms ?? [this.id]) this.nsp.leaveRoom(room, this);
    this.nsp.sockets.delete(this.id);
    this.conn.remove(this);
    this.#move("gone");
    this.#rooms = undefined;
    if (wasConnected) this.nsp.platform.observer?.left(this.nsp.name, this.id, reason);
    this.silence();
    if (wasOpen) this.raise("disconnect", reason);
    this.nsp.release();
  }

  protected override get state(): SocketState {
    return this.#state;
  }

  protected override report(error: unknown, event?: string): void {
    this.nsp.platform.onError(error, { namespace: this.nsp.name, socket: this.id, event });
  }

  protected override refreshAuth(token: unknown): Promise<void> {
    return this.conn.peer.refreshAuth(token);
  }

  protected override overflow(): void {
    this.report(new BothwaysError("BW_EVENTS_WAITING"));
    this.conn.end("overflow", "BW_EVENTS_WAITING");
  }

  #join(rooms: readonly string[]): void {
    for (const name of rooms) this.#check(name);
    for (const name of rooms) {
      // Whoever hears of it may have disconnected the socket meanwhile.
      if (this.hasLeft) return;
      if (this.#ownRooms().has(name)) continue;
      this.#ownRooms().add(name);
      if (this.connected) this.nsp.enterRoom(name, this);
      this.nsp.platform.observer?.enteredRoom(this.nsp.name, this.id, name);
    }
  }

  #joinSince(rooms: readonly string[], since: string | null | undefined): JoinedRoom {
    for (const room of rooms) this.#check(room);
    if (!this.maySend)
      throw new BothwaysError(this.#state === "joining" ? "BW_NOT_JOINED" : "BW_DISCONNECTED");
    const entered = rooms.filter((room) => !this.#ownRooms().has(room));
    const missed = this.nsp.missed(entered, entered.length === 0 ? undefined : since);
    let replayed = 0;
    for (const { packet, except } of missed.messages) {
      if (this.nsp.index.isInAny(except, this)) continue;
      this.deliver(packet, false);
      replayed += 1;
    }
    this.#join(rooms);
    return { position: missed.position, recovered: missed.recovered, replayed };
  }

  #check(room: string): void {
    if (room.length > this.nsp.limits.maxRoomNameLength) {
      throw new BothwaysError("BW_ROOM_NAME", `${room.slice(0, 32)}…`);
    }
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
    this.nsp.sockets.set(this.id, this);
    this.nsp.platform.observer?.joined(this.nsp.name, this.id);
    this.#tell(CONNECT, { sid: this.id });
    for (const room of this.#rooms ?? [this.id]) {
      if (this.connected) this.nsp.enterRoom(room, this);
    }
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
    if (type === EVENT) this.hear(id, data);
    else if (type === ACK || type === ACK_ERROR) this.settle(packet);
    else if (type === DISCONNECT) this.end("client namespace disconnect");
  }

  #tell(type: typeof CONNECT | typeof CONNECT_ERROR | typeof DISCONNECT, data?: unknown): void {
    this.conn.peer.send({ type, namespace: this.nsp.name, id: undefined, data });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
