/**
 * Bodies of HTTP exchanges: a list of frames. docs/protocol/bothways-1.md §5.2.
 *
 * Text frames alone are joined by line feeds. With a binary frame among them the body begins with a zero byte and
 * each frame has a 32-bit header: the top bit says binary, the rest is its length. The first byte tells which.
 */
import type { Data } from "../../model/message.ts";

/** Set in the header of a binary frame. */
export const BINARY = 0x8000_0000;
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
  const body = new Uint8Array(parts.reduce((total, part) => total + 4 + part.length, 1));
  const view = new DataView(body.buffer);
  let offset = 1;
  parts.forEach((part, index) => {
    view.setUint32(offset, part.length + (typeof frames[index] === "string" ? 0 : BINARY));
    body.set(part, offset + 4);
    offset += 4 + part.length;
  });
  return body;
}

/** The frames of a body, or `undefined` where it is malformed. Binary frames are views of `body`. */
export function decodeBody(body: Uint8Array): Data[] | undefined {
  try {
    if (!body.length) return [];
    if (body[0]) {
      const text = decodeText(body);
      // frames begin with the small letter of their kind; a login page that a network puts in their place does not
      return /^[a-z]/.test(text) ? text.split("\n") : undefined;
    }
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const frames: Data[] = [];
    for (let offset = 1; offset < body.length; ) {
      const header = view.getUint32(offset);
      const end = offset + 4 + (header % BINARY);
      if (end > body.length) return undefined;
      const part = body.subarray(offset + 4, end);
      frames.push(header < BINARY ? decodeText(part) : part);
      offset = end;
    }
    return frames;
  } catch {
    return undefined;
  }
}
