import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frame, Signal } from "../../../src/model/frame.ts";
import { parseClientFrame } from "../../../src/wire/native/client-frame.ts";
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

const signals: readonly (readonly [Signal, string])[] = [
  [["h", hello], `h${JSON.stringify(hello)}`],
  [["w", welcome], `w${JSON.stringify(welcome)}`],
  [["n", 7], "n7"],
  [["a", 3, 1027, 5], "a3,1027,5"],
  [["p"], "p"],
  [["o"], "o"],
];

const others: readonly (readonly [Frame, string | Uint8Array])[] = [
  [["m", 'm2["a"]'], 'm2["a"]'],
  [["v", 'v2["a"]'], 'v2["a"]'],
  [["m", Uint8Array.of(109, 0)], Uint8Array.of(109, 0)],
  [["v", Uint8Array.of(118)], Uint8Array.of(118)],
  [["c", 4409, "one, two"], "c4409,one, two"],
  [["c", 4000, ""], "c4000,"],
];

describe("frames", () => {
  test.each(signals)("%j is written and read", (frame, data) => {
    expect(encodeFrame(frame)).toBe(data);
    expect(parseFrame(data)).toEqual(frame);
  });

  test.each(others)("%j is read", (frame, data) => {
    // a server's `c` frame never gets past its link
    expect((frame[0] === "c" ? parseClientFrame : parseFrame)(data)).toEqual(frame);
  });

  test("no text frame holds a line feed", () => {
    for (const [frame] of signals) expect(encodeFrame(frame)).not.toContain("\n");
  });

  test.each(["h{", "w{", "n1,", "nx"])("%j is malformed", (data) => {
    expect(parseFrame(data)).toBeUndefined();
  });

  test("whatever comes in, nothing is thrown", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array()), (data) => {
        const frame = parseFrame(data);
        if (frame?.[0] === "m" || frame?.[0] === "v") expect(frame[1]).toBe(data);
      }),
    );
  });
});
