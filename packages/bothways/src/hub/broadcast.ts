/**
 * An emit to many: `io.to("room").except("other").emit("event")`. An operator is a value: each step makes a new one, so
 * one may be kept and used again.
 *
 * Invariant: a broadcast is one packet, shared by all receivers, so that it is encoded once.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Contract } from "../model/contract.ts";
import type {
  AckAnswer,
  AckArguments,
  BroadcastError,
  DefaultEventsMap,
  ErrorFirstOfAll,
  EventArguments,
  EventNames,
  Untyped,
} from "../model/events.ts";
import type { OverflowPolicy } from "../model/message.ts";
import { EVENT, type Packet } from "../model/packet.ts";
import { AckCollector, type Settle, throwIfAborted } from "./ack.ts";
import type { Connection } from "./connection.ts";
import type { AbortSignalLike, EmitFlags } from "./emit-flags.ts";
import { eventData, takeCallback } from "./event-data.ts";
import { callHandler } from "./handler.ts";
import type { RoomHistory } from "./history.ts";
import type { HubPlatform } from "./platform.ts";
import { RemoteSocket, type RemoteTarget } from "./remote-socket.ts";

/** One whom a broadcast reaches. */
export interface Receiver<SocketData> extends RemoteTarget<SocketData> {
  /** @internal */
  readonly conn: Pick<Connection, "peer" | "ready">;
  deliver(packet: Packet, isVolatile: boolean): boolean;
}

/** Those whom a broadcast may reach: the sockets of one namespace. */
export interface Audience<SocketData> {
  readonly name: string;
  readonly platform: HubPlatform;
  /** Keeps what is said in rooms, where that is wanted. */
  readonly kept: RoomHistory | undefined;
  readonly contract: Contract | undefined;
  nextAckId(): number;
  /** What waits for an answer to `event` gets it as the contract says, or an error. */
  guardAnswers(event: string, settle: Settle): Settle;
  /** Calls `visitor` once with each receiver in `rooms` (all, where `undefined`) that is in none of `except`. */
  visit(
    rooms: readonly string[] | undefined,
    except: readonly string[],
    visitor: (receiver: Receiver<SocketData>) => void,
  ): void;
}

/**
 * An emit to many, with its conditions. Each step makes a new operator, so one may be kept and used again.
 *
 * @example
 * io.to("lobby").except("muted").emit("said", "hello");
 */
export class BroadcastOperator<EmitEvents = DefaultEventsMap, SocketData = Untyped> {
  readonly #audience: Audience<SocketData>;
  readonly #rooms: readonly string[] | undefined;
  readonly #except: readonly string[];
  readonly #flags: EmitFlags;

  /** @internal */
  constructor(
    audience: Audience<SocketData>,
    rooms: readonly string[] | undefined,
    except: readonly string[],
    flags: EmitFlags,
  ) {
    this.#audience = audience;
    this.#rooms = rooms;
    this.#except = except;
    this.#flags = flags;
  }

  /** To those in `room` too. An empty list of rooms reaches nobody. */
  to(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#with((this.#rooms ?? []).concat(room), this.#except, this.#flags);
  }

  /** The same as `to`. */
  in(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.to(room);
  }

