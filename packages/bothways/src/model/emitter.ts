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
  readonly once: boolean;
}

/** Stands for every event where `take` expects a name. */
export const ANY: unique symbol = Symbol();

const none: readonly Entry[] = [];

export class Emitter<Events = DefaultEventsMap, Reserved = Record<never, never>> {
  /** Made with the first listener: most sockets of a busy server have few. */
  #lists: Map<string | symbol, readonly Entry[]> | undefined;

  /** Calls `listener` each time `event` comes. */
  on<Event extends EventNames<Events> | EventNames<Reserved>>(
    event: Event,
    listener: ListenerOf<Events, Reserved, Event>,
  ): this {
    return this.#add(event, listener as Listener, false);
  }

  /** Calls `listener` the next time `event` comes. */
  once<Event extends EventNames<Events> | EventNames<Reserved>>(
    event: Event,
    listener: ListenerOf<Events, Reserved, Event>,
  ): this {
    return this.#add(event, listener as Listener, true);
  }

  /** Removes `listener` of `event`; without it all of `event`; without both every listener there is. */
  off<Event extends EventNames<Events> | EventNames<Reserved>>(
    event?: Event,
    listener?: ListenerOf<Events, Reserved, Event>,
  ): this {
    if (event === undefined) this.#lists = undefined;
    else this.#remove(event, listener as Listener | undefined);
    return this;
  }

  /** Calls `listener` with the name and the arguments of each event of the application. */
  onAny(listener: (event: string, ...args: Parameters<Listener>) => void): this {
    return this.#add(ANY, listener, false);
  }

  /** Removes `listener`, or every listener of any event. */
  offAny(listener?: Listener): this {
    return this.#remove(ANY, listener);
  }

  listeners(event: EventNames<Events> | EventNames<Reserved>): Listener[] {
    return this.#list(event).map((entry) => entry.listener);
  }

  hasListeners(event: EventNames<Events> | EventNames<Reserved>): boolean {
    return this.#list(event) !== none;
  }

  /** The listeners to call now, in the order they were added; those of `once` are removed. */
  protected take(event: string | typeof ANY): readonly Entry[] {
    const entries = this.#list(event);
    if (entries.some(isOnce))
      this.#replace(
        event,
        entries.filter((entry) => !entry.once),
      );
    return entries;
  }

  #list(event: string | symbol): readonly Entry[] {
    return this.#lists?.get(event) ?? none;
  }

  #add(event: string | symbol, listener: Listener, once: boolean): this {
    return this.#replace(event, [...this.#list(event), { listener, once }]);
  }

  #remove(event: string | symbol, listener: Listener | undefined): this {
    return this.#replace(
      event,
      this.#list(event).filter((entry) => listener && entry.listener !== listener),
    );
  }

  #replace(event: string | symbol, entries: readonly Entry[]): this {
    if (entries.length > 0) {
      this.#lists ??= new Map();
      this.#lists.set(event, entries);
    } else this.#lists?.delete(event);
    return this;
  }
}

function isOnce(entry: Entry): boolean {
  return entry.once;
}
