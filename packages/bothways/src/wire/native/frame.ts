/**
 * Frames of bothways/1 as text, and their parser. docs/protocol/bothways-1.md §2.
 *
 * Invariants: a text frame holds no line feed, so frames can be joined by one; a malformed frame parses to `undefined`
 * and never throws. What a client may say is checked by client-frame.ts and hello.ts, which only the server needs.
 */
import type { Frame } from "../../model/frame.ts";
import type { Data } from "../../model/message.ts";

export function encodeFrame([kind, ...values]: Frame): Data {
  const [first] = values;
  if (kind === "m" || kind === "v") return first as Data;
  return kind + (kind === "c" ? values.join() : JSON.stringify(values).slice(1, -1));
}

/** What follows the kind is a JSON list without its brackets. */
export function parseFrame(data: Data): Frame | undefined {
  try {
    const kind = typeof data === "string" ? data[0] : String.fromCharCode(data[0] ?? 0);
    const values = kind === "m" || kind === "v" ? [data] : JSON.parse(`[${data.slice(1)}]`);
    return [kind, ...values] as unknown as Frame;
  } catch {
    return undefined;
  }
}
