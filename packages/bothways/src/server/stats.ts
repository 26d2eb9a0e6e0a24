/** What `io.stats()` returns: gauges of now, and counts since the server began. */
export interface ServerStats {
  /** Sessions of any state: of clients that are here, that are away and may come back, or that have not shown themselves yet. */
  readonly sessions: number;
  /** Those whose clients are here. */
  readonly connections: number;
  /** Those that no frame has confirmed yet. */
  readonly unconfirmed: number;
  /** HTTP requests that wait for their answer, or whose answer goes on: polls and streams. */
  readonly openRequests: number;
  /** All that waits for anything, in bytes, with what it costs beside its content. At most `maxTotalBufferedBytes`. */
  readonly bufferedBytes: number;
  /** Events that policies dropped. */
  readonly dropped: number;
  /** Events that `maxRate` refused. */
  readonly refused: number;
}
