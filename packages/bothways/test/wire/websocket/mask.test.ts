import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyMask, createMaskKeySource, rotateKey } from "../../../src/wire/websocket/mask.ts";

/** RFC 6455 §5.3, byte by byte as it is written there. */
function maskedByDefinition(bytes: Uint8Array, key: number): Uint8Array {
  const keyBytes = [24, 16, 8, 0].map((shift) => (key >>> shift) & 255);
  return bytes.map((byte, i) => byte ^ (keyBytes[i % 4] ?? 0));
}

describe("masking", () => {
  test("every length up to 300 at every alignment, and nothing around it", () => {
    const key = 0x9234_56f8 | 0;
    for (let start = 0; start < 8; start++) {
      for (let length = 0; length <= 300; length++) {
        const bytes = Uint8Array.from({ length: start + length + 8 }, (_, i) => (i * 7) & 255);
        const expected = bytes.slice();
        expected.set(maskedByDefinition(bytes.subarray(start, start + length), key), start);
        applyMask(bytes, start, start + length, key);
        if (Buffer.compare(bytes, expected) !== 0) expect.fail(`start ${start}, length ${length}`);
      }
    }
  });

  test("a view that does not begin with its buffer", () => {
    const whole = new Uint8Array(1_000);
    for (let begin = 0; begin < 8; begin++) {
      const view = whole.subarray(begin, begin + 500).fill(0x55);
      applyMask(view, 1, 500, 0x0102_0304);
      expect(view[0]).toBe(0x55);
      expect(view.slice(1)).toEqual(maskedByDefinition(new Uint8Array(499).fill(0x55), 0x0102_0304));
    }
  });

  test("a payload in two parts, the key rotated between them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer(), fc.nat(400), (payload, key, cut) => {
        const middle = Math.min(cut, payload.length);
        const bytes = payload.slice();
        applyMask(bytes, 0, middle, key);
        applyMask(bytes, middle, bytes.length, rotateKey(key, middle));
        expect(bytes).toEqual(maskedByDefinition(payload, key));
      }),
    );
  });

  test.each([0, 1, 2, 3])(
    "tells whether the result is ASCII, wherever the one other byte is, from %i on",
    (start) => {
      const key = 0x8899_aabb | 0;
      const isAscii = (bytes: Uint8Array) => {
        const framed = new Uint8Array(start + bytes.length + 1).fill(0xff);
        framed.set(maskedByDefinition(bytes, key), start);
        return applyMask(framed, start, start + bytes.length, key);
      };
      for (const length of [1, 50, 95, 96, 97, 98, 99, 200]) {
        const ascii = new Uint8Array(length).fill(0x7f);
        expect(isAscii(ascii)).toBe(true);
        for (let at = 0; at < length; at++) expect(isAscii(ascii.with(at, 0x80))).toBe(false);
      }
    },
  );

  test("RFC6455-5.3-2..4 RFC6455-10.3-1 each key is drawn once, in the order of the random bytes", () => {
    const next = createMaskKeySource({ randomBytes: (count) => new Uint8Array(count).map((_, i) => i) });
    expect([next(), next()]).toEqual([0x0001_0203, 0x0405_0607]);
    let drawn = 0;
    const counted = createMaskKeySource({ randomBytes: (count) => new Uint8Array(count).fill(++drawn) });
    const keys = Array.from({ length: 1_000 }, counted);
    expect(drawn).toBeGreaterThan(1);
    expect(new Set(keys).size).toBe(drawn);
  });
});
