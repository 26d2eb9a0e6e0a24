/** Today's cells of the matrix with Chromium. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCell } from "../networks/cell.ts";
import { Pages } from "../networks/clients.ts";
import { seed, todaysCells } from "../networks/todays-cells.ts";

let pages: Pages;
beforeAll(async () => {
  pages = await Pages.launch();
});
afterAll(() => pages?.close());

describe(`cells of the matrix, NETWORKS_SEED=${seed}`, () => {
  test.each(todaysCells("Chromium"))("%s", async (_name, cell) => {
    const { wrong } = await runCell(cell, { messages: 200, isQuick: true, pages });
    expect(wrong).toEqual([]);
  });
});
