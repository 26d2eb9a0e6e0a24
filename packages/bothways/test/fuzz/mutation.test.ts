/**
 * The mutation fuzzer finds nothing, and reaches each documented end of a connection. `FUZZ_SECONDS` makes it run for so
 * long, `FUZZ_SEED` elsewhere; `npm run fuzz` does the same outside of the tests.
 */
import { expect, test } from "vitest";
import { frameEnds } from "./frame-ends.ts";
import { fuzz } from "./fuzzer.ts";
import { readSeeds } from "./seeds.ts";
import { targets } from "./targets.ts";

const seed = Number(process.env.FUZZ_SEED ?? 1);
const seconds = Number(process.env.FUZZ_SECONDS ?? 0);
const minRuns = 50_000;

test(
  `RFC6455-10.7-1 seed ${seed}: nothing throws, no limit is passed, cuts change nothing`,
  () => {
    const end = performance.now() + seconds * 1_000;
    const { outcomes, kept, runs } = fuzz(seed, (count) => count >= minRuns && performance.now() >= end);
    expect(runs).toBeGreaterThanOrEqual(minRuns);
    for (const name of ["server", "client"]) {
      expect(
        frameEnds.filter((error) => !outcomes.has(`${name}: ${error}`)),
        name,
      ).toEqual([]);
    }
    for (const error of ["BW_WS_INFLATE", "BW_MESSAGE_TOO_LARGE", "clean"])
      expect([...outcomes.keys()]).toContain(`server with compression: ${error}`);
    for (const error of ["BW_WS_OPCODE", "BW_WS_UTF8", "BW_MESSAGE_TOO_LARGE", "clean"])
      expect([...outcomes.keys()]).toContain(`server of hixie-76: ${error}`);
    // more than it was given: it finds its way
    expect(kept).toBeGreaterThan(readSeeds().length * 5);
  },
  60_000 + seconds * 2_000,
);

test("each target has seeds", () => {
  const seeds = readSeeds();
  for (const target of targets) expect(seeds.some(({ name }) => name.startsWith(target.seeds))).toBe(true);
});
