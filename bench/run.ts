/**
 * `npm run bench`: measures each work on our server and on others, side by side, and writes the results.
 *
 *     npm run bench -- [<group>] [--full] [--only <name>] [--seconds <n>] [--quick] [--profile <folder>] [--before <folder>]
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Group, groups } from "./groups.ts";
import { findCores } from "./ipc.ts";
import { measure } from "./measure.ts";
import { createReport, createRow, type Outcome, type Round, type Row, toMarkdown } from "./report.ts";
import type { ServerName, Work } from "./works.ts";

const { values: options, positionals: named } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    profile: { type: "string" },
    before: { type: "string" },
  },
  allowPositionals: true,
});
const allCores = findCores();
const cores = allCores.length < 2 ? [] : allCores.slice(0, 2);
const tasks = groups
  .filter(({ name }) => named.length === 0 || named.includes(name))
  .map((group) => ({
    group,
    works: group
      .list({ isQuick: options.quick, isFull: options.full || options.only !== undefined })
      .filter(({ name }) => options.only === undefined || options.only === name),
  }))
  .filter(({ works }) => works.length > 0);
const hasUnknownGroup = named.some((name) => !groups.some((group) => group.name === name));
if (tasks.length === 0 || hasUnknownGroup || !(Number(options.seconds ?? 1) > 0)) {
  const names = groups.flatMap(({ list }) => list({ isQuick: false, isFull: true }).map(({ name }) => name));
  console.error(
    `The groups are ${groups.map(({ name }) => name).join(", ")}; --only takes one of ${names.join(", ")}; ` +
      "--seconds a number above 0",
  );
  process.exit(1);
}

// for the process that runs it
if (options.before) process.env.BENCH_BEFORE = resolve(options.before);
for (const { group, works } of tasks) {
  const seconds = Number(options.seconds ?? (options.quick ? Math.min(1, group.seconds) : group.seconds));
  const rounds = options.quick ? 1 : group.rounds;
  const rows: Row[] = [];
  const known: Known = new Map();
  for (const work of works) rows.push(await measureRow(group, work, seconds, rounds, known));
  const report = createReport(rows, seconds, rounds, cores);
  const page = toMarkdown(group, report);
  console.log(page);
  // a part or a glance is no result to keep
  if (options.only !== undefined || options.quick || options.before !== undefined) continue;
  const target = new URL("results/", import.meta.url);
  writeFileSync(new URL(`${group.results}.json`, target), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(new URL(`${group.results}.md`, target), page);
}

/** What was measured already. */
type Known = Map<string, Outcome>;

async function measureRow(
  group: Group,
  work: Work,
  seconds: number,
  rounds: number,
  known: Known,
): Promise<Row> {
  const isAsked: Partial<Record<ServerName, boolean>> = {
    before: options.before !== undefined,
    floor: work.hasFloor ?? false,
  };
  const programs = group.programs.filter(
    ({ name }) =>
      isAsked[name] ?? (name === "bothways" || work.peers === undefined || work.peers.includes(name)),
  );
  const found: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    console.error(`${work.name}, round ${round} of ${rounds}`);
    const outcomes: Partial<Record<ServerName, Outcome>> = {};
    for (const program of programs) {
      // a peer that has one technique does the same in the rows of several of ours
      const instead = work.loads?.[program.name];
      const key = JSON.stringify([round, program.name, work.measure, instead]);
      const outcome =
        (instead && known.get(key)) ??
        (await tryMeasure(work, program, { seconds, cores, profile: options.profile }));
      known.set(key, outcome);
      outcomes[program.name] = outcome;
    }
    found.push(outcomes);
  }
  return createRow(work, found);
}

async function tryMeasure(...args: Parameters<typeof measure>): Promise<Outcome> {
  try {
    return await measure(...args);
  } catch (error) {
    const missing = error instanceof Error ? error.message : String(error);
    console.error(`  not with ${args[1].name}: ${missing}`);
    return { missing };
  }
}
