/**
 * Bodies of HTTP exchanges: a list of frames. docs/protocol/bothways-1.md §5.2.
 *
 * Text frames alone are joined by line feeds. With a binary frame among them the body begins with a zero byte and
 * each frame is a part, marked where it is binary (parts.ts). The first byte tells which.
 */
import type { Data } from "../../model/message.ts";
import { joinParts, MARK, splitParts } from "./parts.ts";

/** Made once: it costs more than the short texts it decodes. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws for what is not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function encodeBody(frames: readonly Data[]): Data {
  if (frames.every((frame) => typeof frame === "string")) return frames.join("\n");
  const encoder = new TextEncoder();
  const parts = frames.map((frame) => (typeof frame === "string" ? encoder.encode(frame) : frame));
  const marks = frames.map((frame) => (typeof frame === "string" ? 0 : MARK));
  return joinParts(0, parts, marks);
}

/** The frames of a body, or `undefined` where it is malformed. Binary frames are views of `body`. */
export function decodeBody(body: Uint8Array): Data[] | undefined {
  try {
    const [first] = body;
    if (first === undefined) return [];
    // frames begin with the small letter of their kind; a login page that a network puts in their place does not
    if (first) return first >= 0x61 && first <= 0x7a ? decodeText(body).split("\n") : undefined;
    return splitParts<Data>(body, (part, mark) => (mark ? part : decodeText(part)));
  } catch {
    return undefined;
  }
}
