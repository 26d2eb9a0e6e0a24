/** RFC 2046 §5.1, as far as `multipart/x-mixed-replace` with lengths goes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMultipartReader } from "../../../src/wire/multipart/parser.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function parse(maxBytes: number, ...chunks: Uint8Array[]): string[] {
  return chunks.flatMap(createMultipartReader(maxBytes, (part) => new TextDecoder().decode(part)));
}

function part(content: string): string {
  return `--b\r\nContent-Type: text/plain\r\nContent-Length: ${bytesOf(content).length}\r\n\r\n${content}\r\n`;
}

const contents = [
  "one",
  "",
  "한국어\r\n\r\n",
  "--b\r\nContent-Length: 1\r\n\r\nx\r\n--b--",
  "x".repeat(5_000),
];

test("parts come as soon as they are complete, wherever the bytes are split", () => {
  const bytes = bytesOf(`${contents.map(part).join("")}--b\r\n`);
  expect(parse(1e6, bytes)).toEqual(contents);
  expect(parse(1e6, ...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(contents);
  fc.assert(
    fc.property(fc.nat(bytes.length), (at) => {
      expect(parse(1e6, bytes.subarray(0, at), bytes.subarray(at))).toEqual(contents);
    }),
  );
});

test("the last part needs no boundary behind it", () => {
  expect(parse(1e6, bytesOf(part("one").slice(0, -2)))).toEqual(["one"]);
});

test.each([
  ["--b\r\ncontent-length:3 \r\n\r\none", ["one"]],
  ["--b\r\nX: y\r\nContent-Length:\t3\r\n\r\none", ["one"]],
])("a head may be written as %j", (stream, parts) => {
  expect(parse(1e6, bytesOf(stream))).toEqual(parts);
});

describe("malformed", () => {
  test.each([
    ["no boundary", "c\r\nContent-Length: 1\r\n\r\nx"],
    ["no length", "--b\r\nContent-Type: text/plain\r\n\r\nx"],
    ["a length that is none", "--b\r\nContent-Length: -1\r\n\r\nx"],
    ["a length that is too much", "--b\r\nContent-Length: 11\r\n\r\n"],
    [
      "a part longer than its length",
      "--b\r\nContent-Length: 1\r\n\r\nxy\r\n--b\r\nContent-Length: 1\r\n\r\nz",
    ],
    ["a head without an end", `--b\r\n${"x".repeat(2_000)}`],
    ["a page of a proxy", `<!doctype html>${"x".repeat(2_000)}`],
  ])("%s throws", (_, stream) => {
    expect(() => parse(10, bytesOf(stream))).toThrow(RangeError);
  });
});
