/**
 * How deep the JSON of a frame nests, judged before it is parsed. V8 parses what nests a million deep; it is whoever
 * walks the value afterwards, `JSON.stringify` among them, that runs out of stack.
 *
 * Invariants: nothing is parsed, decoded or kept of a frame that is too short to nest so deep; time is linear.
 */
import type { Data } from "../../model/message.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const opening = [0x5b, 0x7b];
const closing = [0x5d, 0x7d];

/** Does the JSON in a hello or a message nest deeper than `limit`? What is no JSON may be answered either way. */
export function nestsDeeper(frame: Data, limit: number): boolean {
  // each level takes a bracket to open it and one to close it
  if (frame.length <= 2 * limit) return false;
  const text = typeof frame === "string" ? frame : textOf(frame);
  return mayNestDeeper(text, limit) && isDeeper(text, limit);
}

/** The text of the binary form, as the text form would have it: docs/protocol/bothways-1.md §3.2. */
function textOf(frame: Uint8Array): string {
  if (frame.length < 5) return "";
  const textBytes = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
  return `m${new TextDecoder().decode(frame.subarray(5, 5 + textBytes))}`;
}

/** Native search skips what has no brackets many times faster than a loop. Brackets in strings count here. */
function mayNestDeeper(text: string, limit: number): boolean {
  let openings = 0;
  for (const bracket of ["[", "{"]) {
    for (let at = text.indexOf(bracket); at >= 0 && openings <= limit; at = text.indexOf(bracket, at + 1)) {
      openings++;
    }
  }
  return openings > limit;
}

function isDeeper(text: string, limit: number): boolean {
  let depth = 0;
  let isString = false;
  // a namespace comes before the JSON and may hold a quote
  for (let at = text[2] === "/" ? text.indexOf(",") : 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isString && code === BACKSLASH) at++;
    else if (code === QUOTE) isString = !isString;
    else if (!isString && opening.includes(code) && ++depth > limit) return true;
    else if (!isString && closing.includes(code)) depth--;
  }
  return false;
}
