import { describe, expect, test } from "vitest";
import { acceptKey, createKey, isKey } from "../../../src/wire/websocket/handshake-key.ts";
import { primitives } from "./harness.ts";

describe("the challenge", () => {
  test("RFC6455-4.2.2-10 the example", () => {
    expect(acceptKey("dGhlIHNhbXBsZSBub25jZQ==", primitives)).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  test("RFC6455-4.1-28..29 a key is base64 of 16 bytes", () => {
    for (let i = 0; i < 100; i++) {
      const bytes = primitives.randomBytes(16);
      const key = createKey({ randomBytes: () => bytes });
      expect(key).toBe(Buffer.from(bytes).toString("base64"));
      expect(isKey(key)).toBe(true);
    }
  });

  test.each([
    "",
    "AAAA",
    "A".repeat(24),
    `${"A".repeat(21)}===`,
    `${"A".repeat(23)}==`,
    `${"A".repeat(20)}==`,
    `${"A".repeat(21)}-==`,
    `${"A".repeat(21)} ==`,
    `${"A".repeat(22)}== `,
  ])("no key: %j", (text) => {
    expect(isKey(text)).toBe(false);
  });
});
