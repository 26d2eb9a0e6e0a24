/** The results as rows, as text and as a page. */
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, platform } from "node:os";
import type { Group } from "./groups.ts";
import type { Sample } from "./measure.ts";
import type { ServerName, Work } from "./works.ts";

/** What one round found for a server, or why it found nothing. */
export type Outcome = Sample | { readonly missing: string };

/** What one round found, for each server that took part. */
export type Round = Partial<Readonly<Record<ServerName, Outcome>>>;

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Medians. */
  readonly values: Partial<Readonly<Record<ServerName, number>>>;
  /** Of ours to others: the median of the rounds' ratios, which is not the ratio of the medians. */
  readonly ratios: Partial<Readonly<Record<ServerName, number>>>;
  readonly targets: readonly Target[];
  /** Each of its servers that could not do it, and why. */
  readonly missing: Partial<Readonly<Record<ServerName, string>>>;
  readonly rounds: readonly Round[];
}

interface Target {
  /** At most so much, or so many times the peer's figure. */
  readonly most: number;
  readonly peer?: ServerName;
  /** Undefined where one of both is not here. */
  readonly isReached: boolean | undefined;
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly method: string;
  /** The packages that are measured beside ours, with their versions. */
  readonly packages: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** Above this the load generator is called the bottleneck. */
const maxLoadShare = 0.9;

export function createRow(work: Work, rounds: readonly Round[]): Row {
  const servers = serversOf(rounds);
  const { name, title, unit, maxRatios = {}, maxValue } = work;
  const medianOf = (read: (round: Round) => number[]): number | undefined =>
    medianOfAny(rounds.flatMap(read));
  const values = fromServers(servers, (server) =>
    medianOf((round) => samplesOf(round, server).map(({ value }) => value)),
  );
  const ratios = fromServers(servers, (server) =>
    medianOf((round) =>
      samplesOf(round, server).flatMap(({ value }) =>
        samplesOf(round, "bothways").map((ours) => ours.value / value),
      ),
    ),
  );
  const missing = fromServers(servers, (server) => {
    const outcome = rounds.map((round) => round[server]).find((found) => found && "missing" in found);
    return outcome && "missing" in outcome ? outcome.missing : undefined;
  });
  const toPeers = Object.entries(maxRatios).map(([key, most]): Target => {
    const peer = key as ServerName;
    return { most, peer, isReached: isAtMost(ratios[peer], most) };
  });
  const inUnit: Target[] =
    maxValue === undefined ? [] : [{ most: maxValue, isReached: isAtMost(values.bothways, maxValue) }];
  const targets = [...toPeers, ...inUnit];
  return { name, title, unit, values, ratios, targets, missing, rounds };
}

export function createReport(
  rows: readonly Row[],
  seconds: number,
  rounds: number,
  cores: readonly number[],
): Report {
  const [cpu] = cpus();
  const { devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(new URL("./package.json", import.meta.url), "utf8"),
  );
  const pinned =
    cores.length < 2
      ? "Nothing is pinned to a core."
      : "The server is pinned to one core, the load generator to another.";
  return {
    date: new Date().toISOString(),
    machine: `${availableParallelism()} cores (${cpu?.model.trim() ?? "unknown"}), ${platform()} ${arch()}, Node.js ${process.versions.node}; load average at the end ${loadavg()[0]?.toFixed(1)}`,
    method: `${rounds} round(s), in each every server in fresh processes, windows of ${seconds} s, longer where others use the core; medians. ${pinned}`,
    packages: { ...devDependencies, ...optionalDependencies },
    rows,
  };
}

export function toMarkdown(group: Group, report: Report): string {
  const { rows } = report;
  const titleOf = (server: ServerName): string =>
    group.programs.find(({ name }) => name === server)?.title ?? server;
  const compared = group.programs.map(({ name }) => name).filter((server) => server !== "before");
  const missing = listMissing(rows, titleOf);
  const busy = listBusyLoads(rows, titleOf);
  const parts = [
    `# Results of ${report.date.slice(0, 10)}: ${group.name}`,
    `Printed by \`npm run bench -- ${group.name}\` at ${report.date}. ${report.machine}.`,
    report.method,
    `Packages beside ours: ${Object.entries(report.packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    table(
      [
        "work",
        "unit",
        ...compared.map(titleOf),
        "to before",
        ...group.peers.map((peer) => `× ${titleOf(peer)}`),
        "target",
        "reached",
      ],
      rows.map((row) => [
        row.title,
        row.unit,
        ...compared.map((server) => format(row.values[server]) || (row.missing[server] ? "not here" : "")),
        format(row.ratios.before),
        ...group.peers.map((peer) => format(row.ratios[peer])),
        row.targets
          .map(({ most, peer }) => `≤ ${most}${peer === undefined ? "" : ` × ${titleOf(peer)}`}`)
          .join(", "),
        row.targets
          .map(({ isReached }) => (isReached === undefined ? "?" : isReached ? "yes" : "no"))
          .join(", "),
      ]),
    ),
    `The ratios are those of bothways to the others. ${group.note}`,
    ...missing,
    "To each: throughput, latency, and how busy either process was.",
    table(
      ["work", "server", "per second", "p50 ms", "p99 ms", "server CPU", "load CPU", "bytes each"],
      rows.flatMap((row) =>
        serversOf(row.rounds).map((server) => [row.name, titleOf(server), ...describe(row, server)]),
      ),
    ),
    busy.length > 0
      ? busy.map((line) => `- ${line}`).join("\n")
      : `The load generator's CPU share stayed below ${percent(maxLoadShare)} throughout.`,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Who was not there, where and why; nobody's rows are named twice. */
function listMissing(rows: readonly Row[], titleOf: (server: ServerName) => string): string[] {
  const works = new Map<string, string[]>();
  for (const { name, missing } of rows)
    for (const [server, reason] of Object.entries(missing)) {
      const who = `${titleOf(server as ServerName)} is not here: ${reason}`;
      works.set(who, [...(works.get(who) ?? []), `\`${name}\``]);
    }
  return [[...works].map(([who, names]) => `- ${who} (${names.join(", ")})`).join("\n")].filter(Boolean);
}

function describe(row: Row, server: ServerName): string[] {
  const samples = row.rounds.flatMap((round) => samplesOf(round, server));
  if (samples.length === 0) return ["not here"];
  const of = (read: (sample: Sample) => number | undefined): number | undefined =>
    medianOfAny(samples.flatMap((sample) => read(sample) ?? []));
  return [
    Math.round(of((sample) => sample.itemsPerSecond) ?? 0).toLocaleString("en"),
    format(of((sample) => sample.load.p50Ms)),
    format(of((sample) => sample.load.p99Ms)),
    percent(of((sample) => sample.serverShare)),
    percent(of((sample) => sample.load.cpuShare)),
    format(of((sample) => sample.load.bytesPerItem)),
  ];
}

/**
 * Where the generator was near its limit in any round. A server that had its own core full beside it was at its own limit
 * too.
 */
function listBusyLoads(rows: readonly Row[], titleOf: (server: ServerName) => string): string[] {
  return rows.flatMap(({ name, rounds }) =>
    serversOf(rounds)
      .filter((server) =>
        rounds.some((round) =>
          samplesOf(round, server).some(
            ({ load, serverShare = 0 }) => load.cpuShare > maxLoadShare && serverShare < load.cpuShare,
          ),
        ),
      )
      .map(
        (server) =>
          `${name}: the load generator was the bottleneck with ${titleOf(server)}, whose throughput is a lower bound`,
      ),
  );
}

/** Who took part, as each round has it. */
function serversOf([round = {}]: readonly Round[]): ServerName[] {
  return Object.keys(round) as ServerName[];
}

function samplesOf(round: Round, server: ServerName): Sample[] {
  const outcome = round[server];
  return outcome === undefined || "missing" in outcome ? [] : [outcome];
}

function fromServers<Value>(
  servers: readonly ServerName[],
  read: (server: ServerName) => Value | undefined,
): Partial<Record<ServerName, Value>> {
  return Object.fromEntries(
    servers.flatMap((server) => {
      const value = read(server);
      return value === undefined ? [] : [[server, value]];
    }),
  );
}

function isAtMost(value: number | undefined, most: number): boolean | undefined {
  return value === undefined ? undefined : value <= most;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${heads
      .map((_, column) => (cells[column] ?? "").padEnd(widths[column] ?? 0))
      .filter((_, column) => rows.some((row) => row[column]))
      .join(" | ")} |`;
  return [line(heads), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function medianOfAny(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high = low] = sorted.slice(Math.floor((sorted.length - 1) / 2), middle + 1);
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

function format(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "";
  const text = value.toPrecision(3);
  return text.includes("e") ? value.toFixed(0) : text;
}

function percent(share: number | undefined): string {
  return share === undefined ? "" : `${Math.round(share * 100)} %`;
}
