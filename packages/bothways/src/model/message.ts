/**
 * What a session carries: one encoded packet, opaque to everything between the dialect that made it and the one that
 * reads it.
 *
 * Invariant: `data` never changes, so a broadcast is encoded once and shared by every receiver.
 */

/** Text stays text; anything with attachments is bytes. */
export type Data = string | Uint8Array;

/** What happens when a message would push what waits for one client over its limit. */
export type OverflowPolicy = "disconnect" | "block" | "drop-oldest" | "latest-by-key";

/** One encoded packet with what queues must know of it. */
export interface Message {
  /** As it goes over the wire; never changed. */
  readonly data: Data;
  /**
   * Answers a call and so needs no message credit: two handlers that wait for each other's answer must not hang.
   * It may overtake messages that wait for credit, and nothing else.
   */
  readonly isAnswer?: boolean | undefined;
  /** Joins and leaves: no policy for a full queue may drop it. */
  readonly isKept?: boolean | undefined;
  /** Under the `latest-by-key` policy a newer message with the same key replaces one that still waits. */
  readonly key?: string | undefined;
  /** The policy this message was sent under; `undefined`: its receiver's. */
  readonly policy?: OverflowPolicy | undefined;
  /** It goes to others too, so nobody waits for one receiver. */
  readonly isShared?: boolean | undefined;
  /** The transport's own framing of `data`, kept by the first link that made it for all that follow. */
  framed?: Uint8Array;
  /** Likewise, compressed; or who waits for that. */
  deflated?: Uint8Array | ((frame: Uint8Array) => void)[];
}
