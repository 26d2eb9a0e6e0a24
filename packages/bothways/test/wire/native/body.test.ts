import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import { decodeBody, encodeBody } from "../../../src/wire/native/body.ts";

const text = fc
  .string({ unit: "grapheme" })
  .filter((frame) => !/[\n\0]/.test(frame))
  .map((frame) => `m${frame}`);
const binary = fc.uint8Array({ maxLength: 300 });

function toBytes(body: Data): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

describe("bodies", () => {
  test("text frames are joined by line feeds", () => {
    expect(encodeBody(["n1", 'm2["a"]'])).toBe('n1\nm2["a"]');
    expect(encodeBody([])).toBe("");
    expect(decodeBody(new Uint8Array())).toEqual([]);
  });

  test("with a binary frame the body begins with a zero byte and each frame has its length", () => {
    const body = encodeBody(["n1", Uint8Array.of(109, 1)]);
    expect(body).toEqual(Uint8Array.of(0, 0, 0, 0, 2, 110, 49, 0x80, 0, 0, 2, 109, 1));
  });

  test("any list of frames comes out as it went in", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, binary), { minLength: 1 }), (frames) => {
        expect(decodeBody(toBytes(encodeBody(frames)))).toEqual(frames);
      }),
    );
  });

  test("a body inside a larger buffer is read where it is", () => {
    const body = toBytes(encodeBody(["n1", Uint8Array.of(109, 1)]));
    const larger = new Uint8Array(body.length + 8);
    larger.set(body, 5);
    expect(decodeBody(larger.subarray(5, 5 + body.length))).toEqual(["n1", Uint8Array.of(109, 1)]);
  });

  test.each([
    ["a length beyond the end", [0, 0, 0, 0, 9, 110]],
    ["a header cut off", [0, 0, 0]],
    ["text that is not UTF-8", [0, 0, 0, 0, 1, 0xff]],
    ["a text body that is not UTF-8", [110, 0xc3]],
    ["a huge length", [0, 0x7f, 0xff, 0xff, 0xff]],
    ["a login page", [...Buffer.from("<!doctype html>\n<title>Sign in</title>")]],
    ["an error of somebody else", [...Buffer.from('{"error":"busy"}')]],
  ])("%s is malformed", (_what, bytes) => {
    expect(decodeBody(Uint8Array.from(bytes))).toBeUndefined();
  });

  test("a body cut anywhere is malformed or a prefix, never something else", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, binary), { minLength: 1 }), fc.nat(), (frames, at) => {
        const body = toBytes(encodeBody(frames));
        const cut = decodeBody(body.subarray(0, at % body.length));
        if (body[0] === 0 && cut) expect(frames.slice(0, cut.length)).toEqual(cut);
      }),
    );
  });
});
