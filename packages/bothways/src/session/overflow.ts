/**
 * What happens when a message would push the queue over its hard limit. A policy acts on the queue, whose messages have
 * no number yet, so whatever it drops leaves no hole. docs/protocol/bothways-1.md §4.6.
 */
import type { Message } from "../model/message.ts";
import { costOf, type Outbox } from "./outbox.ts";

/**
 * Makes room for `message` and returns what it took out of the queue, if anything. Where that is not enough the session
 * ends. Called only at the limit, before `message` is queued.
 */
export type Overflow = <M extends Message>(
  outbox: Outbox<M>,
  message: M,
  limitBytes: number,
) => M[] | undefined;

/** Would the queue stay within `limitBytes` with this message? An empty queue takes any one message. */
export function hasRoom({ queue, queueBytes }: Outbox, message: Message, limitBytes: number): boolean {
  return queue.length === 0 || queueBytes + costOf(message) <= limitBytes;
}

/** A queue's hard limit, and what happens there. */
export interface QueueLimit {
  readonly maxQueueBytes: number;
  readonly overflow: Overflow;
}

/** The default of the server: the peer does not keep up, so the session ends with a name for it. */
export const disconnect: Overflow = () => undefined;

/** Forgets the oldest events that wait. Answers stay, since someone waits for each, and so do joins and leaves. */
export const dropOldest: Overflow = (outbox, message, limitBytes) => {
  const dropped = [];
  for (let index = 0; index < outbox.queue.length && !hasRoom(outbox, message, limitBytes); ) {
    if (outbox.queue[index]?.isAnswer || outbox.queue[index]?.isKept) index++;
    else dropped.push(...outbox.remove(index));
  }
  return dropped;
};

/** Forgets waiting messages that newer ones with the same key replace; where that is not enough the session ends. */
export const latestByKey: Overflow = (outbox, message) => {
  const dropped = [];
  const newer = new Set([message.key]);
  for (let index = outbox.queue.length - 1; index >= 0; index--) {
    const key = outbox.queue[index]?.key;
    if (key !== undefined && newer.has(key)) dropped.push(...outbox.remove(index));
    newer.add(key);
  }
  return dropped;
};
