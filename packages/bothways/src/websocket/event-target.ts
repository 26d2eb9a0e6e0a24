/**
 * The standard's face of the events (DOM §2.7; WHATWG WebSockets §3.1): `addEventListener` and the attributes `on…` on
 * top of Node's emitter. Each listener is wrapped in one for the emitter, so that both faces share one order.
 */
import { Emitter } from "./emitter.ts";
import { eventMakers, type WebSocketEventMap, type WebSocketEvents } from "./events.ts";
import type { WebSocket } from "./websocket.ts";

/** What `addEventListener` can listen for. */
type Type = keyof WebSocketEventMap;

/** A listener of the standard's: a function, or an object with `handleEvent`. */
export type EventListener<Name extends Type> =
  | ((event: WebSocketEventMap[Name]) => void)
  | { handleEvent(event: WebSocketEventMap[Name]): void };

/** How `addEventListener` listens. */
export interface ListenerOptions {
  /** Listens to the first event only. Default false. */
  readonly once?: boolean | undefined;
  /** Aborting it removes the listener; where it was aborted before, none is added. */
  readonly signal?: AbortSignal | undefined;
}

/** What `onopen` and the like hold: a function, or null for none. */
export type Attribute<Name extends Type> = ((event: WebSocketEventMap[Name]) => void) | null;

type Wrapped = (...args: unknown[]) => void;

/** From the wrapped listener to what was given, and whether through an attribute. */
const origins = new WeakMap<object, { readonly listener: unknown; readonly isAttribute: boolean }>();

export class SocketEventTarget extends Emitter<WebSocketEvents> {
  /** `open`, `message`, `close` and `error`; other types are ignored, and so is a listener that is there already. */
  addEventListener<Name extends Type>(
    type: Name,
    listener: EventListener<Name> | null,
    options: ListenerOptions | boolean = {},
  ): void {
    const { once = false, signal }: ListenerOptions = typeof options === "boolean" ? {} : options;
    if (listener === null || !Object.hasOwn(eventMakers, type) || signal?.aborted) return;
    if (this.#find(type, listener) !== undefined) return;
    const wrapped = this.#wrap(type, listener, false);
    if (once) this.once(type, wrapped);
    else this.on(type, wrapped);
    signal?.addEventListener("abort", () => this.off(type, wrapped), { once: true });
  }

  /** Removes what `addEventListener` was given; nothing happens where it is not there. */
  removeEventListener<Name extends Type>(type: Name, listener: EventListener<Name> | null): void {
    this.#remove(type, listener === null ? undefined : this.#find(type, listener));
  }

  /** Listens for `open`, in place of the function that was set before. Default null. */
  get onopen(): Attribute<"open"> {
    return this.#attribute("open");
  }

  set onopen(listener: Attribute<"open">) {
    this.#setAttribute("open", listener);
  }

  /** Listens for `message`, in place of the function that was set before. Default null. */
  get onmessage(): Attribute<"message"> {
    return this.#attribute("message");
  }

  set onmessage(listener: Attribute<"message">) {
    this.#setAttribute("message", listener);
  }

  /** Listens for `close`, in place of the function that was set before. Default null. */
  get onclose(): Attribute<"close"> {
    return this.#attribute("close");
  }

  set onclose(listener: Attribute<"close">) {
    this.#setAttribute("close", listener);
  }

  /** Listens for `error`, in place of the function that was set before. Default null. */
  get onerror(): Attribute<"error"> {
    return this.#attribute("error");
  }

  set onerror(listener: Attribute<"error">) {
    this.#setAttribute("error", listener);
  }

  #wrap<Name extends Type>(type: Name, listener: EventListener<Name>, isAttribute: boolean): Wrapped {
    // This class exists for that one.
    const target = this as unknown as WebSocket;
    const wrapped = (...args: WebSocketEvents[Name]): void => {
      const event = eventMakers[type](target, ...args);
      if (typeof listener === "function") listener.call(target, event);
      else listener.handleEvent(event);
    };
    origins.set(wrapped, { listener, isAttribute });
    return wrapped as unknown as Wrapped;
  }

  /** The wrapped form of `listener`; that of the attribute where none is given. */
  #find(type: Type, listener?: unknown): Wrapped | undefined {
    const isIt = (wrapped: Wrapped): boolean => {
      const origin = origins.get(wrapped);
      if (origin === undefined) return false;
      return listener === undefined
        ? origin.isAttribute
        : origin.listener === listener && !origin.isAttribute;
    };
    return (this.listeners(type) as Wrapped[]).find(isIt);
  }

  #remove(type: Type, wrapped: Wrapped | undefined): void {
    if (wrapped !== undefined) this.off(type, wrapped);
  }

  #attribute<Name extends Type>(type: Name): Attribute<Name> {
    const wrapped = this.#find(type);
    const origin = wrapped && origins.get(wrapped);
    return (origin?.listener as Attribute<Name> | undefined) ?? null;
  }

  #setAttribute<Name extends Type>(type: Name, listener: Attribute<Name>): void {
    this.#remove(type, this.#find(type));
    if (typeof listener === "function") this.on(type, this.#wrap(type, listener, true));
  }
}

/** The attributes of the standard's interfaces are enumerable (Web IDL §3.7.6). */
export function showAttributes(prototype: object): void {
  for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (get !== undefined) Object.defineProperty(prototype, name, { enumerable: true });
  }
}

showAttributes(SocketEventTarget.prototype);
