/**
 * Keeps the listeners of the server's sockets and namespaces and of the client's sockets. It calls nobody: what a
 * listener's result or error means is its owner's matter, who takes the listeners and calls them.
 *
 * Invariants: no event name is special. A list of listeners is never changed, only replaced, so that listeners may come
 * and go while a list is being called.
 */
import type { DefaultEventsMap, EventNames, Listener, ListenerOf } from "./events.ts";

export interface Entry {
  readonly listener: Listener;
  readonly once?: boolean;
}

/** Stands for every event where `take` expects a name. */
export const ANY: unique symbol = Symbol();

type Name = string | typeof ANY;

/** What can be listened to. Listeners may come and go while an event is raised: that changes the next one. */
export class Emitter<Events = DefaultEventsMap, Reserved = Record<never, never>> {
  /** Made with the first listener: most sockets of a busy server have few. */
  #lists: Map<Name, readonly Entry[]> | undefined;

  /** Calls `listener` each time `event` comes. */
  on<Event extends EventNames<Events> | EventNames<Reserved>>(
    event: Event,
    listener: ListenerOf<Events, Reserved, Event>,
  ): this {
    return this.#add(event, { listener: listener as Listener });
  }

  /** Calls `listener` the next time `event` comes. */
  once<Event extends EventNames<Events> | EventNames<Reserved>>(
    event: Event,
    listener: ListenerOf<Events, Reserved, Event>,
  ): this {
    return this.#add(event, { listener: listener as Listener, once: true });
  }

  /** Removes `listener` of `event`; without it all of `event`; without both every listener there is. */
  off<Event extends EventNames<Events> | EventNames<Reserved>>(
    event?: Event,
    listener?: ListenerOf<Events, Reserved, Event>,
  ): this {
    if (event === undefined) this.#lists = undefined;
    return this.#remove(event as Name, listener as Listener | undefined);
  }

  /** Calls `listener` with the name and the arguments of each event of the application. */
  onAny(listener: (event: string, ...args: Parameters<Listener>) => void): this {
    return this.#add(ANY, { listener });
  }

  /** Removes `listener`, or every listener of any event. */
  offAny(listener?: Listener): this {
    return this.#remove(ANY, listener);
  }

  /** The listeners of `event`, in the order they are called. */
  listeners(event: EventNames<Events> | EventNames<Reserved>): Listener[] {
    return this.#list(event).map(({ listener }) => listener);
  }

  /** Does anyone listen to `event`? */
  hasListeners(event: EventNames<Events> | EventNames<Reserved>): boolean {
    return this.#list(event).length > 0;
  }

  /** The listeners to call now, in the order they were added; those of `once` are removed. */
  protected take(event: Name): readonly Entry[] {
    const entries = this.#list(event);
    for (const entry of entries) if (entry.once) this.#keep(event, (other) => other !== entry);
    return entries;
  }

  #list(event: Name): readonly Entry[] {
    return this.#lists?.get(event) ?? [];
  }

  #add(event: Name, entry: Entry): this {
    this.#lists ??= new Map();
    this.#lists.set(event, [...this.#list(event), entry]);
    return this;
  }

  #remove(event: Name, listener: Listener | undefined): this {
    return this.#keep(event, (entry) => listener && entry.listener !== listener);
  }

  #keep(event: Name, isKept: (entry: Entry) => unknown): this {
    this.#lists?.set(event, this.#list(event).filter(isKept));
    return this;
  }
}
