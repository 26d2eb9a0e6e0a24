import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RateLimiter, type RateLimits } from "../../src/server/rate-limit.ts";

/** Verdicts of so many events at once. */
function burst(limiter: RateLimiter, count: number, now: number, event = "e"): string[] {
  return Array.from({ length: count }, () => limiter.judge(event, now));
}

const count = (verdicts: readonly string[], verdict: string): number =>
  verdicts.filter((each) => each === verdict).length;

describe("a rate", () => {
  test("lets a second's worth through at once, then as many as time allows", () => {
    const limiter = new RateLimiter({ perClient: 5 });
    expect(burst(limiter, 6, 1_000)).toEqual(["admit", "admit", "admit", "admit", "admit", "refuse"]);
    expect(burst(limiter, 2, 1_199)).toEqual(["refuse", "refuse"]);
    expect(burst(limiter, 2, 1_200)).toEqual(["admit", "refuse"]);
    expect(count(burst(limiter, 9, 60_000), "admit")).toBe(5);
  });

  test("of less than one a second lets one through", () => {
    const limiter = new RateLimiter({ perClient: 0.5 });
    expect([0, 1_999, 2_000].map((now) => limiter.judge("e", now))).toEqual(["admit", "refuse", "admit"]);
  });

  test("that is ignored for ten seconds' worth closes", () => {
    const limiter = new RateLimiter({ perClient: 5 });
    const verdicts = burst(limiter, 56, 0);
    expect([count(verdicts, "admit"), count(verdicts, "refuse"), verdicts.at(-1)]).toEqual([5, 50, "close"]);
  });

  test("never closes who is refused no faster than it may send", () => {
    const limiter = new RateLimiter({ perClient: 5 });
    const verdicts = Array.from({ length: 2_000 }, (_, tick) => limiter.judge("e", tick * 101));
    expect(count(verdicts, "close")).toBe(0);
    expect(count(verdicts, "admit")).toBeGreaterThan(1_000);
  });
});

describe("events with rates of their own", () => {
  const limits: RateLimits = { perClient: 10, perEvent: { said: 2, "*": 4 } };

  test.each([
    ["said", 2],
    ["other", 4],
  ])("%s", (event, admitted) => {
    expect(count(burst(new RateLimiter(limits), 9, 0, event), "admit")).toBe(admitted);
  });

  test("all that have none share one", () => {
    const limiter = new RateLimiter(limits);
    const verdicts = ["a", "b", "c", "d", "e", "said"].map((event) => limiter.judge(event, 0));
    expect(verdicts).toEqual(["admit", "admit", "admit", "admit", "refuse", "admit"]);
  });

  test("names of Object.prototype are no rates", () => {
    expect(burst(new RateLimiter({ perEvent: { said: 1 } }), 3, 0, "constructor")).not.toContain("refuse");
  });
});

test("over any time no more is admitted than the rate allows, and a second's worth", () => {
  const steps = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), steps, (perClient, gaps) => {
      const limiter = new RateLimiter({ perClient });
      let now = 0;
      let admitted = 0;
      for (const gap of gaps) {
        now += gap;
        if (limiter.judge("e", now) === "admit") admitted++;
      }
      expect(admitted).toBeLessThanOrEqual(perClient + (now * perClient) / 1_000 + 1e-6);
    }),
  );
});
