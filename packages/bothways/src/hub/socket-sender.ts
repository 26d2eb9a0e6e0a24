/**
 * The speaking half of a socket: emits to its client, the answers they await, and broadcasts to the others.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type {
  AckAnswer,
  AckArguments,
  ErrorFirst,
  EventArguments,
  EventNames,
  Untyped,
} from "../model/events.ts";
import type { OverflowPolicy } from "../model/message.ts";
import { ACK, EVENT, type Packet } from "../model/packet.ts";
import { awaitAck, PendingAcks, type Settle, toAckError } from "./ack.ts";
import { type Audience, BroadcastOperator } from "./broadcast.ts";
import type { Connection } from "./connection.ts";
import { type AbortSignalLike, type EmitFlags, plain } from "./emit-flags.ts";
import { eventData, takeCallback } from "./event-data.ts";
import { callHandler } from "./handler.ts";
import type { HubLimits } from "./platform.ts";
import { SocketListeners } from "./socket-listeners.ts";
import { SocketOperator } from "./socket-operator.ts";

export abstract class SocketSender<
  ListenEvents,
  EmitEvents,
  SocketData,
> extends SocketListeners<ListenEvents> {
  /** @internal */
  abstract override readonly nsp: Audience<SocketData> & { readonly limits: HubLimits };
  abstract readonly conn: Connection;
  abstract readonly id: string;
  #acks: PendingAcks | undefined;

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
    return this.ask(eventData(event, args), plain);
  }

  /** Waits `ms` milliseconds for the answer; callbacks then get an error or `null` first. */
  timeout(ms: number): SocketOperator<EmitEvents, ErrorFirst<EmitEvents>> {
    return new SocketOperator<EmitEvents, ErrorFirst<EmitEvents>>(this, { ...plain, timeoutMs: ms });
  }

  /** Stops waiting for the answer when `signal` is aborted (BW_ABORTED); callbacks get an error or `null` first. */
  signal(signal: AbortSignalLike): SocketOperator<EmitEvents, ErrorFirst<EmitEvents>> {
    return new SocketOperator<EmitEvents, ErrorFirst<EmitEvents>>(this, { ...plain, signal });
  }

  /** What happens where too much waits for this client; see {@link BroadcastOperator.policy}. */
  policy(policy: OverflowPolicy, key?: string): SocketOperator<EmitEvents> {
    return new SocketOperator<EmitEvents>(this, { ...plain, policy, key });
  }

  /** Resolves when `emit` would be taken and return true; rejects when the client is gone. */
  ready(): Promise<void> {
    return this.connected ? this.conn.ready() : Promise.reject(new BothwaysError("BW_DISCONNECTED"));
  }

  /** Accepted for Socket.IO's sake: as yet nothing is compressed. */
  compress(_isWanted: boolean): SocketOperator<EmitEvents> {
    return new SocketOperator<EmitEvents>(this, plain);
  }

  /** Dropped where it cannot leave at once. */
  get volatile(): SocketOperator<EmitEvents> {
    return new SocketOperator<EmitEvents>(this, { ...plain, isVolatile: true });
  }

  /** To all others in the namespace. */
  get broadcast(): BroadcastOperator<EmitEvents, SocketData> {
    return this.others(plain);
  }

  /** To all others on this node: as long as there is one node, the same as `broadcast`. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast;
  }

  /** To all others in `room`. */
  to(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.others(plain).to(room);
  }

  /** The same as `to`. */
  in(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.to(room);
  }

  /** To all others that are not in `room`. */
  except(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.others(plain).except(room);
  }

  /** @internal */
  get acks(): PendingAcks {
    this.#acks ??= new PendingAcks(this.nsp.limits.maxAcks);
    return this.#acks;
  }

  /** @internal */
  deliver(packet: Packet, isVolatile: boolean): boolean {
    if (!this.maySend) return false;
    if (packet.type === EVENT) this.overhear(packet);
    return this.conn.peer.send(packet, isVolatile);
  }

  /** @internal */
  transmit(data: unknown[], flags: EmitFlags): boolean {
    const callback = takeCallback(data);
    if (callback === undefined) return this.#emit(data, flags, undefined);
    const call = (...args: unknown[]): unknown =>
      callHandler(callback, this, args, (error) => this.report(error));
    const takesError = flags.timeoutMs !== undefined || flags.signal !== undefined;
    return this.#emit(data, flags, (error, answers) => {
      // Without a timeout or signal a callback has no place for an error.
      if (takesError) call(error, ...answers);
      else if (error === null) call(...answers);
    });
  }

  /** @internal */
  ask(data: unknown[], flags: EmitFlags): Promise<Untyped> {
    return new Promise((resolve, reject) => {
      this.#emit(data, flags, (error, answers) => (error ? reject(error) : resolve(answers[0])));
    });
  }

  /** @internal */
  others(flags: EmitFlags): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator<EmitEvents, SocketData>(this.nsp, undefined, [this.id], flags);
  }

  /** An answer of the client, or its refusal. */
  protected settle({ type, id, data }: Packet): void {
    if (id === undefined) return;
    if (type === ACK) this.#acks?.settle(id, null, Array.isArray(data) ? data : []);
    else this.#acks?.settle(id, toAckError(data), []);
  }

  /** Nothing that was asked will be answered, and nothing more is heard. */
  protected silence(): void {
    this.#acks?.failAll(new BothwaysError("BW_DISCONNECTED"));
    this.deafen();
  }

  protected get maySend(): boolean {
    const { state } = this;
    return state === "open" || state === "joined" || state === "opening";
  }

  #emit(data: unknown[], flags: EmitFlags, settle: Settle | undefined): boolean {
    if (this.state === "joining") throw new BothwaysError("BW_NOT_JOINED");
    if (!this.maySend) {
      settle?.(new BothwaysError("BW_DISCONNECTED"), []);
      return false;
    }
    const { isVolatile, policy, key } = flags;
    const namespace = this.nsp.name;
    if (settle === undefined)
      return this.deliver({ type: EVENT, namespace, id: undefined, data, policy, key }, isVolatile);
    const id = this.nsp.nextAckId();
    const guarded = this.nsp.guardAnswers(String(data[0]), settle);
    const takeBack = awaitAck(this.acks, id, guarded, this.nsp.platform, flags);
    try {
      return this.deliver({ type: EVENT, namespace, id, data, policy, key }, isVolatile);
    } catch (error) {
      takeBack();
      throw error;
    }
  }
}
