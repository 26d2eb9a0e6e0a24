/**
 * Bodies of HTTP exchanges: a list of frames. docs/protocol/bothways-1.md §5.2.
 *
 * Text frames alone are joined by line feeds. With a binary frame among them the body begins with a zero byte and
 * each frame is a part, marked where it is binary (parts.ts). The first byte tells which.
 */
import type { Data } from "../../model/message.ts";
import { joinParts, splitParts, utf8 } from "./parts.ts";

export function encodeBody(frames: readonly Data[]): Data {
  if (frames.every((frame) => typeof frame === "string")) return frames.join("\n");
  const encoder = new TextEncoder();
  const parts = frames.map((frame) => (typeof frame === "string" ? encoder.encode(frame) : frame));
  return joinParts(0, parts, (index) => parts[index] === frames[index]);
}

/** The frames of a body, or `undefined` where it is malformed. Binary frames are views of `body`. */
export function decodeBody(body: Uint8Array): Data[] | undefined {
  try {
    const [first] = body;
    if (first === undefined) return [];
    // frames begin with the small letter of their kind; a login page that a network puts in their place does not
    if (first) return first >= 0x61 && first <= 0x7a ? utf8.decode(body).split("\n") : undefined;
    return splitParts<Data>(body, (part, isMarked) => (isMarked ? part : utf8.decode(part)));
  } catch {
    return undefined;
  }
}
