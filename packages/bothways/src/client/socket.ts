/**
 * A client's socket: one namespace over a connection that others may share.
 *
 * Invariants: events leave in the order they were emitted; what is emitted while the namespace is not joined, or behind
 * a Blob that is still being read, waits in the buffer; an ack is settled at most once.
 */
import { ANY } from "../model/emitter.ts";
import {
  type AckAnswer,
  type AckArguments,
  type DefaultEventsMap,
  type ErrorFirst,
  type EventArguments,
  type EventNames,
  REFRESH_AUTH,
  reservedEvents,
} from "../model/events.ts";
import type { Data, Message } from "../model/message.ts";
import { ACK, ACK_ERROR, CONNECT, DISCONNECT, EVENT, type Packet, type PacketType } from "../model/packet.ts";
import type { DisconnectReason, Gap } from "../model/reasons.ts";
import { encodePacket } from "../wire/native/packet.ts";
import { readBlobs } from "./blob.ts";
import { ClientEmitter } from "./client-emitter.ts";
import type { Connection } from "./connection.ts";
import { type ClientError, createError } from "./error.ts";
import type { Auth } from "./options.ts";
import type { Report } from "./report.ts";

/** Events a socket raises itself. */
export interface SocketReservedEvents {
  /** The namespace is joined, for the first time or again; `recovered` says whether anything was missed. */
  connect: () => void;
  /** A try to connect failed, or the server refused; `active` says whether it tries again. */
  connect_error: (error: ClientError) => void;
  /** The server is out of reach, or the namespace was left. */
  disconnect: (reason: DisconnectReason) => void;
  /** The server lost the session: messages were missed. `connect` follows, with `recovered` false. */
  gap: (gap: Gap) => void;
  /** `emit` may go on. */
  drain: () => void;
}

/** A message with its socket, so that one that was never sent can go back to it. */
export interface SocketMessage extends Message {
  data: Data;
  readonly socket?: Socket;
  /** Of the answer that is waited for. */
  readonly id?: number | undefined;
  /** What it takes while it waits: its length, or that of the Blobs that are still being read. */
  readonly bytes?: number;
}

type Settle = (error: ClientError | null, ...values: unknown[]) => void;

/** May call `fail` later. Returns what takes that back. */
type Limit = (fail: (error: ClientError) => void) => () => void;

/**
 * One namespace of a server: what `io()` returns. What is emitted while it is away is sent when it is back. `Callbacks` are
 * the events as `emit` takes them: after `timeout` their callbacks get an error first.
 */
export class Socket<
  ListenEvents = DefaultEventsMap,
  EmitEvents = ListenEvents,
  Callbacks = EmitEvents,
