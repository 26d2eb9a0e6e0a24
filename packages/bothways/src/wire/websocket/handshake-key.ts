/**
 * The challenge of the opening handshake: it proves that the other side speaks WebSocket and that the answer is not a
 * cached one (RFC 6455 §1.3, §4.1, §4.2.2).
 */
import type { Primitives } from "../../model/primitives.ts";

/** The only version there is (RFC 6455 §4.1). */
export const websocketVersion = "13";

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A fresh `Sec-WebSocket-Key`: 16 random bytes in base64. */
export function createKey(primitives: Pick<Primitives, "randomBytes">): string {
  const bytes = primitives.randomBytes(16);
  let key = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0; shift -= 6) key += alphabet[(group >> shift) & 63];
  }
  // The last group held one byte: two characters of it count, two are padding.
  return `${key.slice(0, 22)}==`;
}

/** Is `text` base64 of 16 bytes? */
export function isKey(text: string): boolean {
  if (text.length !== 24 || !text.endsWith("==")) return false;
  for (let i = 0; i < 22; i++) {
    if (!alphabet.includes(text.charAt(i))) return false;
  }
  return true;
}

/** The `Sec-WebSocket-Accept` that answers `key`. */
export function acceptKey(key: string, primitives: Pick<Primitives, "sha1Base64">): string {
  return primitives.sha1Base64(key + guid);
}
