/**
 * Frames of bothways/1 as text, and their parser. docs/protocol/bothways-1.md §2.
 *
 * Invariants: a text frame holds no line feed, so frames can be joined by one; a malformed frame parses to `undefined`
 * and never throws. What a client may say is checked by client-frame.ts and hello.ts, which only the server needs.
 */
import type { Frame, Signal } from "../../model/frame.ts";
import type { Data } from "../../model/message.ts";

/** Messages are frames already, and what closes a link is written by the link. */
export function encodeFrame([kind, ...values]: Signal): string {
  return kind + JSON.stringify(values).slice(1, -1);
}

/** What follows the kind is a JSON list without its brackets. */
export function parseFrame(data: Data): Frame | undefined {
  try {
    // bytes are messages; `v` is 118
    const kind = typeof data === "string" ? data[0] : data[0] === 118 ? "v" : "m";
    const values = kind === "m" || kind === "v" ? [data] : JSON.parse(`[${data.slice(1)}]`);
    return [kind, ...values] as unknown as Frame;
  } catch {
    return undefined;
  }
}
