/** How an emit is done: what the steps before `emit` add up to. */
import type { OverflowPolicy } from "../model/message.ts";

export interface EmitFlags {
  /** Dropped where it cannot leave at once. */
  readonly isVolatile: boolean;
  /** How long to wait for answers; for ever where `undefined`. */
  readonly timeoutMs: number | undefined;
  /** Ends the wait for answers. */
  readonly signal: AbortSignalLike | undefined;
  /** What happens where too much waits, and the key of `latest-by-key`. */
  readonly policy: OverflowPolicy | undefined;
  readonly key: string | undefined;
}

export const plain: EmitFlags = {
  isVolatile: false,
  timeoutMs: undefined,
  signal: undefined,
  policy: undefined,
  key: undefined,
};

/** As much of the platform's `AbortSignal` as is needed. */
export interface AbortSignalLike {
  /** It has been aborted already. */
  readonly aborted: boolean;
  /** Why: the `cause` of the error. */
  readonly reason?: unknown;
  /** Called once, for `"abort"`. */
  addEventListener(type: "abort", listener: () => void): void;
  /** Called when nobody waits any more. */
  removeEventListener(type: "abort", listener: () => void): void;
}
