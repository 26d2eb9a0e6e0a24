import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";

test("whoever talks with whom, however they end: all that was said is heard as it was said", async () => {
  const { connections, faults } = await runChaos(8, 1);
  expect(faults).toEqual([]);
  expect(connections).toBeGreaterThan(20);
});
