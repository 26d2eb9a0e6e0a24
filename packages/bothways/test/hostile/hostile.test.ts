/** `npm run hostile` in a small size: what must hold whatever else the machine does. Times are left to the large one. */
import { expect, test } from "vitest";
import { kinds } from "./peers.ts";
import { runHostile } from "./run.ts";

test("hostile peers of every kind: no crash, no fault of ours, nothing left behind", {
  timeout: 180_000,
}, async () => {
  const hostile = Object.keys(kinds).length * 5;
  const { attacked, after, answers, failures, hasCrashed } = await runHostile({
    hostile,
    honest: 30,
    seconds: 6,
    seed: 7,
  });
  expect(hasCrashed).toBe(false);
  // how many of both there are in six seconds depends on the machine
  expect(attacked.connections).toBeGreaterThan(30 + hostile / 10);
  expect(after).toMatchObject({ openRequests: 0, clients: 0, isPolluted: false, faults: [] });
  expect(answers).toBeGreaterThan(30);
  expect(failures).toEqual([]);
});
