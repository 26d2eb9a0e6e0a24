/** Nothing lost, nothing repeated, nothing out of order: 2,000 hostile worlds, and proof that each can be played again. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runSeeds, shortcomings } from "./batch.ts";
import { plantedFaults } from "./planted.ts";
import { Random } from "./random.ts";
import { runSeed } from "./world.ts";

test("2,000 seeds keep every promise and meet every situation", { timeout: 120_000 }, () => {
  const summary = runSeeds(1, 2000);
  expect(summary.failure).toBeUndefined();
  expect(shortcomings(summary)).toEqual([]);
});

// `npm run sim -- --planted` looks for them, which takes minutes
test.each(plantedFaults)('the planted fault "$name" has its place in the code', ({ edits }) => {
  for (const { file, find } of edits) {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
    expect(source.split(find)).toHaveLength(2);
  }
});

describe("a seed decides everything", () => {
  test.each([1, 2, 3, 50, 999, 123_456])("%d, twice, to the bit", (seed) => {
    const first = runSeed(seed);
    expect(runSeed(seed)).toEqual(first);
  });

  test("its trace too, and looking at it changes nothing", () => {
    const trace = (): { lines: string[]; hash: number } => {
      const lines: string[] = [];
      const { hash } = runSeed(77, (line) => lines.push(line));
      return { lines, hash };
    };
    const first = trace();
    expect(first.lines.length).toBeGreaterThan(100);
    expect(trace()).toEqual(first);
    expect(runSeed(77).hash).toBe(first.hash);
  });

  test("different seeds make different worlds", () => {
    const hashes = new Set(Array.from({ length: 50 }, (_, seed) => runSeed(seed).hash));
    expect(hashes.size).toBe(50);
  });

  test("random numbers are spread evenly", () => {
    const random = new Random(7);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let count = 0; count < 10_000; count++) {
      const index = random.int(10);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
