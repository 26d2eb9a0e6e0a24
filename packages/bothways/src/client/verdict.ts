/**
 * What attempts mean: one word for each, and one sentence for all. Browsers say nothing of a WebSocket that could not be
 * opened, so some of it is known only by comparison with the attempts beside it.
 */
import { BYE, TAKEN_OVER, TIMEOUT } from "../model/close-code.ts";
import type { ClientTransport } from "../model/transport.ts";
import { NEVER } from "../session/session.ts";
import type { Try } from "./chooser.ts";
import type { ReportAttempt, Verdict } from "./report.ts";

/**
 * Of an attempt that ended. `isOpen`: there is another link. `rivalMs`: so long took the one that opened in place of a
 * stream and is none. A stream needs two exchanges and the other one: with three times as long it was kept back.
 */
export function judge(
  { verdict, ms, code, status, reason }: ReportAttempt,
  isOpen: boolean,
  rivalMs: number,
): Verdict {
  if (code === TIMEOUT) return "timeout";
  if (verdict === "ok") return code === TAKEN_OVER || code === BYE ? "ok" : "lost";
  if (code === TAKEN_OVER && isOpen) return ms > 3 * rivalMs ? "buffered" : "superseded";
  if (/^buffered/.test(reason)) return "buffered";
  // an answer that begins with an error of the table is the server's own
  if (code >= BYE || /^BW_(?!WS)/.test(reason)) return "refused";
  return status || isOpen ? "blocked" : "lost";
}

/** Writes into the row of an attempt that ended what it came to. `open` is in use. */
export function conclude(
  { index, row }: Try,
  open: Try | undefined,
  transports: readonly ClientTransport[],
  now: number,
): void {
  const wasOpen = row.verdict === "ok";
  const isRace = open && transports[index]?.streams && !transports[open.index]?.streams;
  row.verdict = judge(row, !!open, isRace ? now - open.row.startedAt : NEVER);
  if (open && row.code === TAKEN_OVER && !wasOpen) row.reason = `${open.row.transport} opened first`;
  if (wasOpen && row.verdict === "lost") row.reason ||= "the connection broke";
}

/** The server is within reach: what was lost since `begunAt` was blocked. */
export function blame(rows: readonly ReportAttempt[], begunAt: number): void {
  for (const row of rows)
    if (row.verdict === "lost" && row.outcome === "failed" && row.startedAt >= begunAt)
      row.verdict = "blocked";
}

/** Says why nothing better than `current` is in use. `transports` are those there are, best first. */
export function explain(
  transports: readonly { readonly name: string }[],
  current: string,
  attempts: readonly ReportAttempt[],
): string {
  const parts = new Set<string>();
  for (const { name } of transports) {
    if (name === current) break;
    const last = attempts.findLast(({ transport, verdict }) => transport === name && verdict !== "pending");
    if (last && last.verdict !== "ok") parts.add(describe(last));
  }
  parts.add(current ? `using ${current}.` : "not connected.");
  return [...parts].join("; ").replace(/./, (first) => first.toUpperCase());
}

function describe({ transport, verdict, status, reason }: ReportAttempt): string {
  if (verdict === "buffered") return "a proxy keeps answers back until they end";
  if (verdict === "blocked" && transport === "websocket" && (!reason || status === 426))
    return `${status ? "" : "most likely "}a proxy removed the Upgrade header`;
  return `${transport} was ${verdict === "timeout" ? "not answered" : verdict}${reason && ` (${reason})`}`;
}
