/**
 * Some cells of the matrix each day, all of them in turn: `npm run networks` runs every one. `NETWORKS_SEED` names another
 * day's, as a run has printed it.
 */
import { describe, expect, test } from "vitest";
import { cells, nameOf, runCell } from "./cell.ts";
import { transports } from "./transports.ts";

const dayMs = 86_400_000;
/** One of so many cells runs. It shares no factor with the number of transports, so that no transport is left out. */
const oneOf = 7;

const seed = Number(process.env.NETWORKS_SEED ?? Math.floor(Date.now() / dayMs));
const possible = cells.filter(({ verdict }) => typeof verdict === "string");

describe(`cells of the matrix, NETWORKS_SEED=${seed}`, () => {
  const todays = possible.filter((_cell, index) => (index + seed) % oneOf === 0);

  test.each(todays.map((cell) => [nameOf(cell), cell] as const))("%s", async (_name, cell) => {
    const { wrong } = await runCell(cell, { messages: 200, isQuick: true });
    expect(wrong).toEqual([]);
  });
});

test("every transport is in the matrix", () => {
  const tried = new Set(possible.map(({ transport }) => transport));
  expect([...tried]).toEqual(transports);
});
