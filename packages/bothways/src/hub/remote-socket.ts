/**
 * A socket as `fetchSockets` shows it: a picture of the moment, through which the socket can be told things. It says
 * nothing of where the socket is, so that it may be on another node.
 */
import type {
  AckAnswer,
  AckArguments,
  DefaultEventsMap,
  ErrorFirst,
  EventArguments,
  EventNames,
  Untyped,
} from "../model/events.ts";
import type { Handshake } from "../model/handshake.ts";
import type { PendingAcks } from "./ack.ts";
import { plain } from "./emit-flags.ts";
import { type EmitTarget, SocketOperator } from "./socket-operator.ts";

/** The socket behind it. */
export interface RemoteTarget<SocketData> extends EmitTarget<Untyped> {
  readonly id: string;
  readonly handshake: Handshake;
  readonly rooms: ReadonlySet<string>;
  readonly data: SocketData;
  readonly acks: PendingAcks;
  join(room: string | readonly string[]): void;
  leave(room: string): void;
  disconnect(close: boolean): unknown;
}

/**
 * A socket as `fetchSockets` shows it: a picture of the moment, through which the socket can be told things.
 *
 * @example
 * for (const socket of await io.in("lobby").fetchSockets()) {
 *   if (socket.data.isGuest) socket.disconnect();
 * }
 */
export class RemoteSocket<EmitEvents = DefaultEventsMap, SocketData = Untyped> {
  /** The socket's. */
  readonly id: string;
  /** What its client said of itself when it connected. */
  readonly handshake: Handshake;
  /** The rooms it was in. */
  readonly rooms: ReadonlySet<string>;
  /** What it had in `data`; to change it here is not promised to change it there. */
  readonly data: SocketData;
  readonly #target: RemoteTarget<SocketData>;
  readonly #operator: SocketOperator<EmitEvents>;

  /** @internal */
  constructor(target: RemoteTarget<SocketData>) {
    this.id = target.id;
    this.handshake = target.handshake;
    this.rooms = new Set(target.rooms);
    this.data = target.data;
    this.#target = target;
    this.#operator = new SocketOperator<EmitEvents>(target, plain);
  }

  /** Sends an event, as `socket.emit` does. */
  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<EmitEvents, Event>
  ): boolean {
    return this.#operator.emit(event, ...args);
  }

  /** Sends an event and resolves to its answer. */
  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>> {
    return this.#operator.emitWithAck(event, ...args);
  }

  /** Waits `ms` milliseconds for the answer; callbacks then get an error or `null` first. */
  timeout(ms: number): SocketOperator<EmitEvents, ErrorFirst<EmitEvents>> {
    return this.#operator.timeout(ms);
  }

  /** Makes it enter a room, or several. */
  join(room: string | readonly string[]): void {
    this.#target.join(room);
  }

  /** Makes it leave a room. */
  leave(room: string): void {
    this.#target.leave(room);
  }

  /** Makes its client leave the namespace; with `close` all namespaces, and ends its session. */
  disconnect(close = false): this {
    this.#target.disconnect(close);
    return this;
  }
}
