/**
 * `npm run networks`: every cell of the matrix, one after the other; prints them, and writes docs/reference/networks.md.
 *
 *     npm run networks -- [--quick] [--only <text>] [--messages <n>]
 *
 * `--quick` moves fewer messages and strikes less; `--only` takes the cells whose names hold a text. Neither writes.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fromRoot } from "../../../../scripts/paths.ts";
import { cells, nameOf, runCell } from "./cell.ts";
import { describeOutcome, printMatrix, type Row } from "./print-matrix.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    messages: { type: "string" },
  },
});
const messages = Number(values.messages ?? (values.quick ? 100 : 1_000));
const rows: Row[] = [];
for (const cell of cells.filter((each) => nameOf(each).includes(values.only))) {
  const isPossible = typeof cell.verdict === "string";
  const outcome = isPossible ? await runCell(cell, { messages, isQuick: values.quick }) : undefined;
  rows.push({ cell, outcome });
  console.log(`${nameOf(cell)}: ${describeOutcome({ cell, outcome })}`);
  for (const reason of outcome?.reasons ?? []) console.log(`    ${reason}`);
}
const failed = rows.filter(({ outcome }) => outcome && outcome.wrong.length > 0);
const ran = rows.filter(({ outcome }) => outcome);
console.log(`\n${ran.length - failed.length} of ${ran.length} cells as they must be`);
if (failed.length > 0) process.exitCode = 1;
const isWhole = values.only === "" && !values.quick;
if (isWhole) writeFileSync(fromRoot("docs/reference/networks.md"), printMatrix(rows, messages));
