/**
 * An emit to many: `io.to("room").except("other").emit("event")`. An operator is a value: each step makes a new one, so
 * one may be kept and used again.
 *
 * Invariant: a broadcast is one packet, shared by all receivers, so that it is encoded once.
 */
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
import { EVENT, type Packet } from "../model/packet.ts";
import { AckCollector, type PendingAcks } from "./ack.ts";
import { eventData, takeCallback } from "./event-data.ts";
import { callHandler } from "./handler.ts";
import type { HubPlatform } from "./platform.ts";

/** How an emit is done. */
export interface EmitFlags {
  /** Dropped where it cannot leave at once. */
  readonly isVolatile: boolean;
  /** How long to wait for answers; for ever where `undefined`. */
  readonly timeoutMs: number | undefined;
}

export const plain: EmitFlags = { isVolatile: false, timeoutMs: undefined };

export interface Receiver {
  readonly acks: PendingAcks;
  deliver(packet: Packet, isVolatile: boolean): boolean;
}

/** Those whom a broadcast may reach: the sockets of one namespace. */
export interface Audience {
  readonly name: string;
  readonly platform: HubPlatform;
  nextAckId(): number;
  /** Calls `visitor` once with each receiver in `rooms` (all, where `undefined`) that is in none of `except`. */
  visit(
    rooms: readonly string[] | undefined,
    except: readonly string[],
    visitor: (receiver: Receiver) => void,
  ): void;
}

export class BroadcastOperator<EmitEvents = DefaultEventsMap> {
  readonly #audience: Audience;
  readonly #rooms: readonly string[] | undefined;
  readonly #except: readonly string[];
  readonly #flags: EmitFlags;

  constructor(
    audience: Audience,
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
  to(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.#with((this.#rooms ?? []).concat(room), this.#except, this.#flags);
  }

  /** The same as `to`. */
  in(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.to(room);
  }

  /** Not to those in `room`. */
  except(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.#with(this.#rooms, this.#except.concat(room), this.#flags);
  }

  /** Dropped for each receiver it cannot leave for at once. */
  get volatile(): BroadcastOperator<EmitEvents> {
    return this.#with(this.#rooms, this.#except, { ...this.#flags, isVolatile: true });
  }

  /** Waits `ms` milliseconds for answers. */
  timeout(ms: number): BroadcastOperator<EmitEvents> {
    return this.#with(this.#rooms, this.#except, { ...this.#flags, timeoutMs: ms });
  }

  /**
   * Sends an event to each receiver. A callback gets an error or `null`, and the answers of all; where some are missing
   * the error's `responses` are those that came.
   * Returns false where a receiver is beyond its high-water mark; the event is accepted all the same.
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

  #send(
    data: unknown[],
    settle: ((error: BroadcastError | null, responses: Untyped[]) => void) | undefined,
  ): boolean {
    const audience = this.#audience;
    const { isVolatile, timeoutMs } = this.#flags;
    const id = settle && audience.nextAckId();
    const collector = id === undefined || settle === undefined ? undefined : new AckCollector(id, settle);
    const packet: Packet = { type: EVENT, namespace: audience.name, id, data, encoded: {} };
    let hasRoom = true;
    try {
      audience.visit(this.#rooms, this.#except, (receiver) => {
        collector?.expect(receiver.acks);
        if (!receiver.deliver(packet, isVolatile)) hasRoom = false;
      });
    } catch (error) {
      collector?.giveUp();
      throw error;
    }
    collector?.seal(audience.platform, timeoutMs);
    return hasRoom;
  }

  #with(
    rooms: readonly string[] | undefined,
    except: readonly string[],
    flags: EmitFlags,
  ): BroadcastOperator<EmitEvents> {
    return new BroadcastOperator<EmitEvents>(this.#audience, rooms, except, flags);
  }
}
