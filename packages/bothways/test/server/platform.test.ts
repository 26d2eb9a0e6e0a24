import { expect, onTestFinished, test, vi } from "vitest";
import { createPlatform, createReporter } from "../../src/server/platform.ts";

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

test("without onError at most 100 errors are printed in a minute, and how many more there were", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => void vi.useRealTimers());
  onTestFinished(() => written.mockRestore());
  const report = createReporter();
  for (let index = 0; index < 150; index++) report(`error ${index}`);
  expect(written).toHaveBeenCalledTimes(100);
  expect(written).toHaveBeenLastCalledWith("bothways: error 99\n");
  vi.advanceTimersByTime(60_000);
  report("later");
  expect(written.mock.calls.slice(100)).toEqual([
    ["bothways: 50 more errors were not printed\n"],
    ["bothways: later\n"],
  ]);
});
