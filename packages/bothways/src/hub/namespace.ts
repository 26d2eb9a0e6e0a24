/**
 * A place to meet: sockets that can hear each other, their rooms, and the middleware that guards the door.
 *
 * Invariant: `sockets` and the room index hold a socket from the moment its client is told that it joined until it leaves.
 */
import type { Contract } from "../model/contract.ts";
import { Emitter } from "../model/emitter.ts";
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
import { BroadcastOperator, plain, type Receiver } from "./broadcast.ts";
import { checkAnswers } from "./checks.ts";
import { callHandler } from "./handler.ts";
import type { Middleware } from "./middleware.ts";
import type { HubLimits, HubPlatform } from "./platform.ts";
import { RoomIndex } from "./room-index.ts";
import type { Socket } from "./socket.ts";

/** What a namespace raises itself: both are the same, `connect` comes first. */
export interface NamespaceReservedEvents<AnySocket> {
  connect: (socket: AnySocket) => void;
  connection: (socket: AnySocket) => void;
}

export class Namespace<
  ListenEvents = DefaultEventsMap,
  EmitEvents = ListenEvents,
  ServerSideEvents = DefaultEventsMap,
  SocketData = Untyped,
> extends Emitter<
  ServerSideEvents,
  NamespaceReservedEvents<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>
> {
  readonly name: string;
  /** By id. */
  readonly sockets: Map<string, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Map();
  /** @internal */
  readonly index: RoomIndex<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new RoomIndex();
  /** @internal Replaced, never changed: a join goes through those that stood when it began. */
  middleware: readonly Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>[] = [];
  /** @internal */
  contract: Contract | undefined;
  /** @internal */
  readonly platform: HubPlatform;
  /** @internal */
  readonly limits: HubLimits;
  #lastAckId = 0;

  constructor(name: string, platform: HubPlatform, limits: HubLimits) {
    super();
    this.name = name;
    this.platform = platform;
    this.limits = limits;
  }

  /** Adds a function that lets clients in, or not. */
  use(middleware: Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.middleware = [...this.middleware, middleware];
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

  to(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.#everyone.to(room);
  }

  in(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.#everyone.to(room);
  }

  except(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.#everyone.except(room);
  }

  get volatile(): BroadcastOperator<EmitEvents> {
    return this.#everyone.volatile;
  }

  timeout(ms: number): BroadcastOperator<EmitEvents> {
    return this.#everyone.timeout(ms);
  }

  policy(policy: OverflowPolicy, key?: string): BroadcastOperator<EmitEvents> {
    return this.#everyone.policy(policy, key);
  }

  /** @internal */
  raiseConnection(socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void {
    for (const event of ["connect", "connection"]) {
      for (const { listener } of this.take(event)) {
        callHandler(listener, this, [socket], (error) =>
          this.platform.onError(error, { namespace: this.name, socket: socket.id, event }),
        );
      }
    }
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

  /** @internal */
  visit(
    rooms: readonly string[] | undefined,
    except: readonly string[],
    visitor: (receiver: Receiver) => void,
  ): void {
    if (rooms !== undefined) return this.index.visit(rooms, except, visitor);
    for (const socket of this.sockets.values()) {
      if (!this.index.isInAny(except, socket)) visitor(socket);
    }
  }

  get #everyone(): BroadcastOperator<EmitEvents> {
    return new BroadcastOperator<EmitEvents>(this, undefined, [], plain);
  }
}
