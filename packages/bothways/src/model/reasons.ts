/** Why a socket disconnected, in Socket.IO's words where it has one. */
export type DisconnectReason =
  | "io server disconnect"
  | "io client disconnect"
  | "server namespace disconnect"
  | "client namespace disconnect"
  | "ping timeout"
  | "transport close"
  | "transport error"
  | "parse error"
  | "forced close"
  | "forced server close"
  | "server shutting down"
  /** Another holder of the session's secret resumed it. */
  | "taken over"
  /** The session outlived its resume window. */
  | "session expired"
  /** The peer did not read fast enough and the hard limit was reached. */
  | "slow consumer"
  /** The process, or the client's own account, ran out of room for waiting bytes. */
  | "overflow"
  /** Its authentication ended, or was taken back. */
  | "unauthorized"
  /** It sent more events than `maxRate` allows, and went on. */
  | "rate limit";

/** Why messages were missed (see the delivery promise). */
export type GapReason = "expired" | "overflow" | "server-lost" | "epoch";

/** Raised before anything that follows a hole: the peer's messages `from`..`to` were not delivered. */
export interface Gap {
  /** Number of the first message missed. */
  readonly from: number;
  /** Number of the last one, where the peer still knows it. */
  readonly to: number | undefined;
  /** Why they were missed. */
  readonly reason: GapReason;
}
