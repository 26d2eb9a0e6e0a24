/** What `emit` was given, as the data of a packet: `[event, ...args]`. */
import { BothwaysError } from "../model/bothways-error.ts";
import { type Listener, reservedEvents } from "../model/events.ts";

export function eventData(event: string, args: readonly unknown[]): unknown[] {
  if (reservedEvents.has(event)) throw new BothwaysError("BW_RESERVED_EVENT", event);
  return [event, ...args];
}

/** Takes a trailing callback off the data: it waits for the answer, and is not sent. */
export function takeCallback(data: unknown[]): Listener | undefined {
  const last = data.at(-1);
  if (!isListener(last)) return undefined;
  data.pop();
  return last;
}

function isListener(value: unknown): value is Listener {
  return typeof value === "function";
}

/** Is this the data of an event, as far as a peer can be trusted? */
export function isEventData(data: unknown): data is [event: string, ...args: unknown[]] {
  return Array.isArray(data) && typeof data[0] === "string";
}
