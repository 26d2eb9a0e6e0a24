import fc from "fast-check";
import { expect, test } from "vitest";
import { createPrimitives } from "../../../src/wire/websocket/primitives.ts";
import { primitives as nodes } from "./harness.ts";

const { randomBytes, sha1Base64 } = nodes;
const primitives = createPrimitives({ randomBytes, sha1Base64 });

test("any text is measured, written and read as Node does it, lone surrogates too", () => {
  const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));
  const surrogates = fc
    .array(fc.constantFrom("a", "\u07ff", "\u0800", "\ud800", "\udbff", "\udc00", "\udfff", "😀"))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(text, surrogates), (value) => {
      const bytes = Buffer.from(value);
      expect(primitives.utf8Length(value)).toBe(bytes.length);
      const target = new Uint8Array(bytes.length + 4).fill(0xee);
      primitives.writeUtf8(value, target, 2, bytes.length);
      expect(Buffer.compare(target.subarray(2, -2), bytes)).toBe(0);
      expect([target.at(1), target.at(-2)]).toEqual([0xee, 0xee]);
      expect(primitives.decodeUtf8(bytes)).toBe(bytes.toString());
    }),
  );
});

test("what is not UTF-8 is undefined, a byte order mark stays", () => {
  expect(primitives.decodeUtf8(Uint8Array.of(0xc0, 0x80))).toBe(undefined);
  expect(primitives.decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  expect(primitives.decodeAscii(Uint8Array.of(0x78, 0x61, 0x62, 0x78), 1, 3)).toBe("ab");
});
