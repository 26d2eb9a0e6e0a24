/**
 * Writes `text/event-stream` (WHATWG HTML §9.2, "Server-sent events").
 *
 * Invariant: whatever the values are, one call makes one block of the stream: no field ends early and none is added.
 */

/** One block. A field that is `undefined` is left out. */
export interface ServerSentEvent {
  /** The event's type; browsers take `message` where there is none. */
  readonly event?: string | undefined;
  /** What `Last-Event-ID` will say. */
  readonly id?: string | undefined;
  readonly data: string;
}

/** A comment: keeps a connection alive, and is told to nobody. */
export const comment = ":\n\n";

/**
 * May it be the value of a field that is one line? CR and LF end a line, a NUL voids an id (§9.2.6). The other characters
 * refused end lines in readers that are less exact than the standard.
 */
export function isFieldValue(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029) return false;
  }
  return true;
}

/** Throws a RangeError where `event` or `id` cannot stand on a line. */
export function encodeEvent({ event, id, data }: ServerSentEvent): string {
  const lines = data.includes("\n") || data.includes("\r") ? data.split(/\r\n|\r|\n/) : [data];
  return `${field("event", event)}${field("id", id)}data: ${lines.join("\ndata: ")}\n\n`;
}

/** A block of one line of data and nothing else. The line has no end in it, and does not begin with a space. */
export function encodeLine(line: string): string {
  return `data:${line}\n\n`;
}

/** How long a client waits before it comes back, in whole milliseconds. */
export function encodeRetry(ms: number): string {
  return `retry: ${ms}\n\n`;
}

function field(name: string, value: string | undefined): string {
  if (value === undefined) return "";
  if (!isFieldValue(value)) throw new RangeError(`${name} cannot stand on a line`);
  return `${name}: ${value}\n`;
}
