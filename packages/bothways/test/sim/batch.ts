/** Many seeds, one after the other, and what they came to. */
import { marks as allMarks } from "./observer.ts";
import { runSeed } from "./world.ts";

export interface Summary {
  readonly seeds: number;
  /** The first seed that failed, and how. */
  readonly failure: { readonly seed: number; readonly reason: string } | undefined;
  /** Of each seed. */
  readonly delivered: readonly number[];
  readonly strikes: readonly number[];
  readonly events: number;
  readonly virtualMs: number;
  readonly marks: Readonly<Record<string, number>>;
}

/** Runs `count` seeds from `from`, every `step`-th, up to the first that fails. */
export function runSeeds(from: number, count: number, step = 1): Summary {
  const delivered: number[] = [];
  const strikes: number[] = [];
  const marks: Record<string, number> = {};
  let events = 0;
  let virtualMs = 0;
  let failure: Summary["failure"];
  for (let seed = from; seed < from + count && failure === undefined; seed += step) {
    const outcome = runSeed(seed);
    delivered.push(outcome.delivered);
    strikes.push(outcome.strikes);
    events += outcome.events;
    virtualMs += outcome.virtualMs;
    for (const [name, hits] of outcome.marks) marks[name] = (marks[name] ?? 0) + hits;
    if (outcome.failure !== undefined) failure = { seed, reason: outcome.failure };
  }
  return { seeds: delivered.length, failure, delivered, strikes, events, virtualMs, marks };
}

export function mergeSummaries(summaries: readonly Summary[]): Summary {
  const marks: Record<string, number> = {};
  for (const summary of summaries) {
    for (const [name, hits] of Object.entries(summary.marks)) marks[name] = (marks[name] ?? 0) + hits;
  }
  const failures = summaries.flatMap(({ failure }) => failure ?? []).sort((a, b) => a.seed - b.seed);
  return {
    seeds: summaries.reduce((sum, { seeds }) => sum + seeds, 0),
    failure: failures[0],
    delivered: summaries.flatMap(({ delivered }) => delivered),
    strikes: summaries.flatMap(({ strikes }) => strikes),
    events: summaries.reduce((sum, { events }) => sum + events, 0),
    virtualMs: summaries.reduce((sum, { virtualMs }) => sum + virtualMs, 0),
    marks,
  };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** A run that did not meet what it is there to meet proves nothing: what it lacks, a line each. */
export function shortcomings({ seeds, delivered, strikes, marks }: Summary): string[] {
  // a mark is owed 100 hits in 2,000 seeds, and a short run its share
  const owed = Math.min(100, Math.floor(seeds / 20));
  return [
    ...allMarks.flatMap((name) => {
      const hits = marks[name] ?? 0;
      return hits < owed ? [`"${name}" was met ${hits} times, fewer than ${owed}`] : [];
    }),
    ...(median(delivered) < 200
      ? [`the median seed delivers ${median(delivered)} messages, fewer than 200`]
      : []),
    ...(median(strikes) < 3 ? [`the median seed meets ${median(strikes)} faults, fewer than 3`] : []),
  ];
}
