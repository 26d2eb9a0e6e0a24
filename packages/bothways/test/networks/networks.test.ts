/** Today's cells of the matrix with the client of Node.js. */
import { describe, expect, test } from "vitest";
import { cells, isPossible, runCell } from "./cell.ts";
import { seed, todaysCells } from "./todays-cells.ts";
import { transports } from "./transports.ts";

describe(`cells of the matrix, NETWORKS_SEED=${seed}`, () => {
  test.each(todaysCells("Node"))("%s", async (_name, cell) => {
    const { wrong } = await runCell(cell, { messages: 200, isQuick: true });
    expect(wrong).toEqual([]);
  });
});

test("every transport is in the matrix", () => {
  const tried = new Set(cells.filter(isPossible).map(({ transport }) => transport));
  expect(tried).toEqual(new Set(transports));
});
