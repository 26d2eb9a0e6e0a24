/**
 * The conversation with one plain client: it has one link and ends with it, and nothing is numbered. What is left of a
 * session is a queue with a limit, the order of joining, and the heartbeat. docs/protocol/plain.md.
 *
 * Invariants
 * - Inputs go in by `handle`, outputs are drained by `take` until it gives none; calls in between only append.
 * - Nothing is said before `open`, and then the greeting first; nothing that came is delivered before `open`.
 * - The link is given at most one high-water mark between two flushes, and one message beyond it; the rest waits here,
 *   where the limit and its policies are.
 */
import { SLOW_CONSUMER, TIMEOUT } from "../../model/close-code.ts";
import type { Data, Message } from "../../model/message.ts";
import { costOf, Outbox } from "../../session/outbox.ts";
import { dequeue, hasRoom, type Overflow, type QueueLimit } from "../../session/overflow.ts";

/** State × event → state. What is not listed leaves the state as it is. */
export const transitions = {
  /** The namespace judges the client. */
  joining: { open: "open", close: "closed" },
  open: { close: "closed" },
  closed: {},
} as const satisfies Record<string, { open?: "open"; close?: "closed" }>;

export type PlainState = keyof typeof transitions;

export interface PlainSessionOptions extends QueueLimit {
  /** With more than this in the queue `isOverHighWater` is true, and `drain` follows. As much may come while paused. */
  readonly highWaterMarkBytes: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** Joining may take so long. */
  readonly connectTimeoutMs: number;
}

export type PlainInput =
  /** The client is in; `greeting` goes before all that waits. */
  | { readonly type: "open"; readonly greeting: readonly Message[] }
  | { readonly type: "send"; readonly message: Message }
  /** Leaves at once or not at all. */
  | { readonly type: "send-volatile"; readonly message: Message }
  /** A message came. */
  | { readonly type: "message"; readonly data: Data }
  /** Anything came. */
  | { readonly type: "heard" }
  /** What the link was given has left it, or waits in it: then `blocked` was said before. */
  | { readonly type: "flushed" }
  | { readonly type: "writable" }
  | { readonly type: "blocked" }
  /** The application takes nothing until `resume`. */
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  | { readonly type: "tick" }
  | { readonly type: "close"; readonly code: number };

export type PlainOutput =
  | { readonly type: "message"; readonly message: Message }
  /** The client is in, and knows; what came before is delivered from here on. */
  | { readonly type: "open" }
  /** Show that we are here; a client that hears is to answer. */
  | { readonly type: "probe" }
  | { readonly type: "deliver"; readonly data: Data }
  /** Read nothing from the link, or go on. */
  | { readonly type: "hold"; readonly isHeld: boolean }
  | { readonly type: "drain" }
  | { readonly type: "dropped"; readonly messages: readonly Message[] }
  | { readonly type: "closed"; readonly code: number };

export class PlainSession {
  state: PlainState = "joining";
  /** What happens at the queue's limit. */
  overflow: Overflow;
  /** What came and waits. */
  heldBytes = 0;
  readonly outbox: Outbox = new Outbox(0);
  readonly #options: PlainSessionOptions;
  readonly #answersProbes: boolean;
  #outputs: PlainOutput[] = [];
  #now: number;
  #deadline: number;
  #isProbed = false;
  #isWritable = true;
  /** Since the link was last flushed. */
  #givenBytes = 0;
  #isPaused = false;
  #isHeld = false;
  #held: Data[] = [];
  #isOverHighWater = false;
  /** A sender that was refused waits for room for so much. */
  #wantedBytes = 0;

  /** `answersProbes`: whoever is not heard of is gone. */
  constructor(options: PlainSessionOptions, answersProbes: boolean, now: number) {
    this.#options = options;
    this.#answersProbes = answersProbes;
    this.overflow = options.overflow;
    this.#now = now;
    this.#deadline = now + options.connectTimeoutMs;
  }

