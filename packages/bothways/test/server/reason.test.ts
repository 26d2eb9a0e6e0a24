import fc from "fast-check";
import { expect, test } from "vitest";
import { toReason } from "../../src/server/reason.ts";

test("a reason is one line of at most 123 bytes of UTF-8", () => {
  expect(toReason("no\r\nway\0")).toBe("no way ");
  expect(toReason("x".repeat(200))).toBe("x".repeat(123));
  expect(toReason("한".repeat(50))).toBe("한".repeat(41));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const reason = toReason(text);
      expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
      expect(reason).not.toMatch(/[\r\n\0]/);
    }),
  );
});
