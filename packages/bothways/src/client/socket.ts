/**
 * A client's socket: one namespace over a connection that others may share.
 *
 * Invariants: events leave in the order they were emitted; what is emitted while the namespace is not joined, or behind
 * a Blob that is still being read, waits in the buffer; an ack is settled at most once.
 */
import { ANY, Emitter } from "../model/emitter.ts";
import {
  type AckAnswer,
  type AckArguments,
  type DefaultEventsMap,
  type ErrorFirst,
  type EventArguments,
  type EventNames,
  type Listener,
  reservedEvents,
} from "../model/events.ts";
import type { Data, Message } from "../model/message.ts";
import { ACK, ACK_ERROR, CONNECT, DISCONNECT, EVENT, type Packet, type PacketType } from "../model/packet.ts";
import type { DisconnectReason, Gap } from "../model/reasons.ts";
import { encodePacket } from "../wire/native/packet.ts";
import { readBlobs } from "./blob.ts";
import type { Connection } from "./connection.ts";
import { type ClientError, createError } from "./error.ts";
import type { Auth } from "./options.ts";
import type { Report } from "./report.ts";

/** Events a socket raises itself. */
export interface SocketReservedEvents {
  connect: () => void;
  connect_error: (error: ClientError) => void;
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
}

type Settle = (error: ClientError | null, values: unknown[]) => void;

interface Ack {
  readonly message: SocketMessage;
  readonly settle: Settle;
  readonly cancel: () => void;
}

export class Socket<ListenEvents = DefaultEventsMap, EmitEvents = ListenEvents> extends Emitter<
  ListenEvents,
  SocketReservedEvents
