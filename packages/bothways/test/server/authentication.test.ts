/** A client's authentication over time, on clocks that the test moves. */
import { describe, expect, test } from "vitest";
import { Authentication } from "../../src/server/authentication.ts";
import { readIdentity } from "../../src/server/identity.ts";

const since1970 = 1_800_000_000_000;

function begin(lastsMs: number, refreshAuth?: (token: unknown) => unknown) {
  const time = { now: 0, wall: since1970 };
  const auth = new Authentication(
    readIdentity({ user: "ada", expiresAt: since1970 + lastsMs }),
    { authWarningMs: 60, refreshAuth, connectTimeoutMs: 1_000 },
    { now: () => time.now, wallClock: () => time.wall },
  );
  /** The time at which the next tick is due. */
  const pass = (): number => {
    time.wall += auth.deadline - time.now;
    time.now = auth.deadline;
    return time.now;
  };
  return { auth, time, pass };
}

test("warns once ahead, and then it is over", () => {
  const { auth, pass } = begin(100);
  expect([pass(), auth.tick()]).toEqual([40, 60]);
  expect([pass(), auth.tick()]).toEqual([100, 0]);
});

test("one that has less left than the warning takes warns at once", () => {
  const { auth } = begin(10);
  expect(auth.deadline).toBeLessThanOrEqual(0);
  expect(auth.tick()).toBe(10);
  expect(auth.deadline).toBe(10);
});

test("one that does not end is never due", () => {
  const { auth } = begin(100);
  auth.current = readIdentity("ada");
  expect(auth.deadline).toBe(Infinity);
});

test("a clock that was set back gives more time, one that was set on less", () => {
  const { auth, time, pass } = begin(100);
  pass();
  time.wall -= 1_000;
  expect(auth.tick()).toBeUndefined();
  expect(auth.deadline).toBe(1_040);
  time.wall += 5_000;
  expect(auth.tick()).toBeLessThan(0);
});

describe("a token", () => {
  test("renews it, and the warning comes anew", async () => {
    const { auth, pass } = begin(100, (token) => ({ user: "ada", token, expiresAt: since1970 + 1_000 }));
    pass();
    auth.tick();
    await auth.refresh("fresh");
    expect(auth.current.identity).toMatchObject({ token: "fresh" });
    expect([pass(), auth.tick()]).toEqual([940, 60]);
  });

  test.each([
    ["is thrown out", () => Promise.reject(new Error("stale")), /BW_UNAUTHORIZED.*stale/],
    ["is another user's", () => "eve", /BW_IDENTITY/],
    ["ends at a time that is none", () => ({ user: "ada", expiresAt: "soon" }), /BW_UNAUTHORIZED.*expiresAt/],
  ])("that %s changes nothing", async (_why, judge, message) => {
    const { auth } = begin(100, judge);
    const before = auth.current;
    await expect(auth.refresh("x")).rejects.toThrow(message);
    expect(auth.current).toBe(before);
    await expect(auth.refresh("x")).rejects.toThrow(message);
  });

  test("is not judged while another is", async () => {
    let pass: (identity: unknown) => void = () => {};
    const judged = new Promise((resolve) => {
      pass = resolve;
    });
    const { auth } = begin(100, () => judged);
    const first = auth.refresh("x");
    await expect(auth.refresh("y")).rejects.toThrow(/BW_RATE_LIMIT/);
    pass("ada");
    await first;
    expect(auth.current.expiresAt).toBe(Infinity);
  });
});
