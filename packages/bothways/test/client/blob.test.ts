/** Blobs in arguments: found at any depth, read before the message is written. The order of messages is a browser test. */
import { expect, test } from "vitest";
import { readBlobs } from "../../src/client/blob.ts";

const blob = new Blob(["abc"]);
const bytes = new TextEncoder().encode("abc").buffer;

test.each([
  ["itself", blob, bytes],
  ["in an array", [1, blob], [1, bytes]],
  ["in an object", { a: blob, b: "x" }, { a: bytes, b: "x" }],
  ["deep", [{ list: [[blob], null] }], [{ list: [[bytes], null] }]],
])("a Blob %s is read", async (_where, value, expected) => {
  const sizes: number[] = [];
  const read = readBlobs(value, (size) => sizes.push(size));
  expect(sizes).toEqual([3]);
  expect(read).toBeInstanceOf(Promise);
  expect(await read).toEqual(expected);
});

test("what holds no Blob is given back as it is, and at once", () => {
  for (const value of [1, null, undefined, "x", [], { a: [1] }, new Uint8Array(9), new Date(0), bytes]) {
    expect(readBlobs(value, () => expect.unreachable())).toBe(value);
  }
});
