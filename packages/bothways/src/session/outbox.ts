/**
 * What one side still has to send: a *queue* of messages without a number, and behind it a *window* of numbered ones
 * that the peer has not acknowledged. docs/protocol/bothways-1.md §4.
 *
 * Invariants: a message gets its number when it is first given to a link, so whatever drops messages acts on the queue
 * and leaves no hole; the window never exceeds the smaller of the peer's credit and our own limit, but for one message
 * when nothing is outstanding, and for answers.
 */
import type { Message } from "../model/message.ts";

/** What an object costs beside its bytes, so that many small messages are not free. */
export const MESSAGE_OVERHEAD_BYTES = 64;

export class Outbox<M extends Message = Message> {
  /** Highest number the peer has acknowledged, and highest one given out. */
  acked = 0;
  last = 0;
  /** Number of the next message for the current link. */
  next = 1;
  /** Messages given to a link again. */
  replayed = 0;
  queueBytes = 0;
  windowBytes = 0;
  /** Waiting for credit or for a link. */
  readonly queue: M[] = [];
  /** Given to a link, and perhaps lost with it. */
  readonly window: M[] = [];
  readonly #windowLimit: number;
  #answersQueued = 0;
  /** Cumulative: bytes numbered, and the peer's limits. */
  #bytes = 0;
  #creditMessages = 0;
  #creditBytes = 0;

  constructor(windowLimitBytes: number) {
    this.#windowLimit = windowLimitBytes;
  }

  push(message: M): void {
    this.queue.push(message);
    this.account(message, 1);
  }

  /** The next message to give to the link, or `undefined` where nothing waits or credit has run out. */
  take(): M | undefined {
    const { queue, window } = this;
    if (this.next <= this.last) {
      this.replayed++;
      return window[this.next++ - this.acked - 1];
    }
    let index = 0;
    if (queue[0] && !this.#hasCredit(queue[0])) {
      index = this.#answersQueued ? queue.findIndex(({ isAnswer }) => isAnswer) : queue.length;
    }
    // the first one is the rule, and `splice` is slow
    const message = index ? queue.splice(index, 1)[0] : queue.shift();
    if (message) {
      this.account(message, -1);
      window.push(message);
      this.windowBytes += costOf(message);
      this.#bytes += message.data.length;
      this.next = ++this.last + 1;
    }
    return message;
  }

  /** False where the peer acknowledges what was never sent. Limits never fall; an old position changes nothing. */
  acknowledge(received: number, messages: number, bytes: number): boolean {
    if (received > this.last) return false;
    for (const message of this.window.splice(0, received - this.acked)) this.windowBytes -= costOf(message);
    this.acked = Math.max(this.acked, received);
    this.next = Math.max(this.next, received + 1);
    this.#creditMessages = Math.max(this.#creditMessages, messages);
    this.#creditBytes = Math.max(this.#creditBytes, bytes);
    return true;
  }

  /** A new link, or a new exchange: everything that is not acknowledged goes again. */
  rewind(): void {
    this.next = this.acked + 1;
  }

  #hasCredit(message: M): boolean {
    return (
      !this.window.length ||
      !!message.isAnswer ||
      (this.last < this.#creditMessages &&
        this.#bytes + message.data.length <= this.#creditBytes &&
        this.windowBytes + costOf(message) <= this.#windowLimit)
    );
  }

  /** A message comes into the queue (1) or leaves it (-1). */
  account(message: M, sign: 1 | -1): void {
    this.queueBytes += sign * costOf(message);
    if (message.isAnswer) this.#answersQueued += sign;
  }
}

export function costOf({ data }: Message): number {
  return data.length + MESSAGE_OVERHEAD_BYTES;
}
