/** docs/protocol/bothways-1.md §2, as a server takes it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frame } from "../../../src/model/frame.ts";
import type { Data } from "../../../src/model/message.ts";
import { parseClientFrame } from "../../../src/wire/native/client-frame.ts";
import { encodeFrame } from "../../../src/wire/native/frame.ts";

function write(frame: Frame): Data {
  if (frame[0] === "m" || frame[0] === "v") return frame[1];
  return frame[0] === "c" ? `c${frame[1]},${frame[2]}` : encodeFrame(frame);
}

const frames: readonly Frame[] = [
  ["n", 7],
  ["m", 'm2["a"]'],
  ["v", Uint8Array.of(118)],
  ["a", 3, 1027, 999_999_999_999_999],
  ["p"],
  ["o"],
  ["c", 4409, "one, two"],
  ["c", 4000, ""],
];

describe("frames of a client", () => {
  test.each(frames.map((frame) => [frame]))("%j is read as it was written", (frame) => {
    expect(parseClientFrame(write(frame))).toEqual(frame);
  });

  test.each([
    "",
    "x",
    "n",
    "n-1",
    "n1.5",
    "n1e3",
    "n 1",
    "n9999999999999999",
    "a1,2",
    "a1,2,x",
    "a1,2,3,",
    "a01,2,3",
    "a1,2,9999999999999999",
    "n01",
    "a,,",
    "c",
    "cx,reason",
    "h{",
    "w",
    "h",
    "w{}",
    "h{}",
  ])("%j is malformed where a client says it", (data) => {
    expect(parseClientFrame(data)).toBeUndefined();
  });

  test.each([[new Uint8Array()], [Uint8Array.of(110, 49)], [Uint8Array.of(0, 109)]])(
    "bytes %j are malformed: only messages have a binary form",
    (data) => expect(parseClientFrame(data)).toBeUndefined(),
  );

  test("whatever comes in, nothing is thrown", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array()), (data) => {
        const frame = parseClientFrame(data);
        if (frame?.[0] === "m" || frame?.[0] === "v") expect(frame[1]).toBe(data);
        else if (frame) expect(parseClientFrame(write(frame))).toEqual(frame);
      }),
    );
  });
});
