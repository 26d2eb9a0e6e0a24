/** `npm run conformance`: runs all cases, prints the table and writes it to results.md. `-- --only ping` runs some. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cases } from "./cases/index.ts";
import { printResults, summarize } from "./report.ts";
import { runAll } from "./run.ts";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const results = await runAll(cases.filter(({ id }) => id.startsWith(values.only)));
const page = printResults(results);
if (values.only === "") writeFileSync(new URL("results.md", import.meta.url), page);
console.log(page);
process.exit(summarize(results, "bothways").failed === 0 ? 0 : 1);
