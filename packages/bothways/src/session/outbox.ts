/**
 * What one side still has to send: a *queue* of messages without a number, and behind it a *window* of numbered ones
 * that the peer has not acknowledged. docs/protocol/bothways-1.md §4.
 *
 * Invariants: a message gets its number when it is first given to a link, so whatever drops messages acts on the queue
 * and leaves no hole; the window never exceeds the smaller of the peer's credit and our own limit, but for one message
 * when nothing is outstanding, and for answers.
 */
import type { Data, Message } from "../model/message.ts";

/** What an object costs beside its bytes, so that many small messages are not free. */
export const MESSAGE_OVERHEAD_BYTES = 64;

export class Outbox<M extends Message = Message> {
  /** Highest number the peer has acknowledged, and highest one given out. */
  acked = 0;
  last = 0;
  /** Messages given to a link again. */
  replayed = 0;
  queueBytes = 0;
  windowBytes = 0;
  readonly #windowLimit: number;
  #queue: M[] = [];
  #window: M[] = [];
  #next = 1;
  #answersQueued = 0;
  /** Cumulative: bytes numbered, and the peer's limits. */
  #bytes = 0;
  #creditMessages = 0;
  #creditBytes = 0;

  constructor(windowLimitBytes: number) {
    this.#windowLimit = windowLimitBytes;
  }

  /** Number of the next message for the current link. */
  get next(): number {
    return this.#next;
  }

  /** Waiting for credit or for a link. */
  get queue(): readonly M[] {
    return this.#queue;
  }

  push(message: M): void {
    this.#queue.push(message);
    this.queueBytes += cost(message);
    if (message.isAnswer) this.#answersQueued++;
  }

  /** Takes a message out of the queue before it got a number. */
  remove(index: number): M[] {
    const removed = this.#queue.splice(index, 1);
    for (const message of removed) {
      this.queueBytes -= cost(message);
      if (message.isAnswer) this.#answersQueued--;
    }
    return removed;
  }

  /** Would the queue stay within `limitBytes` with this message? An empty queue takes any one message. */
  hasRoom(message: Message, limitBytes: number): boolean {
    return this.#queue.length === 0 || this.queueBytes + cost(message) <= limitBytes;
  }

  /** The next message to give to the link, or `undefined` where nothing waits or credit has run out. */
  take(): M | undefined {
    if (this.#next <= this.last) {
      this.replayed++;
      return this.#window[this.#next++ - this.acked - 1];
    }
    const head = this.#queue[0];
    if (!head) return undefined;
    const index = this.#hasCredit(head)
      ? 0
      : this.#answersQueued > 0
        ? this.#queue.findIndex((m) => m.isAnswer)
        : -1;
    const [message] = index < 0 ? [] : this.remove(index);
    if (message) {
      this.#window.push(message);
      this.windowBytes += cost(message);
      this.#bytes += message.data.length;
      this.#next = ++this.last + 1;
    }
    return message;
  }

  /** False where the peer acknowledges what was never sent. Limits never fall; an old position changes nothing. */
  acknowledge(received: number, messages: number, bytes: number): boolean {
    if (received > this.last) return false;
    if (received > this.acked) {
      for (const message of this.#window.splice(0, received - this.acked)) this.windowBytes -= cost(message);
      this.acked = received;
      this.#next = Math.max(this.#next, received + 1);
    }
    this.#creditMessages = Math.max(this.#creditMessages, messages);
    this.#creditBytes = Math.max(this.#creditBytes, bytes);
    return true;
  }

  /** A new link, or a new exchange: everything that is not acknowledged goes again. */
  rewind(): void {
    this.#next = this.acked + 1;
  }

  /** Numbers start again with a new session. Gives what was sent and may or may not have arrived, and what was not. */
  reset(): { unknown: M[]; unsent: M[] } {
    const left = { unknown: this.#window, unsent: this.#queue };
    this.#queue = [];
    this.#window = [];
    this.acked = this.last = this.queueBytes = this.windowBytes = this.#answersQueued = 0;
    this.#bytes = this.#creditMessages = this.#creditBytes = 0;
    this.#next = 1;
    return left;
  }

  #hasCredit(message: M): boolean {
    const size = message.data.length;
    return (
      this.#window.length === 0 ||
      message.isAnswer === true ||
      (this.last < this.#creditMessages &&
        this.#bytes + size <= this.#creditBytes &&
        this.windowBytes + cost(message) <= this.#windowLimit)
    );
  }
}

function cost(message: { readonly data: Data }): number {
  return message.data.length + MESSAGE_OVERHEAD_BYTES;
}
