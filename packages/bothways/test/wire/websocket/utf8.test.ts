import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advanceUtf8, utf8Boundary, utf8Invalid } from "../../../src/wire/websocket/utf8.ts";
import { utf8 } from "./harness.ts";

function check(bytes: Uint8Array): "valid" | "unfinished" | "invalid" {
  const state = advanceUtf8(utf8Boundary, bytes, 0, bytes.length);
  return state === utf8Boundary ? "valid" : state === utf8Invalid ? "invalid" : "unfinished";
}

describe("RFC6455-8.1-1 text is UTF-8", () => {
  test.each([
    ["empty", [], "valid"],
    ["ASCII to its end", [0x00, 0x7f], "valid"],
    ["U+0080, the first of two bytes", [0xc2, 0x80], "valid"],
    ["U+07FF", [0xdf, 0xbf], "valid"],
    ["U+0800, the first of three", [0xe0, 0xa0, 0x80], "valid"],
    ["U+D7FF, before the surrogates", [0xed, 0x9f, 0xbf], "valid"],
    ["U+E000, after them", [0xee, 0x80, 0x80], "valid"],
    ["U+FFFF, a noncharacter", [0xef, 0xbf, 0xbf], "valid"],
    ["U+FEFF, a byte order mark", [0xef, 0xbb, 0xbf], "valid"],
    ["U+10000, the first of four", [0xf0, 0x90, 0x80, 0x80], "valid"],
    ["U+10FFFF, the last of all", [0xf4, 0x8f, 0xbf, 0xbf], "valid"],
    ["a lone continuation", [0x80], "invalid"],
    ["overlong NUL", [0xc0, 0x80], "invalid"],
    ["overlong slash", [0xc1, 0xaf], "invalid"],
    ["overlong in three", [0xe0, 0x9f], "invalid"],
    ["overlong in four", [0xf0, 0x8f], "invalid"],
    ["U+D800, a surrogate", [0xed, 0xa0], "invalid"],
    ["U+DFFF, a surrogate", [0xed, 0xbf], "invalid"],
    ["U+110000", [0xf4, 0x90], "invalid"],
    ["a lead of four above F4", [0xf5], "invalid"],
    ["a lead of five", [0xf8], "invalid"],
    ["FE", [0xfe], "invalid"],
    ["FF", [0xff], "invalid"],
    ["ASCII inside a code point", [0xe2, 0x82, 0x41], "invalid"],
    ["a lead inside a code point", [0xe2, 0xe2], "invalid"],
    ["two of three", [0xe2, 0x82], "unfinished"],
    ["three of four", [0xf0, 0x9f, 0x98], "unfinished"],
  ] as const)("%s", (_name, bytes, expected) => {
    expect(check(Uint8Array.from(bytes))).toBe(expected);
    expect(check(Uint8Array.of(0x41, ...bytes))).toBe(expected);
  });

  test("agrees with the platform on every sequence of two bytes, alone and completed", () => {
    const tails = [[], [0x80], [0xbf], [0x80, 0x80], [0xbf, 0xbf]];
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        for (const tail of tails) {
          const bytes = Uint8Array.of(first, second, ...tail);
          const isValid = isUtf8(bytes);
          if ((check(bytes) === "valid") !== isValid) expect.fail(`${first} ${second} ${tail}`);
        }
      }
    }
  });

  test("any text, cut anywhere, is valid; unfinished exactly inside a code point", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(), (text, seed) => {
        const bytes = utf8(text);
        const cut = bytes.length === 0 ? 0 : seed % bytes.length;
        const state = advanceUtf8(utf8Boundary, bytes, 0, cut);
        expect(state).not.toBe(utf8Invalid);
        expect(state === utf8Boundary).toBe(isUtf8(bytes.subarray(0, cut)));
        expect(advanceUtf8(state, bytes, cut, bytes.length)).toBe(utf8Boundary);
      }),
    );
  });
});
