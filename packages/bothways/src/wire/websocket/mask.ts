/**
 * Masking (RFC 6455 §5.3): payload byte i is XORed with key byte i mod 4, so the same function masks and unmasks.
 *
 * A key is one 32-bit integer, first byte on the wire in the highest bits: it needs no array, and advancing it by one
 * payload byte is a rotation.
 */
import type { Primitives } from "../../model/primitives.ts";

/** Below this many bytes a view on 32-bit words costs more than it saves. */
const wordThresholdBytes = 96;
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
const keysPerRefill = 32;

/**
 * Masks `bytes[start, end)` in place. Returns whether the result is pure ASCII, which it learns for nothing on the way
 * and which spares most text its UTF-8 check.
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number): boolean {
  if (end - start < wordThresholdBytes) return maskEachByte(bytes, start, end, key) < 0x80;
  const wordsStart = start + (-(bytes.byteOffset + start) & 3);
  const wordCount = ((end - wordsStart) >> 4) * 4;
  const wordsEnd = wordsStart + wordCount * 4;
  const wordKey = rotateKey(key, wordsStart - start);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + wordsStart, wordCount);
  const seenBefore = maskEachByte(bytes, start, wordsStart, key);
  const seenInWords = maskEachWord(words, wordKey);
  const seenBehind = maskEachByte(bytes, wordsEnd, end, wordKey);
  return (seenBefore | seenBehind) < 0x80 && (seenInWords & 0x80808080) === 0;
}

/** The key as it stands `byteCount` payload bytes later. */
export function rotateKey(key: number, byteCount: number): number {
  const bits = (byteCount & 3) << 3;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

/**
 * A source of masking keys for one client. RFC 6455 §5.3, §10.3: each frame gets a fresh key that nobody can predict;
 * they are fetched some at a time because a call for four random bytes costs as much as one for hundreds.
 */
export function createMaskKeySource(primitives: Pick<Primitives, "randomBytes">): () => number {
  let pool: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0));
  let offset = 0;
  return () => {
    if (offset === pool.byteLength) {
      const bytes = primitives.randomBytes(keysPerRefill * 4);
      pool = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      offset = 0;
    }
    offset += 4;
    return pool.getInt32(offset - 4);
  };
}

function maskEachByte(bytes: Uint8Array, start: number, end: number, key: number): number {
  let turning = key;
  let seen = 0;
  for (let i = start; i < end; i++) {
    const byte = (bytes[i] as number) ^ (turning >>> 24);
    bytes[i] = byte;
    seen |= byte;
    turning = (turning << 8) | (turning >>> 24);
  }
  return seen;
}

function maskEachWord(words: Int32Array, key: number): number {
  const wordKey = isLittleEndian ? swapBytes(key) : key;
  // The caller sees to it that it is a multiple of four; saying so here spares V8 a check per word.
  const count = words.length & ~3;
  let seen = 0;
  // Four words a turn: the speed of a shorter loop depends on where in memory V8 happens to put it.
  for (let i = 0; i < count; i += 4) {
    const a = (words[i] as number) ^ wordKey;
    const b = (words[i + 1] as number) ^ wordKey;
    const c = (words[i + 2] as number) ^ wordKey;
    const d = (words[i + 3] as number) ^ wordKey;
    words[i] = a;
    words[i + 1] = b;
    words[i + 2] = c;
    words[i + 3] = d;
    seen |= a | b | c | d;
  }
  return seen;
}

function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
