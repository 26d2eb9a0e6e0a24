/**
 * Takes events of an emitter before its listeners, whenever those were added (docs/decisions/0008).
 *
 * Invariant: what is not taken goes on as it was.
 */
import type { EventEmitter } from "node:events";

/** `take` returns true for an event that nobody else shall see. Returns what gives the emitter back. */
export function intercept(
  emitter: EventEmitter,
  take: (event: string, args: readonly unknown[]) => boolean,
): () => void {
  const emit = emitter.emit;
  const intercepting = function (this: EventEmitter, event: string, ...args: unknown[]): boolean {
    return take(event, args) || Reflect.apply(emit, this, [event, ...args]);
  };
  emitter.emit = intercepting as typeof emit;
  return () => {
    if (emitter.emit === intercepting) emitter.emit = emit;
  };
}