  /** Not to those in `room`. */
  except(room: string | readonly string[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.#with(this.#rooms, this.#except.concat(room), this.#flags);
  }

  /** Dropped for each receiver it cannot leave for at once. */
  get volatile(): BroadcastOperator<EmitEvents, SocketData> {
    return this.#with(this.#rooms, this.#except, { ...this.#flags, isVolatile: true });
  }

  /** Waits `ms` milliseconds for answers. */
  timeout(ms: number): BroadcastOperator<EmitEvents, SocketData> {
    return this.#with(this.#rooms, this.#except, { ...this.#flags, timeoutMs: ms });
  }

  /** Waits for no more answers when `signal` is aborted; the error's `responses` are those that came (BW_ABORTED). */
  signal(signal: AbortSignalLike): BroadcastOperator<EmitEvents, SocketData> {
    return this.#with(this.#rooms, this.#except, { ...this.#flags, signal });
  }

  /**
   * What happens where too much waits for a receiver, whatever that receiver's own policy is. `latest-by-key`: a newer event
   * of the same key replaces one that still waits; without `key` the event's name is the key. `block`: `emit` throws
   * BW_BACKPRESSURE and sends to nobody where one receiver has no room.
   */
  policy(policy: OverflowPolicy, key?: string): BroadcastOperator<EmitEvents, SocketData> {
    return this.#with(this.#rooms, this.#except, { ...this.#flags, policy, key });
  }

  /** Resolves when `emit` would return true. */
  async ready(): Promise<void> {
    // who leaves is waited for no more
    await Promise.all(this.#reached().map(({ conn }) => conn.ready().catch(() => {})));
  }

  /** To sockets of this node only: as long as there is one node, all of them. */
  get local(): this {
    return this;
  }

  /** Accepted for Socket.IO's sake: as yet nothing is compressed. */
  compress(_isWanted: boolean): this {
    return this;
  }

  /**
   * Sends an event to each receiver. A callback gets an error or `null`, and the answers of all; where some are missing
   * the error's `responses` are those that came.
   * Returns false where a receiver is beyond its high-water mark; the event is accepted all the same. Where a receiver is too
   * slow its policy decides, or that of the emit; `block` of a receiver is `disconnect` here, since nobody waits for one.
   */
  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<EmitEvents>, Event>
  ): boolean {
    const data = eventData(event, args);
    const callback = takeCallback(data);
    if (callback === undefined) return this.#send(data, undefined);
    const { name, platform } = this.#audience;
    const failed = (error: unknown): void =>
      platform.onError(error, { namespace: name, socket: undefined, event });
    return this.#send(data, (...outcome) => callHandler(callback, this, outcome, failed));
  }

  /** Sends an event and resolves to the answers of all receivers, or rejects with an error that has `responses`. */
  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>[]> {
    return new Promise((resolve, reject) => {
      this.#send(eventData(event, args), (error, responses) => (error ? reject(error) : resolve(responses)));
    });
  }

  /** The sockets it reaches, as of now. */
  fetchSockets(): Promise<RemoteSocket<EmitEvents, SocketData>[]> {
    return Promise.resolve(this.#reached().map((receiver) => new RemoteSocket(receiver)));
  }

  /** Makes them enter a room, or several. */
  socketsJoin(room: string | readonly string[]): void {
    for (const receiver of this.#reached()) receiver.join(room);
  }

  /** Makes them leave a room, or several. */
  socketsLeave(room: string | readonly string[]): void {
    for (const receiver of this.#reached()) for (const name of [room].flat()) receiver.leave(name);
  }

  /** Makes their clients leave the namespace; with `close` all namespaces, and ends their sessions. */
  disconnectSockets(close = false): void {
    for (const receiver of this.#reached()) receiver.disconnect(close);
  }

  /** A list of its own: whoever is told may change who is reached. */
  #reached(): Receiver<SocketData>[] {
    const receivers: Receiver<SocketData>[] = [];
    this.#audience.visit(this.#rooms, this.#except, (receiver) => receivers.push(receiver));
    return receivers;
  }

  #send(
    data: unknown[],
    settle: ((error: BroadcastError | null, responses: Untyped[]) => void) | undefined,
  ): boolean {
    const audience = this.#audience;
    const { isVolatile, policy, key } = this.#flags;
    if (settle) throwIfAborted(this.#flags.signal);
    const id = settle && audience.nextAckId();
    const collector =
      id === undefined || settle === undefined
        ? undefined
        : new AckCollector(id, settle, (one) => audience.guardAnswers(String(data[0]), one));
    const plainPacket: Packet = { type: EVENT, namespace: audience.name, id, data, policy, key, encoded: {} };
    if (policy === "block") this.#claimRoom(plainPacket);
    const packet = this.#keep(plainPacket, data) ?? plainPacket;
    let hasRoom = true;
    try {
      audience.visit(this.#rooms, this.#except, (receiver) => {
        collector?.expect(receiver.acks);
        if (!receiver.deliver(packet, isVolatile)) hasRoom = false;
      });
    } catch (error) {
      collector?.giveUp(new BothwaysError("BW_ACK_TIMEOUT"));
      throw error;
    }
    collector?.seal(audience.platform, this.#flags);
    return hasRoom;
  }

  /** All receivers have room for it, or none gets it. */
  #claimRoom(packet: Packet): void {
    this.#audience.visit(this.#rooms, this.#except, ({ conn }) => {
      if (!conn.peer.admits(packet)) throw new BothwaysError("BW_BACKPRESSURE");
    });
  }

  /** The packet with its position, where a room it goes to keeps a history. */
  #keep(packet: Packet, data: readonly unknown[]): Packet | undefined {
    const { kept } = this.#audience;
    if (kept === undefined || packet.id !== undefined || this.#flags.isVolatile) return undefined;
    return this.#rooms && kept.record(packet, data, this.#rooms, this.#except);
  }

  #with(
    rooms: readonly string[] | undefined,
    except: readonly string[],
    flags: EmitFlags,
  ): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator<EmitEvents, SocketData>(this.#audience, rooms, except, flags);
  }
}
