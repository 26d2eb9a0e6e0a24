/**
 * The hearing half of a socket: who is called for the events of its client, for any event, for those that leave, and for
 * those the socket raises itself.
 *
 * Invariants: whatever an application's function throws goes to `report` and disturbs nothing; what few applications use
 * takes no memory, and no more than one look per message, until it is used.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Contract } from "../model/contract.ts";
import { ANY, Emitter } from "../model/emitter.ts";
import {
  type EventArguments,
  type EventNames,
  type Listener,
  REFRESH_AUTH,
  reservedEvents,
} from "../model/events.ts";
import type { Packet, Refusal } from "../model/packet.ts";
import type { DisconnectReason } from "../model/reasons.ts";
import { checkEvents } from "./checks.ts";
import { isEventData } from "./event-data.ts";
import { type EventData, EventGate } from "./event-gate.ts";
import { EventIterator } from "./event-iterator.ts";
import { callHandler, describe, toRefusal } from "./handler.ts";
import { callHandlers, callObservers, Reply } from "./incoming.ts";
import type { Middleware, Verdict } from "./middleware.ts";
import type { SocketState } from "./socket-states.ts";

/** What a socket raises itself. */
export interface SocketReservedEvents {
  /** It is about to leave: `rooms` are still there. */
  disconnecting: (reason: DisconnectReason) => void;
  /** It has left, and has no rooms any more. */
  disconnect: (reason: DisconnectReason) => void;
  /** The transport was lost; the session waits for the client to come back. */
  away: () => void;
  /** The client came back: nothing was lost. */
  back: () => void;
  /** What waited has left: `emit` returns true again. */
  drain: () => void;
  /** So many events that waited for this client, in any of its namespaces, were dropped by a policy. */
  dropped: (count: number) => void;
  /**
   * A function of `socket.use`, or the contract, refused an event. Without a listener it goes to the server's `onError`.
   * Where there is either no client may send an event of this name.
   */
  error: (error: Error) => void;
}

/** A listener of any event, by its name and arguments. */
type AnyListener = (event: string, ...args: Parameters<Listener>) => void;

/** Made when the first of them is used. */
interface Extras {
  gate: EventGate | undefined;
  outgoing: readonly AnyListener[];
  readonly iterators: Set<{ end(error?: BothwaysError): void }>;
}

export abstract class SocketListeners<ListenEvents> extends Emitter<ListenEvents, SocketReservedEvents> {
  /** @internal */
  abstract readonly nsp: {
    readonly name: string;
    readonly limits: { readonly maxWaitingEvents: number };
    readonly contract: Contract | undefined;
  };
  #extras: Extras | undefined;

  /** It has joined its namespace and not left it; its transport may be away. */
  get connected(): boolean {
    return this.state !== "joining" && this.state !== "left";
  }

  /** The opposite of `connected`. */
  get disconnected(): boolean {
    return !this.connected;
  }

  /**
   * Adds a function that lets events of the client in, or not, before any listener hears of them. Events keep their
   * order: behind an asynchronous function up to `maxWaitingEvents` wait, with more the client is disconnected
   * (BW_EVENTS_WAITING).
   * What `next` is given, or what is thrown, refuses the event: its ack, if one is awaited, fails with the error's
   * `message` and `data`, and `error` is raised.
   *
   * @example
   * socket.use(([event, ...args], next) => next(event === "admin" ? new Error("not for you") : null));
   */
  use(middleware: Middleware<EventData>): this {
    this.#openGate().add(middleware);
    return this;
  }

  /**
   * The arguments of each `event` from now on, as a list that can be awaited. It ends with the socket; what came before
   * is still given. If more than `maxWaitingEvents` wait to be taken, it gives those and throws BW_EVENTS_WAITING.
   *
   * @example
   * for await (const [text] of socket.events("chat")) await store(text);
   */
  events<Event extends EventNames<ListenEvents>>(
    event: Event,
  ): EventIterator<EventArguments<ListenEvents, Event>> {
    const listener = (...args: unknown[]): void => iterator.push(args as EventArguments<ListenEvents, Event>);
    const iterator = new EventIterator<EventArguments<ListenEvents, Event>>(
      this.nsp.limits.maxWaitingEvents,
      () => {
        this.off(event, listener as never);
        this.#extras?.iterators.delete(iterator);
      },
    );
    if (this.hasLeft) iterator.end();
    else {
      this.on(event, listener as never);
      this.#more().iterators.add(iterator);
    }
    return iterator;
  }

  /** As `onAny`, ahead of those that listen already. */
  prependAny(listener: AnyListener): this {
    const others = this.listenersAny();
    this.offAny();
    for (const each of [listener, ...others]) this.onAny(each);
    return this;
  }

  /** The listeners of any event, in the order they are called. */
  listenersAny(): Listener[] {
    return this.take(ANY).map(({ listener }) => listener);
  }