  /** When `tick` is due. */
  get deadline(): number {
    return this.state === "closed" || (this.state === "open" && this.#isHeld)
      ? Number.POSITIVE_INFINITY
      : this.#deadline;
  }

  get isOverHighWater(): boolean {
    return this.#isOverHighWater || this.#wantedBytes > 0;
  }

  /** Were messages of so many bytes in all, overhead included, taken without a policy? */
  hasRoomFor(bytes: number): boolean {
    const { queue, queueBytes } = this.outbox;
    return queue.length === 0 || queueBytes + bytes <= this.#options.maxQueueBytes;
  }

  take(): PlainOutput | undefined {
    return this.#outputs.shift();
  }

  handle(input: PlainInput, now: number): void {
    if (this.state === "closed") return;
    this.#now = now;
    switch (input.type) {
      case "open":
        this.#open(input.greeting);
        break;
      case "send":
        this.#send(input.message);
        break;
      case "send-volatile":
        if (this.#mayPass) this.#say(input.message);
        break;
      case "message":
        this.#receive(input.data);
        break;
      case "heard":
        this.#isProbed = false;
        if (this.#answersProbes && this.state === "open") this.#deadline = now + this.#options.pingIntervalMs;
        break;
      case "flushed":
        this.#givenBytes = 0;
        this.#flush();
        break;
      case "writable":
      case "blocked":
        this.#isWritable = input.type === "writable";
        this.#flush();
        break;
      case "pause":
        this.#pause();
        break;
      case "resume":
        this.#isPaused = false;
        this.#release();
        break;
      case "tick":
        this.#tick();
        break;
      case "close":
        this.#close(input.code);
    }
  }

  get #mayPass(): boolean {
    return this.#mayGive && this.outbox.queue.length === 0;
  }

  get #mayGive(): boolean {
    return this.state === "open" && this.#isWritable && this.#givenBytes < this.#options.highWaterMarkBytes;
  }

  #open(greeting: readonly Message[]): void {
    if (this.state !== "joining") return;
    this.state = transitions[this.state].open;
    this.#deadline = this.#now + this.#options.pingIntervalMs;
    for (const message of greeting) this.#say(message);
    this.#flush();
    this.#outputs.push({ type: "open" });
    this.#release();
  }

  #send(message: Message): void {
    if (this.#mayPass) return this.#say(message);
    const { maxQueueBytes } = this.#options;
    if (!hasRoom(this.outbox, message, maxQueueBytes)) {
      this.#makeRoom(message, maxQueueBytes);
      if (!hasRoom(this.outbox, message, maxQueueBytes)) return this.#close(SLOW_CONSUMER);
    }
    this.outbox.push(message);
    this.#measure();
  }

  #makeRoom(message: Message, limitBytes: number): void {
    // the policy may throw
    this.#wantedBytes = costOf(message);
    const messages = this.overflow(this.outbox, message, limitBytes);
    this.#wantedBytes = 0;
    if (messages.length > 0) this.#outputs.push({ type: "dropped", messages });
  }

  #say(message: Message): void {
    this.#outputs.push({ type: "message", message });
    this.#givenBytes += message.data.length;
    // who cannot answer is only to see that something comes
    if (!this.#answersProbes) this.#deadline = this.#now + this.#options.pingIntervalMs;
  }

  #flush(): void {
    while (this.#mayGive && this.outbox.queue.length > 0) this.#sayNext();
    this.#measure();
  }

  #sayNext(): void {
    for (const message of dequeue(this.outbox, 0)) this.#say(message);
  }

  #measure(): void {
    const { highWaterMarkBytes } = this.#options;
    const isOver =
      this.outbox.queueBytes > highWaterMarkBytes ||
      (this.#wantedBytes > 0 && !this.hasRoomFor(this.#wantedBytes));
    if (this.isOverHighWater && !isOver) {
      this.#wantedBytes = 0;
      this.#outputs.push({ type: "drain" });
    }
    this.#isOverHighWater = isOver;
  }

  #receive(data: Data): void {
    if (this.state === "open" && !this.#isPaused) {
      this.#outputs.push({ type: "deliver", data });
      return;
    }
    // bytes are a view of what the transport will read the next ones into
    const kept = typeof data === "string" ? data : new Uint8Array(data);
    this.#held.push(kept);
    this.heldBytes += costOf({ data: kept });
    if (this.heldBytes > this.#options.highWaterMarkBytes) this.#hold(true);
  }

  /** What is about to be delivered waits, too. */
  #pause(): void {
    this.#isPaused = true;
    const outputs = this.#outputs;
    this.#outputs = [];
    for (const output of outputs) {
      if (output.type === "deliver") this.#receive(output.data);
      else this.#outputs.push(output);
    }
  }

  /** What came meanwhile is delivered. */
  #release(): void {
    if (this.state !== "open" || this.#isPaused) return;
    for (const data of this.#held) this.#outputs.push({ type: "deliver", data });
    this.#held = [];
    this.heldBytes = 0;
    this.#hold(false);
  }

  #hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#isProbed = false;
    if (this.state === "open") this.#deadline = this.#now + this.#options.pingIntervalMs;
    this.#outputs.push({ type: "hold", isHeld });
  }

  #tick(): void {
    if (this.#now < this.deadline) return;
    if (this.state === "joining" || this.#isProbed) return this.#close(TIMEOUT);
    const { pingIntervalMs, pingTimeoutMs } = this.#options;
    this.#isProbed = this.#answersProbes;
    this.#deadline = this.#now + (this.#isProbed ? pingTimeoutMs : pingIntervalMs);
    this.#outputs.push({ type: "probe" });
  }

  #close(code: number): void {
    const isHeard = this.state === "open" && this.#isWritable;
    while (isHeard && this.outbox.queue.length > 0) this.#sayNext();
    this.state = "closed";
    while (this.outbox.queue.length > 0) dequeue(this.outbox, 0);
    this.#held = [];
    this.heldBytes = 0;
    this.#wantedBytes = 0;
    this.#isOverHighWater = false;
    this.#outputs.push({ type: "closed", code });
  }
}
