/**
 * What happens when a message would push the queue over its hard limit. Policies act on the queue, whose messages have
 * no number yet, so whatever they drop leaves no hole. docs/protocol/bothways-1.md §4.4.
 *
 * Invariant: a message is dropped only under the policy that it was sent under; answers, joins and leaves never are.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Message, OverflowPolicy } from "../model/message.ts";
import { costOf, type Outbox } from "./outbox.ts";

/**
 * Makes room for `message` and returns what it took out of the queue, if anything. Where that is not enough the session
 * ends. Called before `message` is queued: at the limit, and without one (Infinity) where the queue is merely long.
 * Throws BW_BACKPRESSURE, and drops nothing, where the message's sender waits for room itself.
 */
export type Overflow = <M extends Message>(outbox: Outbox<M>, message: M, limitBytes: number) => M[];

/** Would the queue stay within `limitBytes` with this message? An empty queue takes any one message. */
export function hasRoom({ queue, queueBytes }: Outbox, message: Message, limitBytes: number): boolean {
  return queue.length === 0 || queueBytes + costOf(message) <= limitBytes;
}

/** A queue's hard limit, and what happens there. */
export interface QueueLimit {
  readonly maxQueueBytes: number;
  readonly overflow: Overflow;
}

function createOverflow(own: OverflowPolicy): Overflow {
  const policyOf = ({ isAnswer, isKept, isShared, policy }: Message): OverflowPolicy => {
    if (isAnswer || isKept) return "disconnect";
    return policy ?? (isShared && own === "block" ? "disconnect" : own);
  };
  return (outbox, message, limitBytes) => {
    if (policyOf(message) === "block" && !hasRoom(outbox, message, limitBytes)) {
      throw new BothwaysError("BW_BACKPRESSURE");
    }
    const dropped = dropReplaced(outbox, message, policyOf);
    for (let index = 0; index < outbox.queue.length && !hasRoom(outbox, message, limitBytes); ) {
      const oldest = outbox.queue[index];
      if (oldest && policyOf(oldest) === "drop-oldest") dropped.push(...dequeue(outbox, index));
      else index++;
    }
    return dropped;
  };
}

/** Takes out what newer messages with the same key replace. */
function dropReplaced<M extends Message>(
  outbox: Outbox<M>,
  message: M,
  policyOf: (message: Message) => OverflowPolicy,
): M[] {
  const dropped = [];
  const newer = new Set<string>();
  const isReplaced = (each: Message): boolean => {
    if (each.key === undefined || policyOf(each) !== "latest-by-key") return false;
    if (newer.has(each.key)) return true;
    newer.add(each.key);
    return false;
  };
  isReplaced(message);
  for (let index = outbox.queue.length - 1; index >= 0; index--) {
    if (isReplaced(outbox.queue[index] as M)) dropped.push(...dequeue(outbox, index));
  }
  return dropped;
}

/** Takes a message out of the queue before it got a number. */
export function dequeue<M extends Message>(outbox: Outbox<M>, index: number): M[] {
  const removed = outbox.queue.splice(index, 1);
  for (const message of removed) outbox.account(message, -1);
  return removed;
}

/** The default of the server: the peer does not keep up, so the session ends with a name for it. */
export const disconnect: Overflow = createOverflow("disconnect");

/** The caller is refused, and tries again when there is room. What goes to many does not wait for one of them. */
export const block: Overflow = createOverflow("block");

/** Forgets the oldest events that wait. */
export const dropOldest: Overflow = createOverflow("drop-oldest");

/** Forgets waiting messages that newer ones with the same key replace; where that is not enough the session ends. */
export const latestByKey: Overflow = createOverflow("latest-by-key");

export const overflows: Readonly<Record<OverflowPolicy, Overflow>> = {
  disconnect,
  block,
  "drop-oldest": dropOldest,
  "latest-by-key": latestByKey,
};
