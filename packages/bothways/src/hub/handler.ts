/**
 * Calls the application's functions so that nothing they do harms their caller, and turns their errors into what a peer
 * may see of them.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Listener } from "../model/events.ts";
import type { Refusal } from "../model/packet.ts";

/**
 * Calls `handler` with `self` as `this`, and returns what it returned. Where that is a promise, returns `undefined`;
 * `resolved` gets its value later. What the handler throws or rejects with goes to `failed`.
 */
export function callHandler(
  handler: Listener,
  self: object,
  args: readonly unknown[],
  failed: (error: unknown) => void,
  resolved?: (value: unknown) => void,
): unknown {
  try {
    const result: unknown = handler.call(self, ...args);
    if (!isThenable(result)) return result;
    result.then(resolved, failed);
  } catch (error) {
    failed(error);
  }
  return undefined;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** All that a peer learns of an error that is not meant for it. */
export const internalError: Refusal = { message: "internal error" };

/** What was thrown, as the peer may see it: nothing, unless it is our own error or carries `data` for the peer. */
export function toRefusal(error: unknown): Refusal {
  const isForPeer = error instanceof BothwaysError || (error instanceof Error && dataOf(error) !== undefined);
  return isForPeer ? describe(error) : internalError;
}

/** An error that the application itself hands to the peer, with the `data` it attached. */
export function describe(error: unknown): Refusal {
  if (!(error instanceof Error)) return { message: String(error) };
  const data = dataOf(error);
  return data === undefined ? { message: error.message } : { message: error.message, data };
}

function dataOf(error: Error): unknown {
  return "data" in error ? error.data : undefined;
}
