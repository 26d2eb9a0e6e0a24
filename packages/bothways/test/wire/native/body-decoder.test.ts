/** docs/protocol/bothways-1.md, "HTTP streams": a body that is read as it arrives. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import { encodeBody } from "../../../src/wire/native/body.ts";
import { createBodyDecoder } from "../../../src/wire/native/body-decoder.ts";

function decode(maxBytes: number, ...chunks: Uint8Array[]): Data[] {
  return chunks.flatMap(createBodyDecoder(maxBytes));
}

function isMalformed(...args: Parameters<typeof decode>): boolean {
  try {
    decode(...args);
    return false;
  } catch {
    return true;
  }
}

/** The form with headers, whatever the frames: a binary one in front asks for it. */
function streamOf(frames: readonly Data[]): Uint8Array {
  return encodeBody([new Uint8Array(0), ...frames]) as Uint8Array;
}

const frames = ["", "a1,2,3", "m한국어 🦊", Uint8Array.of(0x6d, 0, 255), "x".repeat(300), new Uint8Array(0)];

test("frames come as soon as they are complete, wherever the bytes are split", () => {
  const bytes = streamOf(frames);
  const expected = [new Uint8Array(0), ...frames];
  expect(decode(1e6, bytes)).toEqual(expected);
  expect(decode(1e6, ...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  for (let at = 0; at <= bytes.length; at++) {
    expect(decode(1e6, bytes.subarray(0, at), bytes.subarray(at))).toEqual(expected);
  }
});

test("a frame that is not complete waits", () => {
  const decoder = createBodyDecoder(1e6);
  const bytes = streamOf(["m1"]);
  expect(decoder(bytes.subarray(0, -1))).toEqual([new Uint8Array(0)]);
  expect(decoder(new Uint8Array(0))).toEqual([]);
  expect(decoder(bytes.subarray(-1))).toEqual(["m1"]);
});

test("binary frames are the reader's own", () => {
  const bytes = streamOf([Uint8Array.of(1, 2, 3)]);
  const [, frame] = decode(1e6, bytes);
  bytes.fill(9);
  expect(frame).toEqual(Uint8Array.of(1, 2, 3));
});

describe("what is malformed", () => {
  test.each<[string, number[]]>([
    ["a body of another form", [0x61, 0, 0, 0, 0]],
    ["a frame that is too long", [0, 0, 0, 0, 11]],
    ["text that is no UTF-8", [0, 0, 0, 0, 1, 0xff]],
  ])("%s throws", (_, bytes) => {
    expect(() => decode(10, Uint8Array.from(bytes))).toThrow();
  });

  test("any bytes: the same however they are split", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), (tail, cut) => {
        const bytes = Uint8Array.of(0, ...tail);
        const halves = [bytes.subarray(0, cut), bytes.subarray(cut)];
        const isBroken = isMalformed(20, bytes);
        expect(isMalformed(20, ...halves)).toBe(isBroken);
        if (!isBroken) expect(decode(20, ...halves)).toEqual(decode(20, bytes));
      }),
    );
  });
});
