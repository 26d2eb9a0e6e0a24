/** The matrix as a page. */
import { type Cell, carriers, moveOnMs, type Outcome } from "./cell.ts";
import { clientNames } from "./clients.ts";
import { transports } from "./transports.ts";

export interface Row {
  readonly cell: Cell;
  /** Of a cell that is possible, once it has run. */
  outcome?: Outcome;
}

export function describeOutcome({ cell: { verdict }, outcome }: Row): string {
  if (verdict !== "works" && "impossible" in verdict) return `n/a: ${verdict.impossible}`;
  if (outcome === undefined) return "not run";
  const { connectMs, strikes, up, down, wrong } = outcome;
  if (wrong.length > 0) return `FAILED: ${wrong.join("; ")}`;
  const how = verdict === "works" ? "works" : `moves on to ${verdict.movesOnTo}`;
  const [moved, struck] = [Math.min(up, down), strikes].map((count) => count.toLocaleString("en"));
  return `${how} (${connectMs.toFixed(0)} ms; ${moved}; ${struck} ×)`;
}

export function printMatrix(rows: readonly Row[], messages: number): string {
  const sections = clientNames.flatMap((client) => carriers.map((carrier) => [client, carrier] as const));
  return [
    "# Networks",
    "",
    "<!-- Written by `npm run networks`; do not edit. -->",
    "",
    "What becomes of a session in networks that are not as they should be. Each cell is a real server, a real client (of",
    "Node.js, or in a page of Chromium) and, in between, the proxies of [`bothways/testing`](api-testing.md). Both sides",
    `send at least ${messages.toLocaleString("en")} messages: Unicode, bytes, and both in one, of up to 20,000 bytes. None may be lost, repeated,`,
    "reordered or changed, and the session must live on.",
    "",
    "- *works*: this transport carries the session, and is the only one the client has.",
    "- *moves on*: it cannot; the client, which has the default transports behind it (or `long-polling`, where it is none",
    `  of them), is connected by another one within ${moveOnMs.toLocaleString("en")} ms.`,
    "- *n/a*: the two cannot meet, and why.",
    "",
    "In brackets: the time to connect, the messages that each side heard, and how often the network did what the line",
    "says. A cell where it never did fails.",
    ...sections.flatMap(([client, carrier]) => {
      const section = rows.filter(({ cell }) => cell.client === client && cell.carrier === carrier);
      return ["", `## ${client}, ${carrier}`, "", ...tableOf(section)];
    }),
    "",
  ].join("\n");
}

function tableOf(rows: readonly Row[]): string[] {
  const texts = new Set(rows.map(describeOutcome));
  // nothing here is possible, for the same reason
  if (texts.size === 1) return [...texts].map((text) => `All: ${text}.`);
  const names = [...new Set(rows.map(({ cell }) => cell.network.name))];
  const lines = names.map((name) => {
    const line = rows.filter(({ cell }) => cell.network.name === name);
    return `| ${[name, ...line.map(describeOutcome)].join(" | ")} |`;
  });
  return [
    `| Network | ${transports.map(({ name }) => name).join(" | ")} |`,
    `|---|${transports.map(() => "---|").join("")}`,
    ...lines,
  ];
}