  /** Calls `listener` with the name and arguments of each event that is sent to this client, broadcasts too. */
  onAnyOutgoing(listener: AnyListener): this {
    this.#more().outgoing = [...this.listenersAnyOutgoing(), listener];
    return this;
  }

  /** As `onAnyOutgoing`, ahead of those that listen already. */
  prependAnyOutgoing(listener: AnyListener): this {
    this.#more().outgoing = [listener, ...this.listenersAnyOutgoing()];
    return this;
  }

  /** Removes `listener`, or every listener of events that are sent. */
  offAnyOutgoing(listener?: AnyListener): this {
    if (this.#extras) {
      this.#extras.outgoing = this.#extras.outgoing.filter((each) => listener && each !== listener);
    }
    return this;
  }

  /** The listeners of any event that is sent, in the order they are called. */
  listenersAnyOutgoing(): Listener[] {
    return [...(this.#extras?.outgoing ?? [])];
  }

  /** @internal */
  abstract deliver(packet: Packet, isVolatile: boolean): boolean;

  protected abstract get state(): SocketState;

  protected get hasLeft(): boolean {
    return this.state === "left";
  }

  protected abstract report(error: unknown, event?: string): void;

  /** Judges a token that the client sent; rejects with a BothwaysError where it is no good. */
  protected abstract refreshAuth(token: unknown): Promise<void>;

  /** More events wait than may. */
  protected abstract overflow(): void;

  /** An event of the client. */
  protected hear(id: number | undefined, data: unknown): void {
    if (!isEventData(data)) return this.report(new BothwaysError("BW_PACKET"));
    const [event] = data;
    const failed = (error: unknown): void => this.report(error, event);
    const send = (packet: Packet): boolean => this.deliver(packet, false);
    const reply = id === undefined ? undefined : new Reply(this.nsp.name, id, send, failed);
    const gate = this.#extras?.gate ?? (this.nsp.contract && this.#openGate());
    // With a gate the event `error` is the socket's own: no client may play it.
    if (reservedEvents.has(event) || (gate && event === "error")) {
      const error = new BothwaysError("BW_RESERVED_EVENT", event);
      failed(error);
      reply?.refuse(toRefusal(error));
    } else if (event === REFRESH_AUTH) {
      this.refreshAuth(data[1]).then(
        () => reply?.callback(),
        (error) => reply?.refuse(describe(error)),
      );
    } else if (gate === undefined) this.#dispatch(data, reply, failed);
    else if (!gate.admit(data, this.#judge(data, reply, failed))) this.overflow();
  }

  /** An event that leaves. */
  protected overhear(packet: Packet): void {
    const outgoing = this.#extras?.outgoing;
    if (outgoing === undefined || !isEventData(packet.data)) return;
    const [event] = packet.data;
    const failed = (error: unknown): void => this.report(error, event);
    for (const listener of outgoing) callHandler(listener, this, packet.data, failed);
  }

  protected raise(event: keyof SocketReservedEvents, ...args: unknown[]): void {
    for (const { listener } of this.take(event)) {
      callHandler(listener, this, args, (error) => this.report(error, event));
    }
  }

  /** It hears no more. */
  protected deafen(): void {
    this.#extras?.gate?.clear();
    for (const iterator of [...(this.#extras?.iterators ?? [])]) iterator.end();
  }

  /** The contract is asked first, so that what an application adds sees what was agreed on. */
  #openGate(): EventGate {
    const extras = this.#more();
    if (extras.gate === undefined) {
      extras.gate = new EventGate(this.nsp.limits.maxWaitingEvents);
      if (this.nsp.contract) extras.gate.add(checkEvents(this.nsp.contract.checkEvent));
    }
    return extras.gate;
  }

  #more(): Extras {
    this.#extras ??= { gate: undefined, outgoing: [], iterators: new Set() };
    return this.#extras;
  }

  #judge(data: EventData, reply: Reply | undefined, failed: (error: unknown) => void): Verdict {
    let thrown: unknown;
    const complain = (error: unknown): void => {
      if (!this.hasListeners("error")) failed(error);
      else this.raise("error", error instanceof Error ? error : new Error(String(error)));
    };
    return {
      passed: () => {
        if (this.connected) this.#dispatch(data, reply, failed);
      },
      failed: (error) => {
        thrown = error;
        complain(error);
      },
      refused: (refusal: Refusal, error) => {
        reply?.refuse(refusal);
        // a breach of the contract that the peer is told of is the peer's own
        const isTold = reply !== undefined && error instanceof BothwaysError;
        if (error !== thrown && !isTold) complain(error);
      },
    };
  }

  #dispatch(data: EventData, reply: Reply | undefined, failed: (error: unknown) => void): void {
    const observers = this.take(ANY);
    const handlers = this.take(data[0]);
    if (observers.length > 0) callObservers(observers, this, data, reply, failed);
    if (handlers.length > 0) callHandlers(handlers, this, data.slice(1), reply, failed);
    // Observers may answer too.
    else if (observers.length === 0) reply?.refuse({ message: "no handler" });
  }
}
