/** The primitives of any host that has UTF-8, given the two it cannot have without: chance and SHA-1. */
import type { Primitives } from "../../model/primitives.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Primitives for a connection where `Buffer` is not at hand, or need not be the fastest. `sha1Base64` is for the opening
 * handshake, `randomBytes` for a client's masks and key.
 */
export function createPrimitives(given: Pick<Primitives, "randomBytes" | "sha1Base64">): Primitives {
  return {
    ...given,
    decodeUtf8(bytes) {
      try {
        return decoder.decode(bytes);
      } catch {
        return undefined;
      }
    },
    decodeAscii: (bytes, start, end) => decoder.decode(bytes.subarray(start, end)),
    utf8Length,
    writeUtf8(text, target, offset, byteLength) {
      encoder.encodeInto(text, target.subarray(offset, offset + byteLength));
    },
  };
}

/** As `TextEncoder` counts: a surrogate without its other half is U+FFFD, which takes three bytes. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    // the two halves take four bytes together
    if (isHigh(code) && isLow(text.charCodeAt(i + 1))) i++;
  }
  return bytes;
}

function isHigh(code: number): boolean {
  return (code & 0xfc00) === 0xd800;
}

function isLow(code: number): boolean {
  return (code & 0xfc00) === 0xdc00;
}
