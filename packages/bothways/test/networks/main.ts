/**
 * `npm run networks`: every cell of the matrix; prints them, and writes docs/reference/networks.md.
 *
 *     npm run networks -- [--quick] [--only <text>] [--messages <n>] [--at-once <n>]
 *
 * `--quick` moves fewer messages and strikes less; `--only` takes the cells whose names hold a text. Neither writes.
 * `--at-once` is how many cells run beside each other, 4 unless told: most of them wait most of the time. Those in which the
 * client has to be somewhere in time run alone.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fromRoot } from "../../../../scripts/paths.ts";
import { cells, isPossible, nameOf, runCell } from "./cell.ts";
import { Pages } from "./clients.ts";
import { describeOutcome, printMatrix, type Row } from "./print-matrix.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    messages: { type: "string" },
    "at-once": { type: "string", default: "4" },
  },
});
const messages = Number(values.messages ?? (values.quick ? 100 : 1_000));
const chosen = cells.filter((cell) => nameOf(cell).includes(values.only));
const begunAt = performance.now();
const pages = await Pages.launch();
const rows: Row[] = chosen.map((cell) => ({ cell }));
const possible = rows.filter(({ cell }) => isPossible(cell));
const isTimed = ({ cell }: Row): boolean => cell.verdict !== "works";

/** Several may share the rows. */
async function work(waiting: Row[]): Promise<void> {
  for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
    row.outcome = await runCell(row.cell, { messages, isQuick: values.quick, pages });
    console.log(`${nameOf(row.cell)}: ${describeOutcome(row)}`);
    for (const reason of row.outcome.reasons) console.log(`    ${reason}`);
  }
}

await work(possible.filter(isTimed));
const others = possible.filter((row) => !isTimed(row));
await Promise.all(Array.from({ length: Number(values["at-once"]) }, () => work(others)));
await pages.close();
const failed = rows.filter(({ outcome }) => outcome && outcome.wrong.length > 0);
const minutes = (performance.now() - begunAt) / 60_000;
console.log(
  `\n${possible.length - failed.length} of ${possible.length} cells as they must be, in ${minutes.toFixed(1)} minutes`,
);
for (const row of failed) console.log(`${nameOf(row.cell)}: ${describeOutcome(row)}`);
const isWhole = values.only === "" && !values.quick;
if (isWhole) writeFileSync(fromRoot("docs/reference/networks.md"), printMatrix(rows, messages));
// Node 26 has been seen to wait for ever for a handle of its own after thousands of connections that were cut
process.exit(failed.length > 0 ? 1 : 0);
