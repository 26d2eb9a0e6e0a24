/** An emit to one socket with conditions: `socket.volatile`, `socket.timeout(ms)`. A value, as a broadcast's is. */
import type {
  AckAnswer,
  AckArguments,
  ErrorFirst,
  EventArguments,
  EventNames,
  Untyped,
} from "../model/events.ts";
import type { OverflowPolicy } from "../model/message.ts";
import type { BroadcastOperator } from "./broadcast.ts";
import type { AbortSignalLike, EmitFlags } from "./emit-flags.ts";
import { eventData } from "./event-data.ts";

/** The socket behind an operator. */
export interface EmitTarget<EmitEvents> {
  transmit(data: unknown[], flags: EmitFlags): boolean;
  ask(data: unknown[], flags: EmitFlags): Promise<Untyped>;
  others(flags: EmitFlags): BroadcastOperator<EmitEvents>;
}

/** `Callbacks` are the events as `emit` takes them: after `timeout` their callbacks get an error first. */
export class SocketOperator<EmitEvents, Callbacks = EmitEvents> {
  readonly #target: EmitTarget<EmitEvents>;
  readonly #flags: EmitFlags;

  constructor(target: EmitTarget<EmitEvents>, flags: EmitFlags) {
    this.#target = target;
    this.#flags = flags;
  }

  /** Dropped where it cannot leave at once. */
  get volatile(): SocketOperator<EmitEvents, Callbacks> {
    return new SocketOperator<EmitEvents, Callbacks>(this.#target, { ...this.#flags, isVolatile: true });
  }

  /** Waits `ms` milliseconds for the answer; then the callback gets an error, or the promise rejects. */
  timeout(ms: number): SocketOperator<EmitEvents, ErrorFirst<EmitEvents>> {
    return new SocketOperator<EmitEvents, ErrorFirst<EmitEvents>>(this.#target, {
      ...this.#flags,
      timeoutMs: ms,
    });
  }

  /** Stops waiting for the answer when `signal` is aborted (BW_ABORTED). */
  signal(signal: AbortSignalLike): SocketOperator<EmitEvents, ErrorFirst<EmitEvents>> {
    return new SocketOperator<EmitEvents, ErrorFirst<EmitEvents>>(this.#target, { ...this.#flags, signal });
  }

  /** What happens where too much waits for this client; see {@link BroadcastOperator.policy}. */
  policy(policy: OverflowPolicy, key?: string): SocketOperator<EmitEvents, Callbacks> {
    return new SocketOperator<EmitEvents, Callbacks>(this.#target, { ...this.#flags, policy, key });
  }

  /** Accepted for Socket.IO's sake: as yet nothing is compressed. */
  compress(_isWanted: boolean): this {
    return this;
  }

  /** Sends an event, as `socket.emit` does. */
  emit<Event extends EventNames<Callbacks>>(
    event: Event,
    ...args: EventArguments<Callbacks, Event>
  ): boolean {
    return this.#target.transmit(eventData(event, args), this.#flags);
  }

  /** Sends an event and resolves to its answer. */
  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>> {
    return this.#target.ask(eventData(event, args), this.#flags);
  }

  /** To all others in `room`. */
  to(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.#target.others(this.#flags).to(room);
  }

  /** The same as `to`. */
  in(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.to(room);
  }

  /** To all others that are not in `room`. */
  except(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.#target.others(this.#flags).except(room);
  }

  /** To all others in the namespace. */
  get broadcast(): BroadcastOperator<EmitEvents> {
    return this.#target.others(this.#flags);
  }

  /** To all others on this node: as long as there is one node, the same as `broadcast`. */
  get local(): BroadcastOperator<EmitEvents> {
    return this.broadcast;
  }
}
