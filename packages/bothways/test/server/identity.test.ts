/** What `authenticate` returns, read: whose it is, and until when. */
import { expect, test } from "vitest";
import { inTime, readIdentity, readTime } from "../../src/server/identity.ts";

test.each([
  [undefined, undefined],
  [null, undefined],
  ["ada", "ada"],
  [7, "7"],
  [{ user: "ada", role: "admin" }, "ada"],
  [{ user: 7 }, "7"],
  [{ user: { name: "ada" } }, undefined],
  [{ role: "admin" }, undefined],
])("%j is of user %j, and does not end", (identity, user) => {
  expect(readIdentity(identity)).toEqual({ identity, user, expiresAt: Infinity });
});

test.each([
  [undefined, Infinity],
  [null, Infinity],
  [1_800_000_000_000, 1_800_000_000_000],
  [new Date(1_800_000_000_000), 1_800_000_000_000],
])("%j is the time %j", (time, expected) => {
  expect(readTime(time)).toBe(expected);
  expect(readIdentity({ expiresAt: time }).expiresAt).toBe(expected);
});

test.each([1_800_000_000, 0, -1, Number.NaN, new Date(Number.NaN), "2030-01-01", {}])(
  "%j is no time",
  (time) => {
    expect(() => readTime(time)).toThrow(RangeError);
  },
);

test("what takes too long is a refusal", async () => {
  expect(await inTime("at once", 1_000)).toBe("at once");
  await expect(inTime(new Promise(() => {}), 1)).rejects.toMatchObject({ code: "BW_SILENT" });
  await expect(inTime(Promise.reject(new Error("no")), 1_000)).rejects.toThrow("no");
});
