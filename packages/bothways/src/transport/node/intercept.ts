/**
 * Takes events of an emitter before its listeners, whenever those were added (docs/decisions/0008).
 */
import type { EventEmitter } from "node:events";

/** `passOn` gives the event to those who come next, and returns whether anybody took it. */
export type Interceptor = (event: string, args: readonly unknown[], passOn: () => boolean) => boolean;

/** Every event of `emitter` goes to `interceptor` alone. Returns what gives the emitter back. */
export function intercept(emitter: EventEmitter, interceptor: Interceptor): () => void {
  const emit = emitter.emit;
  const intercepting = function (this: EventEmitter, event: string, ...args: unknown[]): boolean {
    return interceptor(event, args, () => Reflect.apply(emit, this, [event, ...args]));
  };
  emitter.emit = intercepting as typeof emit;
  return () => {
    if (emitter.emit === intercepting) emitter.emit = emit;
  };
}
