/**
 * `npm run bench`: measures each work on our server and on Socket.IO's, side by side, and writes the results.
 *
 *     npm run bench -- [--only <name>] [--seconds <n>] [--quick] [--profile <folder>] [--before <folder>]
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { findCores } from "./ipc.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import { createReport, createRow, type Row, toMarkdown } from "./report.ts";
import { listWorks } from "./works.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    profile: { type: "string" },
    before: { type: "string" },
  },
});
const seconds = Number(options.seconds ?? (options.quick ? 1 : 3));
const roundCount = options.quick ? 1 : 3;
const works = listWorks(options.quick);
const chosen = works.filter(({ name }) => options.only === undefined || options.only === name);
if (chosen.length === 0 || !(seconds > 0)) {
  console.error(
    `--only takes one of ${works.map(({ name }) => name).join(", ")}; --seconds a number above 0`,
  );
  process.exit(1);
}

// for the process that runs it
if (options.before) process.env.BENCH_BEFORE = resolve(options.before);
const cores = findCores();
const measureOptions: MeasureOptions = {
  seconds,
  cores: cores.length < 2 ? [] : cores.slice(0, 2),
  profile: options.profile,
};
const rows: Row[] = [];
for (const work of chosen) {
  const rounds: Row["rounds"][number][] = [];
  for (let round = 1; round <= roundCount; round++) {
    console.error(`${work.name}, round ${round} of ${roundCount}`);
    rounds.push({
      bothways: await measure(work, "bothways", measureOptions),
      socketio: await measure(work, "socketio", measureOptions),
      ...(options.before && { before: await measure(work, "before", measureOptions) }),
      ...(work.hasFloor && { floor: await measure(work, "floor", measureOptions) }),
    });
  }
  rows.push(createRow(work, rounds));
}

const report = createReport(rows, seconds, roundCount, measureOptions.cores);
const page = toMarkdown(report);
console.log(page);
// a part or a glance is no result to keep
if (options.only === undefined && !options.quick && options.before === undefined) {
  const target = new URL("results/", import.meta.url);
  writeFileSync(new URL("latest.json", target), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(new URL("latest.md", target), page);
}
