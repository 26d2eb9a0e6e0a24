import { describe, expect, test } from "vitest";
import { nodePrimitives } from "../../src/platform/node.ts";

const { randomBytes, sha1Base64, decodeUtf8, decodeAscii, utf8Length, writeUtf8 } = nodePrimitives;

test("random bytes are as many as asked for and differ", () => {
  expect(randomBytes(16)).toHaveLength(16);
  expect([...randomBytes(16)]).not.toEqual([...randomBytes(16)]);
});

test("RFC 6455 §1.3: the accept value of the example key", () => {
  const key = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  expect(sha1Base64(key)).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

describe("UTF-8", () => {
  test.each(["", "plain", "žluť 한국어 🙂", "\u{feff}with a mark", "nul\0"])(
    "%j goes and comes back",
    (text) => {
      const target = new Uint8Array(64).fill(0xee);
      const byteLength = utf8Length(text);
      writeUtf8(text, target, 3, byteLength);
      expect([target[2], target[3 + byteLength]]).toEqual([0xee, 0xee]);
      expect(decodeUtf8(target.subarray(3, 3 + byteLength))).toBe(text);
    },
  );

  test("ASCII that a string holds as wider units", () => {
    const text = "🙂plain".slice(2);
    const target = new Uint8Array(5);
    writeUtf8(text, target, 0, 5);
    expect(decodeAscii(target, 1, 4)).toBe("lai");
  });

  test.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xe2, 0x82]]])("%j is not text", (bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
  });
});