> extends ClientEmitter<ListenEvents, SocketReservedEvents> {
  // declared only: what begins undefined, or is set by the constructor, takes no bytes of a bundle
  /** Of the socket on the server; undefined until the namespace was joined, and once it was left. */
  declare id: string | undefined;
  /** The namespace is joined and the server within reach. */
  connected = false;
  /** It connects, or will: nobody disconnected it on purpose. */
  active = false;
  /** The last `connect` went on with the session there was: nothing was missed. */
  recovered = false;
  /** The connection it uses; another one where `connect()` finds its namespace taken there. */
  declare io: Connection;
  /** The name of its namespace. */
  declare readonly nsp: string;
  /** Sent when joining; a function is asked anew each time. */
  declare auth: Auth;
  /** @internal What `auth` gave; `undefined` while it is being asked. */
  declare authorized: unknown;
  readonly #createConnection: () => Connection;
  readonly #acks = new Map<number | undefined, Settle>();
  #lastId = 0;
  #buffer: SocketMessage[] = [];
  /** Of the next event: what may end the wait for its answer. */
  #limits: Limit[] = [];
  #isVolatile = false;

  constructor(io: Connection, createConnection: () => Connection, nsp: string, auth: Auth = {}) {
    super();
    this.io = io;
    this.#createConnection = createConnection;
    this.nsp = nsp;
    this.auth = auth;
  }

  /** The opposite of `connected`. */
  get disconnected(): boolean {
    return !this.connected;
  }

  /** The next event is dropped where it cannot leave at once. */
  get volatile(): this {
    this.#isVolatile = true;
    return this;
  }

  /**
   * The next event's ack fails after `ms`, and what could not leave by then is not sent. Its callback takes an error
   * first.
   */
  timeout(ms: number): Socket<ListenEvents, EmitEvents, ErrorFirst<EmitEvents>> {
    return this.#limit((fail) =>
      this.io.platform.setTimer(() => fail(createError("BW_ACK_TIMEOUT", "operation has timed out")), ms),
    );
  }

  /**
   * Aborting `signal` ends the wait for the next event's answer: BW_ABORTED, with the signal's reason as `cause`. A
   * callback takes an error first. The event may be handled all the same.
   */
  signal(signal: AbortSignal): Socket<ListenEvents, EmitEvents, ErrorFirst<EmitEvents>> {
    return this.#limit((fail) => {
      const abort = (): void => fail(createError("BW_ABORTED", "aborted", undefined, signal.reason));
      if (signal.aborted) this.io.platform.defer(abort);
      signal.addEventListener("abort", abort);
      return () => signal.removeEventListener("abort", abort);
    });
  }

  /** Connects, now even if it would try again later by itself. */
  connect(): this {
    if (!this.active && this.io.has(this.nsp)) this.#move();
    if (!this.active || !this.io.isOpen) {
      this.active = true;
      this.io.join(this as unknown as Socket);
    }
    return this;
  }

  /** Leaves the namespace for good, until `connect` is called. */
  disconnect(): this {
    if (this.active) {
      if (this.id) this.#say(DISCONNECT);
      this.leave("io client disconnect");
    }
    return this;
  }

  /**
   * Sends an event. A trailing function is called with the answer. False when more waits than the high-water mark.
   * Throws BW_BACKPRESSURE, and sends nothing, when `maxBufferedBytes` wait already.
   */
  emit<Event extends EventNames<Callbacks>>(event: Event, ...args: EventArguments<Callbacks, Event>): boolean;
  emit(event: string, ...args: unknown[]): boolean {
    const callback = args.at(-1);
    if (typeof callback !== "function") return this.#emit(event, args);
    const takesError = this.#limits.length;
    args.pop();
    return this.#emit(event, args, (error, ...values) => {
      if (takesError) callback(error, ...values);
      else if (!error) callback(...values);
    });
  }

  /** Sends an event and resolves to its answer; rejects when there can be none. */
  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>>;
  emitWithAck(event: string, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#emit(event, args, (error, value) => (error ? reject(error) : resolve(value)));
    });
  }

  /** Resolves when `emit` may go on: no more waits than the high-water mark. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.io.isFull) this.once("drain", resolve as never);
      else resolve();
    });
  }

  /**
   * Shows the server a fresh token, on the transport in use, before `auth_expiring` comes true. Rejects where the server's
   * `refreshAuth` does not take it.
   */
  refreshAuth(token: unknown): Promise<void> {
    return (this as unknown as Socket).emitWithAck(REFRESH_AUTH, token);
  }

  /** Moves the connection to this technique, as `socket.io.switchTo` does, with all sockets that share it. */
  switchTo(name: string): void {
    this.io.switchTo(name);
  }

  /** How the connection came to be, and what went over it. */
  report(): Report {
    return this.io.report();
  }

  /** @internal */
  authorize(done: () => void): void {
    const { auth } = this;
    this.authorized = undefined;
    const given = (value: unknown = null): void => {
      this.authorized = value;
      done();
    };
    if (typeof auth === "function") auth(given);
    else given(auth);
  }

  /** @internal Asks to join on a session that goes on. */
  ask(): void {
    this.authorize(() => {
      if (this.active) this.#say(CONNECT, undefined, this.authorized);
    });
  }

  /** @internal A packet of this namespace. */
  receive({ type, id, data }: Packet): void {
    // until CONNECT is answered, the one there was before the last `disconnect()` is meant
    if ((type === EVENT || type === DISCONNECT) && !this.connected) return;
    if (type === EVENT) return this.#dispatch(id, data as [string, ...unknown[]]);
    if (type === ACK) return this.#settle(id, null, ...(data as unknown[]));
    if (type === DISCONNECT) return this.leave("io server disconnect");
    if (type === CONNECT) return this.opened((data as { sid: string }).sid);
    const { message, data: more } = data as { message: string; data: unknown };
    if (type === ACK_ERROR) return this.#settle(id, createError("BW_ACK_REFUSED", message, more));
    this.leave();
    this.fire("connect_error", createError("BW_CONNECT_REFUSED", message, more));
  }

  /** @internal The namespace is joined; without an id, as before. */
  opened(id?: string): void {
    if (this.connected) return;
    this.recovered = !id;
    this.id ??= id;
    this.connected = true;
    this.#flush();
    this.fire("connect");
  }

  /** @internal The server is out of reach for now. */
  closed(reason: DisconnectReason): void {
    if (this.connected) {
      this.connected = false;
      this.fire("disconnect", reason);
    }
  }

  /** @internal The session is gone, or this socket leaves it. What was never sent stays, and nothing else will be answered. */
  forget(unsent: readonly SocketMessage[]): void {
    const mine = unsent.filter(({ socket }) => socket === (this as unknown));
    for (const { bytes } of mine) this.io.heldBytes += bytes as number;
    this.#buffer.unshift(...mine);
    this.id = undefined;
    for (const id of this.#acks.keys()) {
      const waits = this.#buffer.some((message) => message.id === id);
      if (!waits) this.#settle(id, createError("BW_DISCONNECTED", "disconnected"));
    }
  }

  /** @internal For good, until `connect` is called. */
  leave(reason?: DisconnectReason): void {
    this.active = false;
    this.id = undefined;
    this.io.leave(this as unknown as Socket);
    if (reason) this.closed(reason);
    this.forget([]);
  }

  #limit(limit: Limit): Socket<ListenEvents, EmitEvents, ErrorFirst<EmitEvents>> {
    this.#limits.push(limit);
    return this as unknown as Socket<ListenEvents, EmitEvents, ErrorFirst<EmitEvents>>;
  }

  #emit(event: string, args: unknown[], settle?: Settle): boolean {
    if (reservedEvents.has(event)) throw createError("BW_RESERVED_EVENT", `"${event}" is reserved`);
    const { io, nsp: namespace } = this;
    const isVolatile = this.#isVolatile;
    const limits = this.#limits;
    this.#isVolatile = false;
    this.#limits = [];
    const id = settle && ++this.#lastId;
    const values = [event, ...args];
    const write = (data: unknown) => encodePacket({ type: EVENT, namespace, id, data }, isVolatile);
    let bytes = 0;
    const read = readBlobs(values, (size) => {
      bytes += size;
    });
    const data = read === values ? write(values) : "";
    bytes += data.length;
    const message = { data, bytes, id, socket: this as unknown as Socket };
    if (!isVolatile) io.admit(bytes);
    if (settle) {
      const cancels = limits.map((limit) =>
        limit((error) => {
          this.#withdraw(message);
          this.#settle(id, error);
        }),
      );
      this.#acks.set(id, (...outcome) => {
        for (const cancel of cancels) cancel();
        this.call(settle, outcome);
      });
    }
    if (!isVolatile) {
      this.#buffer.push(message);
      io.heldBytes += bytes;
      this.#flush();
    } else if (this.connected && data) io.run({ type: "send-volatile", message });
    if (read !== values) this.#await((read as Promise<unknown>).then(write), message, id);
    return !io.isFull;
  }

  /** What cannot be read, as a file that changed since it was chosen, is not sent. */
  async #await(written: Promise<Data>, message: SocketMessage, id?: number): Promise<void> {
    try {
      message.data = await written;
    } catch (error) {
      this.#withdraw(message);
      this.#settle(id, error as ClientError);
      if (!id) throw error;
    } finally {
      this.#flush();
    }
  }

  /** One namespace has one socket on a connection: this one goes to another, with what waits. */
  #move(): void {
    const waiting = this.#buffer;
    for (const message of waiting) this.#withdraw(message);
    this.io = this.#createConnection();
    this.forget(waiting);
  }

  /** It is not sent, where it has not been. */
  #withdraw(message: SocketMessage): void {
    if (!this.#buffer.includes(message)) return;
    this.io.heldBytes -= message.bytes as number;
    this.#buffer = this.#buffer.filter((other) => other !== message);
  }

  #flush(): void {
    // nothing overtakes a message whose Blobs are being read
    while (this.connected && this.#buffer[0]?.data) {
      const message = this.#buffer.shift() as SocketMessage;
      this.io.heldBytes -= message.bytes as number;
      this.io.run({ type: "send", message });
    }
  }

  #say(type: PacketType, id?: number, data?: unknown): void {
    this.io.say({ type, namespace: this.nsp, id, data });
  }

  #settle(id: number | undefined, ...outcome: Parameters<Settle>): void {
    const settle = this.#acks.get(id);
    this.#acks.delete(id);
    settle?.(...outcome);
  }

  #dispatch(id: number | undefined, [event, ...args]: [string, ...unknown[]]): void {
    if (reservedEvents.has(event)) return;
    const at = this.id;
    let isAwaited = id !== undefined;
    const reply = (type: PacketType, data: unknown): void => {
      // nobody who joins anew may answer it
      if (isAwaited && at === this.id) this.#say(type, id, data);
      isAwaited = false;
    };
    const answer = (...values: unknown[]): void => reply(ACK, values);
    const refuse = (error: ClientError): never => {
      const data = error?.data;
      reply(ACK_ERROR, { message: data ? error.message : "internal error", data });
      throw error;
    };
    const count = args.length;
    if (isAwaited) args.push(answer);
    const observers = this.take(ANY);
    const entries = this.take(event);
    for (const { listener } of observers) this.call(listener, [event, ...args]);
    // observers may answer too
    if (!entries.length && !observers.length) reply(ACK_ERROR, { message: "no handler" });
    for (const { listener } of entries) {
      const result = this.call(listener, args, refuse);
      // a listener that does not declare the callback answers by what it returns
      if (listener.length <= count && result !== undefined)
        Promise.resolve(result).then(answer).catch(refuse);
    }
  }
}
