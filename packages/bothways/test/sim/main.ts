/**
 * The command line of the simulation.
 *
 *     npm run sim -- --seeds 2000 --from 1 --workers 2    many seeds
 *     npm run sim -- --seeds 1 --from 77 --trace          one seed, told in full
 *     npm run sim -- --planted                            faults planted in a copy of the product must be found
 *     npm run sim -- --exhaustive --deep                  every interleaving of small worlds, in minutes with --deep
 */
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { median, mergeSummaries, runSeeds, type Summary, shortcomings } from "./batch.ts";
import { deepPlans, search, smallPlans } from "./exhaustive.ts";
import { marks } from "./observer.ts";
import { runPlanted } from "./planted-run.ts";
import { runSeed } from "./world.ts";

interface Share {
  readonly from: number;
  readonly count: number;
  readonly step: number;
}

if (isMainThread) await main();
else {
  const { from, count, step } = workerData as Share;
  parentPort?.postMessage(runSeeds(from, count, step));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: "1" },
      workers: { type: "string", default: "1" },
      trace: { type: "boolean", default: false },
      /** Judge the seeds alone, not whether they met enough. */
      brief: { type: "boolean", default: false },
      planted: { type: "boolean", default: false },
      only: { type: "string" },
      exhaustive: { type: "boolean", default: false },
      deep: { type: "boolean", default: false },
    },
  });
  const from = Number(values.from);
  let isRight: boolean;
  if (values.planted) isRight = runPlanted(values.only);
  else if (values.exhaustive) isRight = tellExhaustive(values.deep);
  else if (values.trace) isRight = tellSeed(from);
  else isRight = tellSummary(await runAll(from, Number(values.seeds), Number(values.workers)), values.brief);
  process.exitCode = isRight ? 0 : 1;
}

async function runAll(from: number, count: number, workers: number): Promise<Summary & { seconds: number }> {
  const startedAt = performance.now();
  const summary =
    workers > 1
      ? mergeSummaries(
          await Promise.all(
            Array.from({ length: workers }, (_, index) =>
              runShare({ from: from + index, count: count - index, step: workers }),
            ),
          ),
        )
      : runSeeds(from, count);
  return { ...summary, seconds: (performance.now() - startedAt) / 1000 };
}

function runShare(share: Share): Promise<Summary> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function tellSummary(summary: Summary & { seconds: number }, isBrief: boolean): boolean {
  const { seeds, seconds, failure, delivered, strikes, events, virtualMs } = summary;
  const hours = (virtualMs / 3_600_000).toFixed(1);
  console.log(
    `${seeds} seeds in ${seconds.toFixed(1)} s: ${Math.round(seeds / seconds)} a second, ${events} events, ${hours} virtual hours`,
  );
  console.log(`median seed: ${median(delivered)} messages delivered, ${median(strikes)} faults struck`);
  if (failure) {
    console.log(`seed ${failure.seed} failed: ${failure.reason}`);
    console.log(`replay: npm run sim -- --seeds 1 --from ${failure.seed} --trace`);
    return false;
  }
  if (isBrief) return true;
  for (const name of marks) console.log(`${String(summary.marks[name] ?? 0).padStart(10)}  ${name}`);
  const lacks = shortcomings(summary);
  for (const line of lacks) console.log(`short: ${line}`);
  return lacks.length === 0;
}

function tellSeed(seed: number): boolean {
  const { failure, delivered, strikes, events, hash } = runSeed(seed, console.log);
  console.log(
    `seed ${seed}: ${delivered} messages, ${strikes} faults, ${events} events, trace ${hash.toString(16)}`,
  );
  console.log(failure === undefined ? "nothing failed" : `failed: ${failure}`);
  return failure === undefined;
}

function tellExhaustive(isDeep: boolean): boolean {
  let isRight = true;
  for (const plan of [...smallPlans, ...(isDeep ? deepPlans : [])]) {
    const { name, states, seconds, failure } = search(plan);
    console.log(`${name.padEnd(32)} ${String(states).padStart(8)} states in ${seconds.toFixed(1)} s`);
    if (failure !== undefined) console.log(failure);
    isRight &&= failure === undefined;
  }
  return isRight;
}
