/**
 * A mutation fuzzer: takes an input, damages it, feeds it to a target whole, cut at random and byte by byte, and keeps it
 * for further damage where it led somewhere new. What it does follows from the seed.
 */
import { Random } from "../sim/random.ts";
import { hex } from "../wire/websocket/harness.ts";
import { mutate } from "./mutate.ts";
import { readSeeds } from "./seeds.ts";
import { type Target, targets } from "./targets.ts";

export interface FuzzReport {
  readonly runs: number;
  /** How often each target ended how. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Inputs that led somewhere new. */
  readonly kept: number;
}

/** Inputs kept for one target. */
const maxPool = 2_000;

interface Pool {
  readonly target: Target;
  readonly inputs: Uint8Array[];
  readonly seen: Set<string>;
}

/** Throws at the first input for which something does not hold; the message has it as hex, to be kept in `corpus/`. */
export function fuzz(seed: number, isOver: (runs: number) => boolean): FuzzReport {
  const random = new Random(seed);
  const outcomes = new Map<string, number>();
  const pools = targets.map((target): Pool => ({ target, inputs: [], seen: new Set() }));
  const seeds = readSeeds();
  let runs = 0;
  const tryOut = (pool: Pool, bytes: Uint8Array): void => {
    const lines = runOne(pool.target, bytes, random);
    const outcome = `${pool.target.name}: ${outcomeOf(lines)}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const kind = kindOf(lines);
    if (pool.inputs.length < maxPool && !pool.seen.has(kind)) {
      pool.seen.add(kind);
      pool.inputs.push(bytes);
    }
    runs++;
  };
  for (const pool of pools) {
    for (const { name, bytes } of seeds) {
      if (!name.startsWith(pool.target.seeds)) continue;
      tryOut(pool, bytes);
      pool.inputs.push(bytes);
    }
  }
  while (!isOver(runs)) {
    for (const pool of pools)
      tryOut(pool, mutate(random.pick(pool.inputs), random.pick(pool.inputs), random));
  }
  return { runs, outcomes, kept: pools.reduce((total, { inputs }) => total + inputs.length, 0) };
}

/** However the bytes are cut, the same must come of it. */
function runOne(target: Target, bytes: Uint8Array, random: Random): string[] {
  try {
    const whole = target.run(bytes, []);
    const expected = whole.join("\n");
    const cuts = Array.from({ length: random.int(6) }, () => random.int(bytes.length + 1)).sort(
      (a, b) => a - b,
    );
    const each = random.chance(0.2) ? Array.from(bytes, (_, index) => index) : cuts;
    const found = target.run(bytes, each).join("\n");
    if (found !== expected) throw new Error(`in ${each.length + 1} pieces ${found}\nwhole ${expected}`);
    return whole;
  } catch (error) {
    throw new Error(`${target.name}, ${hex(bytes)}: ${error}`, { cause: error });
  }
}

function outcomeOf(lines: readonly string[]): string {
  return /(?:BW_\w+|clean|incomplete|malformed)$/.exec(lines.at(-1) ?? "")?.[0] ?? "read";
}

/** What happened but for the content: names of events, how long their data are in powers of four, the end. */
function kindOf(lines: readonly string[]): string {
  const events = lines
    .slice(0, 8)
    .map((line) => `${line.slice(0, line.indexOf(" "))}${Math.floor(Math.log2(line.length) / 2)}`);
  return `${events.join()} ${lines.at(-1)?.slice(0, 60)}`;
}
