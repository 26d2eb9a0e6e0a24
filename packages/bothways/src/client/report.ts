/** What `socket.report()` tells: how the connection came to be, and what went over it. */

/** What became of the connection so far. */
export interface Report {
  /** The technique in use, or `""`. */
  readonly transport: string;
  /** What the attempts mean, as a sentence: `"A proxy removed the Upgrade header; using stream."` */
  readonly summary: string;
  /** The last 20 attempts, oldest first. */
  readonly attempts: readonly ReportAttempt[];
  /** Messages handed to a transport for the first time. */
  readonly sent: number;
  /** Messages delivered here. */
  readonly received: number;
  /** Messages sent again after a loss. */
  readonly replayed: number;
  /** Messages that came twice and were dropped. */
  readonly duplicates: number;
  /** Length of all frames that were sent, in bytes of binary and characters of text. */
  readonly bytesSent: number;
  /** Length of all frames that came in, likewise. */
  readonly bytesReceived: number;
  /** What waits to be sent. */
  readonly bufferedBytes: number;
}

/**
 * What an attempt came to:
 *
 * - `"pending"`: it is under way.
 * - `"ok"`: it opened. It carries the session, or did until it was no longer wanted.
 * - `"superseded"`: another one opened first.
 * - `"refused"`: the server said no.
 * - `"blocked"`: something on the way does not let it through: it answered in the server's place or changed the request,
 *   or another technique reaches the server at the same time.
 * - `"buffered"`: something on the way keeps answers back until they end.
 * - `"timeout"`: there was no answer, or none any more.
 * - `"lost"`: the connection broke, or there was none.
 *
 * `bothways/client/core` compares nothing: of what did not open it says `"lost"`.
 */
export type Verdict =
  | "pending"
  | "ok"
  | "superseded"
  | "refused"
  | "blocked"
  | "buffered"
  | "timeout"
  | "lost";

/** One attempt to open a link. */
export interface ReportAttempt {
  /** Name of the technique. */
  readonly transport: string;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly startedAt: number;
  /** Until it opened or failed, in milliseconds. */
  ms: number;
  /** How it stands, or how it ended. */
  outcome: "pending" | "open" | "closed" | "failed";
  /** What it came to. */
  verdict: Verdict;
  /** The close code, where one was given. */
  code: number;
  /** Of the HTTP answer that ended it, where it is known: browsers do not tell that of a refused WebSocket. */
  status: number;
  /** Why it ended. */
  reason: string;
}
