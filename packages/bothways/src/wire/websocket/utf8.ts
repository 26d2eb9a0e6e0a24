/**
 * UTF-8 checked as the bytes arrive (RFC 3629 §4, RFC 6455 §8.1), so that an invalid text fails at its first wrong byte
 * and not when its last fragment has come.
 *
 * The state between two calls is one number: how many continuation bytes are missing, and the range the next one must
 * lie in. Only the first continuation byte has a narrower range: that is what keeps out overlong forms, surrogates and
 * values above U+10FFFF.
 */

/** Between two code points: the state to begin with and the only one a text may end in. */
export const utf8Boundary = 0;
/** The bytes seen cannot begin any valid text. */
export const utf8Invalid = -1;

/** Takes the check over `bytes[start, end)` and returns the new state. */
export function advanceUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  let expected = state;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (expected !== utf8Boundary) {
      if (byte < lowest(expected) || byte > highest(expected)) return utf8Invalid;
      expected = missing(expected) === 1 ? utf8Boundary : expecting(missing(expected) - 1, 0x80, 0xbf);
    } else if (byte >= 0x80) {
      expected = afterLead(byte);
      if (expected === utf8Invalid) return utf8Invalid;
    }
  }
  return expected;
}

function afterLead(byte: number): number {
  if (byte < 0xc2) return utf8Invalid;
  if (byte <= 0xdf) return expecting(1, 0x80, 0xbf);
  if (byte === 0xe0) return expecting(2, 0xa0, 0xbf);
  if (byte === 0xed) return expecting(2, 0x80, 0x9f);
  if (byte <= 0xef) return expecting(2, 0x80, 0xbf);
  if (byte === 0xf0) return expecting(3, 0x90, 0xbf);
  if (byte <= 0xf3) return expecting(3, 0x80, 0xbf);
  if (byte === 0xf4) return expecting(3, 0x80, 0x8f);
  return utf8Invalid;
}

function expecting(count: number, low: number, high: number): number {
  return (count << 16) | (low << 8) | high;
}

function missing(state: number): number {
  return state >> 16;
}

function lowest(state: number): number {
  return (state >> 8) & 0xff;
}

function highest(state: number): number {
  return state & 0xff;
}
