/**
 * `npm run hostile`: 2,000 hostile peers of mixed kinds against 1,000 honest ones, for half a minute.
 * `--hostile`, `--honest`, `--seconds` and `--seed` make it another crowd.
 */
import { parseArgs } from "node:util";
import { kinds } from "./peers.ts";
import { runHostile } from "./run.ts";

const number = (fallback: number) => ({ type: "string", default: String(fallback) }) as const;
const { values } = parseArgs({
  options: { hostile: number(2_000), honest: number(1_000), seconds: number(25), seed: number(1) },
});
const [hostile, honest, seconds, seed] = [values.hostile, values.honest, values.seconds, values.seed].map(
  Number,
) as [number, number, number, number];

const outcome = await runHostile({ hostile, honest, seconds, seed });
const { attacked, after } = outcome;
const P99_MS = 50;
const judged: readonly (readonly [what: string, isFine: boolean, found: string])[] = [
  [
    "honest p99 under 50 ms",
    outcome.p99Ms < P99_MS,
    `${outcome.p99Ms} ms (${outcome.quietP99Ms} before the attack)`,
  ],
  [
    "every honest question answered",
    outcome.failures.length === 0,
    `${outcome.answers} answers, ${outcome.failures.length} failures`,
  ],
  [
    "no crash",
    !outcome.hasCrashed,
    `${attacked.rssMb} MB, loop delay p99 ${attacked.loopDelayP99Ms} ms, at most ${attacked.loopDelayMaxMs} ms`,
  ],
  ["no fault of our own", after.faults.length === 0, after.faults.slice(0, 3).join("; ") || "none"],
  [
    "no open request left",
    after.openRequests === 0,
    `${attacked.openRequests} under attack, ${after.openRequests} after`,
  ],
  ["no client left", after.clients === 0, `${attacked.clients} under attack, ${after.clients} after`],
  ["Object.prototype untouched", !after.isPolluted, ""],
];
console.log(
  `${hostile} hostile peers of ${Object.keys(kinds).length} kinds, ${honest} honest ones, seed ${seed}`,
);
for (const [what, isFine, found] of judged) console.log(`${isFine ? "ok  " : "FAIL"} ${what}  ${found}`);
if (after.waitedMs > after.ranMs / 4) {
  console.log(
    `     the server ran ${after.ranMs} ms and waited ${after.waitedMs} ms for a processor: times say little on a machine this busy`,
  );
}
for (const failure of new Set(outcome.failures)) console.log(`     ${failure}`);
if (judged.some(([, isFine]) => !isFine)) process.exitCode = 1;
