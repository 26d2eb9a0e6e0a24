/** What all requests of a server have in common while they wait for their answers. */
import type { Account } from "../../model/account.ts";

/** Requests that wait for their answer, over all of a server. */
export interface OpenRequests {
  count: number;
  /** Each is charged here, with its body as it grows and its answer as long as that is not sent. */
  readonly account: Account;
  /** A client that takes nothing of an answer for so long is cut off. Default 30 s. */
  readonly writeTimeoutMs?: number;
  /** Told of an answer that our own code could not write: its client is cut off. */
  readonly report?: (error: unknown) => void;
}

export const defaultWriteTimeoutMs = 30_000;
