/** The matrix as a page. */
import { type Cell, carriers, moveOnMs, type Outcome } from "./cell.ts";
import { fallback, transports } from "./transports.ts";

export interface Row {
  readonly cell: Cell;
  /** Of a cell that is possible. */
  readonly outcome: Outcome | undefined;
}

export function describeOutcome({ cell: { verdict }, outcome }: Row): string {
  if (typeof verdict !== "string") return `n/a: ${verdict.impossible}`;
  if (outcome === undefined) return "not run";
  const { connectMs, strikes, up, down, wrong } = outcome;
  if (wrong.length > 0) return `FAILED: ${wrong.join("; ")}`;
  const how = verdict === "works" ? "works" : `moves on to ${fallback.name}`;
  const [moved, struck] = [Math.min(up, down), strikes].map((count) => count.toLocaleString("en"));
  return `${how} (${connectMs.toFixed(0)} ms; ${moved}; ${struck} ×)`;
}

export function printMatrix(rows: readonly Row[], messages: number): string {
  return [
    "# Networks",
    "",
    "<!-- Written by `npm run networks`; do not edit. -->",
    "",
    "What becomes of a session in networks that are not as they should be. Each cell is a real server, a real client of",
    "Node.js and, in between, the proxies of [`bothways/testing`](api-testing.md). Both sides send at least",
    `${messages.toLocaleString("en")} messages: Unicode, bytes, and both in one, of up to 20,000 bytes. None may be lost, repeated, reordered`,
    "or changed, and the session must live on.",
    "",
    "- *works*: this transport carries the session, and is the only one the client has.",
    `- *moves on*: it cannot; with ${fallback.name} beside it, the client is connected within ${moveOnMs.toLocaleString("en")} ms.`,
    "- *n/a*: the two cannot meet, and why.",
    "",
    "In brackets: the time to connect, the messages that each side heard, and how often the network did what the line",
    "says. A cell where it never did fails.",
    ...carriers.flatMap((carrier) => ["", `## ${carrier}`, "", ...tableOf(rows, carrier)]),
    "",
  ].join("\n");
}

function tableOf(rows: readonly Row[], carrier: Cell["carrier"]): string[] {
  const names = [...new Set(rows.map(({ cell }) => cell.network.name))];
  const lines = names.map((name) => {
    const texts = transports.map((transport) => {
      const row = rows.find(
        ({ cell }) => cell.carrier === carrier && cell.network.name === name && cell.transport === transport,
      );
      return row === undefined ? "" : describeOutcome(row);
    });
    return `| ${[name, ...texts].join(" | ")} |`;
  });
  return [
    `| Network | ${transports.map(({ name }) => name).join(" | ")} |`,
    `|---|${transports.map(() => "---|").join("")}`,
    ...lines,
  ];
}
