/** docs/protocol/bothways-1.md §4 and §6: in small worlds every order of events keeps every promise. */
import { expect, test } from "vitest";
import { search, smallPlans } from "./exhaustive.ts";
import { SmallWorld } from "./small-world.ts";

test.each(smallPlans)("$name", { timeout: 120_000 }, (plan) => {
  const { failure, states } = search(plan);
  expect(failure).toBeUndefined();
  expect(states).toBeGreaterThan(500);
});

test("a state is known again, whichever way led to it", () => {
  const [plan] = smallPlans;
  if (!plan) throw new Error("no plan");
  const open = ["dial", "up 0", "down 0", "up 0", "down 0", "up 0"];
  const after = (...actions: string[]): number => {
    const world = new SmallWorld(plan);
    for (const action of [...open, ...actions]) world.perform(action);
    return world.key();
  };
  expect(after("say up", "say down")).not.toBe(after("say up"));
  expect(after("say up")).toBe(after("say up"));
  expect(after("!cut 0", "near 0", "far 0")).toBe(after("!cut 0", "far 0", "near 0"));
});
