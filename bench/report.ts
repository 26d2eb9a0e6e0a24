/** The results as rows, as text and as a page. */
import { arch, availableParallelism, cpus, loadavg, platform } from "node:os";
import type { Sample } from "./measure.ts";
import { peers, type ServerName, type Work } from "./works.ts";

/** What one round found, for each server that took part. */
export type Round = Readonly<Record<(typeof peers)[number], Sample>> & {
  readonly floor?: Sample;
  readonly before?: Sample;
};

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly ours: number;
  readonly socketio: number;
  /** Node's server with no library on it. */
  readonly floor: number | undefined;
  /** The ratio of ours to another build of ours. */
  readonly toBefore: number | undefined;
  /** The median of the rounds' ratios, which is not the ratio of the medians. */
  readonly ratio: number;
  readonly target: string;
  readonly isReached: boolean;
  readonly rounds: readonly Round[];
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly method: string;
  readonly rows: readonly Row[];
}

/** Above this the load generator is called the bottleneck. */
const maxLoadShare = 0.9;

export function createRow(work: Work, rounds: Row["rounds"]): Row {
  const { name, title, unit, maxRatio, maxValue } = work;
  const ours = median(rounds.map((round) => round.bothways.value));
  const socketio = median(rounds.map((round) => round.socketio.value));
  const floor = medianOfAny(rounds.flatMap((round) => round.floor?.value ?? []));
  const toBefore = medianOfAny(
    rounds.flatMap(({ bothways, before }) => (before ? bothways.value / before.value : [])),
  );
  const ratio = median(rounds.map((round) => round.bothways.value / round.socketio.value));
  const targets = [
    maxRatio === undefined ? [] : `≤ ${maxRatio} ×`,
    maxValue === undefined ? [] : `≤ ${maxValue}`,
  ];
  const isReached =
    ratio <= (maxRatio ?? Number.POSITIVE_INFINITY) && ours <= (maxValue ?? Number.POSITIVE_INFINITY);
  const target = targets.flat().join(", ");
  return { name, title, unit, ours, socketio, floor, toBefore, ratio, target, isReached, rounds };
}

export function createReport(
  rows: readonly Row[],
  seconds: number,
  rounds: number,
  cores: readonly number[],
): Report {
  const [cpu] = cpus();
  const pinned =
    cores.length < 2
      ? "Nothing is pinned to a core."
      : "The server is pinned to one core, the load generator to another.";
  return {
    date: new Date().toISOString(),
    machine: `${availableParallelism()} cores (${cpu?.model.trim() ?? "unknown"}), ${platform()} ${arch()}, Node.js ${process.versions.node}; load average at the end ${loadavg()[0]?.toFixed(1)}`,
    method: `${rounds} round(s), in each every server in fresh processes, windows of ${seconds} s; medians. ${pinned}`,
    rows,
  };
}

/** Where the generator was near its limit in any round of any server. */
export function listBusyLoads(rows: readonly Row[]): string[] {
  return rows.flatMap(({ name, rounds }) =>
    takingPart(rounds)
      .filter((server) => rounds.some((round) => (round[server]?.load.cpuShare ?? 0) > maxLoadShare))
      .map(
        (server) =>
          `${name}: the load generator was the bottleneck with ${server}, whose throughput is a lower bound`,
      ),
  );
}

export function toMarkdown(report: Report): string {
  const figures = report.rows.map((row) => [
    row.title,
    row.unit,
    format(row.ours),
    format(row.socketio),
    format(row.floor ?? Number.NaN),
    format(row.toBefore ?? Number.NaN),
    `${format(row.ratio)} ×`,
    row.target,
    row.target === "" ? "" : row.isReached ? "yes" : "no",
  ]);
  const beside = report.rows.flatMap(({ name, rounds }) =>
    takingPart(rounds).map((server) => {
      const of = (read: (sample: Sample) => number | undefined): number =>
        median(rounds.flatMap((round) => round[server] ?? []).map((sample) => read(sample) ?? Number.NaN));
      return [
        name,
        server,
        Math.round(of((sample) => sample.itemsPerSecond)).toLocaleString("en"),
        format(of((sample) => sample.load.p50Ms)),
        format(of((sample) => sample.load.p99Ms)),
        percent(of((sample) => sample.serverShare)),
        percent(of((sample) => sample.load.cpuShare)),
      ];
    }),
  );
  const busy = listBusyLoads(report.rows);
  const parts = [
    `# Results of ${report.date.slice(0, 10)}`,
    `Printed by \`npm run bench\` at ${report.date}. ${report.machine}.`,
    report.method,
    table(
      ["work", "unit", "bothways", "Socket.IO", "floor", "to before", "ratio", "target", "reached"],
      figures,
    ),
    "The ratio is that of bothways to Socket.IO. The floor is Node's own server with no library on it, with canned answers.",
    "Beside it: throughput, latency, and how busy either process was.",
    table(["work", "server", "per second", "p50 ms", "p99 ms", "server CPU", "load CPU"], beside),
    busy.length > 0
      ? busy.map((line) => `- ${line}`).join("\n")
      : `The load generator's CPU share stayed below ${percent(maxLoadShare)} throughout.`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function takingPart(rounds: readonly Round[]): ServerName[] {
  const others = ["floor", "before"] as const;
  return [...peers, ...others.filter((server) => rounds.some((round) => round[server]))];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .filter((_, column) => rows.some((row) => row[column] !== ""))
      .join(" | ")} |`;
  return [line(heads), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function medianOfAny(values: readonly number[]): number | undefined {
  return values.length > 0 ? median(values) : undefined;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = low] = sorted.slice(Math.floor((sorted.length - 1) / 2), middle + 1);
  return (low + high) / 2;
}

function format(value: number): string {
  return Number.isNaN(value)
    ? ""
    : value.toPrecision(3).includes("e")
      ? value.toFixed(0)
      : value.toPrecision(3);
}

function percent(share: number): string {
  return Number.isNaN(share) ? "" : `${Math.round(share * 100)} %`;
}
