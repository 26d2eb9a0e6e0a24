/** What `socket.report()` tells: how the connection came to be, and what went over it. */

export interface Report {
  /** The technique in use, or `""`. */
  readonly transport: string;
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
  /** The close code, where one was given. */
  code: number;
  /** Why it ended. */
  reason: string;
}
