import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frame } from "../../../src/model/frame.ts";
import { encodeFrame, parseFrame } from "../../../src/wire/native/frame.ts";

const hello = {
  version: 1,
  attempt: "0123456789abcdefghijkl",
  generation: 1,
  received: 0,
  credit: [1024, 1_048_576],
  join: [["/", { token: "é\n" }]],
} as const;
const welcome = {
  sid: "s",
  secret: "x",
  key: "s~k",
  received: 0,
  credit: [1024, 1_048_576],
  ping: [15_000, 10_000],
} as const;

const frames: readonly (readonly [Frame, string | Uint8Array])[] = [
  [{ kind: "h", hello }, `h${JSON.stringify(hello)}`],
  [{ kind: "w", welcome }, `w${JSON.stringify(welcome)}`],
  [{ kind: "n", number: 7 }, "n7"],
  [{ kind: "m", data: 'm2["a"]' }, 'm2["a"]'],
  [{ kind: "v", data: 'v2["a"]' }, 'v2["a"]'],
  [{ kind: "m", data: Uint8Array.of(109, 0) }, Uint8Array.of(109, 0)],
  [{ kind: "v", data: Uint8Array.of(118) }, Uint8Array.of(118)],
  [{ kind: "a", received: 3, messages: 1027, bytes: 5 }, "a3,1027,5"],
  [{ kind: "p" }, "p"],
  [{ kind: "o" }, "o"],
  [{ kind: "c", code: 4409, reason: "one, two" }, "c4409,one, two"],
  [{ kind: "c", code: 4000, reason: "" }, "c4000,"],
];

describe("frames", () => {
  test.each(frames)("%j is written and read", (frame, data) => {
    expect(encodeFrame(frame)).toEqual(data);
    expect(parseFrame(data)).toEqual(frame);
  });

  test("no text frame holds a line feed", () => {
    for (const [frame] of frames) expect(String(encodeFrame(frame))).not.toContain("\n");
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
    "a,,",
    "c",
    "cx,reason",
    "h{",
    "w",
    "h",
  ])("%j is malformed", (data) => {
    expect(parseFrame(data)).toBeUndefined();
  });

  test.each([[new Uint8Array()], [Uint8Array.of(110, 49)], [Uint8Array.of(0, 109)]])(
    "bytes %j are malformed: only messages have a binary form",
    (data) => expect(parseFrame(data)).toBeUndefined(),
  );

  test("whatever comes in, nothing is thrown", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array()), (data) => {
        const frame = parseFrame(data);
        if (frame?.kind === "m" || frame?.kind === "v") expect(frame.data).toBe(data);
      }),
    );
  });
});
