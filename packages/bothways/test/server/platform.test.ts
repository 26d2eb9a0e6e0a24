import { expect, test } from "vitest";
import { createPlatform } from "../../src/server/platform.ts";

const { isEqual } = createPlatform(() => {}).tokens;

test.each([
  ["secret", "secret", true],
  ["secret", "secreT", false],
  ["secret", "secrets", false],
  ["", "", true],
  // as long in characters, not in bytes: what a stranger sends must not throw
  ["secret", "sécret", false],
  ["aa", "한글", false],
])("isEqual(%j, %j) is %s", (a, b, expected) => {
  expect(isEqual(a, b)).toBe(expected);
  expect(isEqual(b, a)).toBe(expected);
});
