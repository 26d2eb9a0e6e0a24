import { expect, test } from "vitest";
import { empty } from "../suites/rig.ts";
import { runChaos } from "./chaos.ts";

test("guests over every technique, through networks at their worst: what is promised of delivery holds", async () => {
  const { faults, struck, heard, answers, after } = await runChaos({ guests: 12, seconds: 8, seed: 1 });
  expect(faults).toEqual([]);
  expect(after).toMatchObject(empty);
  // it was a party: several kinds of faults, and much to hear in between
  expect(Object.keys(struck).length).toBeGreaterThan(5);
  expect(heard).toBeGreaterThan(100);
  expect(answers).toBeGreaterThan(50);
});
