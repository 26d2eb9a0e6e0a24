/**
 * Node's emitter with the types that programs written for `ws` count on. A listener of a known event is checked by what
 * comes with it. One that asks for something narrower, as `(data: Buffer) => …` or a socket with fields of the program's
 * own, compiles too: whether it gets that is the program's to know.
 */
import { EventEmitter } from "node:events";

/** The arguments of each event, by name. */
type EventArguments<Events> = Record<keyof Events, unknown[]>;
type Listener<Self, Args extends unknown[]> = (this: Self, ...args: Args) => void;

/** An emitter of these events, and of a program's own. */
export interface Emitter<Events extends EventArguments<Events>> extends EventEmitter {
  on<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  on(event: string | symbol, listener: Listener<this, never[]>): this;
  once<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  once(event: string | symbol, listener: Listener<this, never[]>): this;
  off<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  off(event: string | symbol, listener: Listener<this, never[]>): this;
  addListener<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  addListener(event: string | symbol, listener: Listener<this, never[]>): this;
  removeListener<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  removeListener(event: string | symbol, listener: Listener<this, never[]>): this;
  prependListener<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  prependListener(event: string | symbol, listener: Listener<this, never[]>): this;
  prependOnceListener<Name extends keyof Events>(event: Name, listener: Listener<this, Events[Name]>): this;
  prependOnceListener(event: string | symbol, listener: Listener<this, never[]>): this;
}

/** The class that makes all of these: Node's. */
interface EmitterClass {
  new <Events extends EventArguments<Events>>(): Emitter<Events>;
}

export const Emitter: EmitterClass = EventEmitter;
