import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nestsDeeper } from "../../../src/dialect/native/json-depth.ts";
import { encodePacket } from "../../../src/wire/native/packet.ts";

const limit = 8;

function nested(depth: number, open = "[", close = "]"): string {
  return open.repeat(depth) + close.repeat(depth);
}

/** As `JSON.parse` and a walk find it. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("the depth of a frame's JSON", () => {
  test.each([
    ["at the limit", `m2${nested(limit)}`, false],
    ["one beyond", `m2${nested(limit + 1)}`, true],
    ["objects", `m2${`{"a":`.repeat(limit + 1)}1${"}".repeat(limit + 1)}`, true],
    ["a million", `m2${nested(1_000_000)}`, true],
    ["a hello's auth", `h{"auth":${nested(limit)}}`, true],
    ["brackets in a text", `m2["${"[".repeat(99)}"]`, false],
    ["behind an escaped quote", `m2["\\"",${nested(limit)}]`, true],
    ["behind an escaped backslash", `m2["\\\\",${nested(limit)}]`, true],
    ["a quote in the namespace", `m2/a",${nested(limit + 1)}`, true],
    ["a bracket in the namespace", `m2/[[[[[[[[[[[[,7["x",1,1,1,1,1,1]`, false],
    ["siblings", `m2["x",${"[],".repeat(99)}1]`, false],
  ])("%s", (_what, frame, isDeeper) => {
    expect(nestsDeeper(frame, limit)).toBe(isDeeper);
  });

  test("the binary form", () => {
    const packet = (depth: number) => ({
      type: 2 as const,
      namespace: "/",
      data: ["x", new Uint8Array(100), JSON.parse(nested(depth))],
    });
    expect(nestsDeeper(encodePacket(packet(limit - 1)), limit)).toBe(false);
    expect(nestsDeeper(encodePacket(packet(limit)), limit)).toBe(true);
    expect(nestsDeeper(new Uint8Array(3), 0)).toBe(false);
  });

  test("of any value is what a walk finds", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.integer({ min: 1, max: 6 }), (json, most) => {
        expect(nestsDeeper(`m2${json}`, most)).toBe(depthOf(JSON.parse(json)) > most);
      }),
    );
  });
});