> {
  /** Of the socket on the server; undefined until the namespace was joined. */
  id: string | undefined;
  /** The namespace is joined and the server within reach. */
  connected = false;
  /** It connects, or will: nobody disconnected it on purpose. */
  active = false;
  /** The last `connect` went on with the session there was: nothing was missed. */
  recovered = false;
  readonly io: Connection;
  readonly nsp: string;
  /** Sent when joining; a function is asked anew each time. */
  auth: Auth;
  /** @internal What `auth` gave; `undefined` while it is being asked. */
  authorized: unknown;
  readonly #acks = new Map<number, Ack>();
  #lastId = 0;
  #buffer: SocketMessage[] = [];
  #timeoutMs: number | undefined;
  #isVolatile = false;

  constructor(io: Connection, nsp: string, auth: Auth = {}) {
    super();
    this.io = io;
    this.nsp = nsp;
    this.auth = auth;
  }

  get disconnected(): boolean {
    return !this.connected;
  }

  /** The next event is dropped where it cannot leave at once. */
  get volatile(): this {
    this.#isVolatile = true;
    return this;
  }

  /** The next event's ack fails after `ms`; its callback takes an error first. */
  timeout(ms: number): Socket<ListenEvents, ErrorFirst<EmitEvents>> {
    this.#timeoutMs = ms;
    return this as Socket<ListenEvents, ErrorFirst<EmitEvents>>;
  }

  /** Connects, now even if it would try again later by itself. */
  connect(): this {
    if (!this.active || !this.io.isOpen) {
      this.active = true;
      this.io.join(this as unknown as Socket);
    }
    return this;
  }

  disconnect(): this {
    if (this.active) {
      if (this.connected) this.#send({ data: encodePacket({ type: DISCONNECT, namespace: this.nsp }) });
      this.leave("io client disconnect");
    }
    return this;
  }

  /**
   * Sends an event. A trailing function is called with the answer. False when more waits than the high-water mark.
   * Throws BW_BACKPRESSURE, and sends nothing, when `maxBufferedBytes` wait already.
   */
  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<EmitEvents, Event>
  ): boolean;
  emit(event: string, ...args: unknown[]): boolean {
    const callback = args.at(-1);
    if (typeof callback !== "function") return this.#emit(event, args);
    args.pop();
    const takesError = this.#timeoutMs !== undefined;
    return this.#emit(event, args, (error, values) => {
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
      this.#emit(event, args, (error, [value]) => (error ? reject(error) : resolve(value)));
    });
  }

  report(): Report {
    return this.io.report();
  }

  /** @internal */
  authorize(done: () => void): void {
    const { auth } = this;
    this.authorized = undefined;
    const given = (value: unknown): void => {
      this.authorized = value ?? null;
      done();
    };
    if (typeof auth === "function") auth(given);
    else given(auth);
  }

  /** @internal A packet of this namespace. */
  receive({ type, id, data }: Packet): void {
    if (type === EVENT) return this.#dispatch(id, data as unknown[]);
    const refusal = data as { message: string; data: unknown; sid: string };
    if (type === ACK) this.#settle(id, null, data as unknown[]);
    else if (type === ACK_ERROR)
      this.#settle(id, createError("BW_ACK_REFUSED", refusal.message, refusal.data), []);
    else if (type === CONNECT) this.opened(refusal.sid);
    else if (type === DISCONNECT) this.leave("io server disconnect");
    else {
      this.leave();
      this.fire("connect_error", createError("BW_CONNECT_REFUSED", refusal.message, refusal.data));
    }
  }

  /** @internal The namespace is joined; without an id, as before. */
  opened(id?: string): void {
    if (this.connected || !(id || this.id)) return;
    this.recovered = !id;
    this.id = id || this.id;
    this.connected = true;
    this.#flush();
    this.fire("connect");
  }

  /** @internal The server is out of reach for now. */
  closed(reason: DisconnectReason): void {
    if (!this.connected) return;
    this.connected = false;
    this.fire("disconnect", reason);
  }

  /** @internal The session is gone, or this socket leaves it. What was never sent stays. */
  forget(unsent: readonly SocketMessage[]): void {
    this.id = undefined;
    const mine = unsent.filter(({ socket }) => socket === (this as unknown));
    for (const message of mine) this.io.heldBytes += message.data.length;
    this.#buffer.unshift(...mine);
    for (const [id, { message }] of this.#acks) {
      if (!this.#buffer.includes(message))
        this.#settle(id, createError("BW_DISCONNECTED", "disconnected"), []);
    }
  }

  /** @internal For good, until `connect` is called. */
  leave(reason?: DisconnectReason): void {
    this.active = false;
    this.io.leave(this as unknown as Socket);
    if (reason) this.closed(reason);
    this.forget([]);
  }

  /** @internal */
  fire(event: keyof SocketReservedEvents, ...args: unknown[]): void {
    for (const { listener } of this.take(event)) this.#call(listener, args);
  }

  #emit(event: string, args: unknown[], settle?: Settle): boolean {
    if (reservedEvents.has(event)) throw createError("BW_RESERVED_EVENT", `"${event}" is reserved`);
    const id = settle && ++this.#lastId;
    const isVolatile = this.#isVolatile;
    const timeoutMs = this.#timeoutMs;
    this.#isVolatile = false;
    this.#timeoutMs = undefined;
    let bytes = 0;
    const read = readBlobs(args, (size) => {
      bytes += size;
    });
    const message: SocketMessage = { data: "", socket: this as unknown as Socket };
    const write = (values: unknown): void => {
      const packet: Packet = {
        type: EVENT,
        namespace: this.nsp,
        id,
        data: [event, ...(values as unknown[])],
      };
      message.data = encodePacket(packet, isVolatile);
    };
    if (read === args) write(args);
    bytes += message.data.length;
    if (!isVolatile) this.io.admit(bytes);
    if (settle) {
      const expire = () => this.#settle(id, createError("BW_ACK_TIMEOUT", "operation has timed out"), []);
      const cancel = timeoutMs === undefined ? () => {} : this.io.platform.setTimer(expire, timeoutMs);
      this.#acks.set(id as number, { message, settle, cancel });
    }
    const send = (): void => {
      if (!isVolatile) this.#flush();
      else if (this.connected && message.data) this.io.run({ type: "send-volatile", message });
    };
    if (!isVolatile) {
      this.#buffer.push(message);
      this.io.heldBytes += bytes;
    }
    if (read === args) send();
    else
      this.#awaitBlobs((read as Promise<unknown>).then(write), message, isVolatile ? 0 : bytes, id).then(
        send,
      );
    return !this.io.isFull;
  }

  /** What cannot be read, as a file that changed since it was chosen, is not sent. */
  async #awaitBlobs(
    written: Promise<void>,
    message: SocketMessage,
    held: number,
    id?: number,
  ): Promise<void> {
    await written.catch((error) => {
      this.#buffer = this.#buffer.filter((other) => other !== message);
      this.#settle(id, error, []);
      if (id === undefined) Promise.reject(error);
    });
    if (held) this.io.heldBytes += message.data.length - held;
  }

  #flush(): void {
    // nothing overtakes a message whose Blobs are being read
    while (this.connected && this.#buffer[0]?.data) {
      const message = this.#buffer.shift() as SocketMessage;
      this.io.heldBytes -= message.data.length;
      this.#send(message);
    }
  }

  #send(message: SocketMessage): void {
    this.io.run({ type: "send", message });
  }

  #settle(id: number | undefined, error: ClientError | null, values: unknown[]): void {
    const ack = this.#acks.get(id as number);
    this.#acks.delete(id as number);
    ack?.cancel();
    if (ack) this.#call(ack.settle, [error, values]);
  }

  #dispatch(id: number | undefined, data: unknown[]): void {
    let isAwaited = id !== undefined;
    const reply = (type: PacketType, values: unknown): void => {
      if (isAwaited)
        this.#send({ data: encodePacket({ type, namespace: this.nsp, id, data: values }), isAnswer: true });
      isAwaited = false;
    };
    const answer = (...values: unknown[]): void => reply(ACK, values);
    const refuse = (error: ClientError): never => {
      reply(ACK_ERROR, { message: error?.data ? error.message : "internal error", data: error?.data });
      throw error;
    };
    const [event, ...args] = data as [string, ...unknown[]];
    if (reservedEvents.has(event)) return;
    const given = isAwaited ? [...args, answer] : args;
    const observers = this.take(ANY);
    const entries = this.take(event);
    for (const { listener } of observers) this.#call(listener, [event, ...given]);
    // observers may answer too
    if (!entries.length && !observers.length) reply(ACK_ERROR, { message: "no handler" });
    for (const { listener } of entries) {
      // a listener that does not declare the callback answers by what it returns
      const takesResult = listener.length <= args.length;
      const result = this.#call(listener, given, refuse);
      if (takesResult && result !== undefined) Promise.resolve(result).then(answer).catch(refuse);
    }
  }

  /** What an application throws is its own, and stops nothing of ours: it ends as an unhandled rejection. */
  #call(listener: Listener, args: unknown[], failed?: (error: ClientError) => never): unknown {
    try {
      return listener.apply(this, args);
    } catch (error) {
      Promise.reject(error).catch(failed);
    }
  }
}
