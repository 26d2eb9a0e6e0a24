/**
 * How deep the JSON of a frame nests, judged before it is parsed.
 *
 * Invariant: nothing is decoded or kept of a frame that is too short to nest so deep.
 */
import type { Data } from "../../model/message.ts";
import { jsonNestsDeeper } from "../../wire/json-depth.ts";

/** Does the JSON in a hello or a message nest deeper than `limit`? What is no JSON may be answered either way. */
export function nestsDeeper(frame: Data, limit: number): boolean {
  // each level takes a bracket to open it and one to close it
  if (frame.length <= 2 * limit) return false;
  const text = typeof frame === "string" ? frame : textOf(frame);
  // a namespace comes before the JSON and may hold a quote
  return jsonNestsDeeper(text, limit, text[2] === "/" ? Math.max(0, text.indexOf(",")) : 0);
}

/** The text of the binary form, as the text form would have it: docs/protocol/bothways-1.md §3.2. */
function textOf(frame: Uint8Array): string {
  if (frame.length < 5) return "";
  const textBytes = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
  return `m${new TextDecoder().decode(frame.subarray(5, 5 + textBytes))}`;
}
