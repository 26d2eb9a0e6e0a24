/**
 * The native session: one ordered, lossless, flow-controlled conversation over a series of unreliable links.
 * Both peers run this machine; client-session.ts and server-session.ts add what differs, which is how a link is won.
 * docs/protocol/bothways-1.md §4 and §6 are the normative text.
 *
 * Invariants
 * - Inputs go in by `handle`, outputs are drained by `take` until it gives none; calls in between only append.
 * - Each message is delivered at most once and in order, and nothing is delivered past a hole.
 * - What is acknowledged was delivered: the position moves when the driver takes the message, not before.
 * - At most one link is current. Frames of a link that is not attached are ignored.
 */
import { PROTOCOL_ERROR, SLOW_CONSUMER, TIMEOUT } from "../model/close-code.ts";
import type { Credit, Frame } from "../model/frame.ts";
import type { Data, Message } from "../model/message.ts";
import type { Gap } from "../model/reasons.ts";
import { Outbox } from "./outbox.ts";
import type { Overflow } from "./overflow.ts";

/** State × event → state. What is not listed leaves the state as it is. */
export const transitions = {
  /** No link was ever confirmed. */
  waiting: { confirm: "open", close: "closed" },
  /** A link is current. */
  open: { lose: "away", close: "closed" },
  /** The link was lost; the session waits to be resumed. */
  away: { confirm: "open", close: "closed" },
  closed: {},
} as const satisfies Record<string, { confirm?: "open"; lose?: "away"; close?: "closed" }>;

export type State = keyof typeof transitions;
export type StateEvent = "confirm" | "lose" | "close";

export interface SessionOptions {
  /** How many messages, and how many bytes, either side may have sent without an acknowledgement. */
  readonly windowMessages: number;
  readonly windowBytes: number;
  /** With more than this in the queue `isOverHighWater` is true, and `drain` follows. */
  readonly highWaterMarkBytes: number;
  /** The queue's hard limit, and what happens there. */
  readonly maxQueueBytes: number;
  readonly overflow: Overflow;
  /** An acknowledgement waits this long for more to acknowledge. */
  readonly ackDelayMs: number;
}

export type Input<L, M extends Message> =
  | { readonly type: "send"; readonly message: M }
  /** Outside the numbering: leaves at once or not at all. */
  | { readonly type: "send-volatile"; readonly message: Message }
  /** `undefined` where the frame was malformed. */
  | { readonly type: "frame"; readonly link: L; readonly frame: Frame | undefined }
  /** The link can take a batch. `rewinds`: what its last exchange carried may be lost. */
  | { readonly type: "writable"; readonly link: L; readonly rewinds: boolean }
  | { readonly type: "blocked"; readonly link: L }
  /** The link ended; `code` is what the peer said, or ABNORMAL. */
  | { readonly type: "lost"; readonly link: L; readonly code: number }
  | { readonly type: "tick" }
  | { readonly type: "close"; readonly code: number };

export type Output<L, M extends Message> =
  | { readonly type: "frame"; readonly link: L; readonly frame: Frame }
  | { readonly type: "message"; readonly link: L; readonly message: Message }
  /** For the application. `number` is 0 for a volatile message. */
  | { readonly type: "deliver"; readonly data: Data; readonly number: number }
  /** A link was confirmed: the first, one after a loss, or, where `from` is open, one that took over. */
  | { readonly type: "open"; readonly link: L; readonly from: State }
  | { readonly type: "away"; readonly code: number }
  /** The peer's session is gone: what we miss, what of ours has an unknown fate, and what was never sent. */
  | { readonly type: "gap"; readonly gap: Gap; readonly unknown: readonly M[]; readonly unsent: readonly M[] }
  /** The queue fell to the high-water mark again. */
  | { readonly type: "drain" }
  | { readonly type: "dropped"; readonly messages: readonly M[] }
  /** The link is to be closed with this code: fenced, refused, or found dead. */
  | { readonly type: "drop"; readonly link: L; readonly code: number }
  | { readonly type: "closed"; readonly code: number; readonly isRemote: boolean };

/** A link that was attached, and how far it got. */
export interface Attachment<L> {
  readonly link: L;
  readonly generation: number;
  isWritable: boolean;
  rewinds: boolean;
  /** Number of the next message that comes in; 0 until the peer has named it. */
  expected: number;
  /** We have named the number of our next message. */
  isNamed: boolean;
}

/** The peer's own window may be smaller than ours, and must not stand still until the acknowledgement's delay is over. */
const MAX_UNTOLD_BYTES = 65_536;

export const NEVER: number = Number.POSITIVE_INFINITY;

export abstract class Session<L, M extends Message = Message> {
  state: State = "waiting";
  generation = 0;
  /** Highest number delivered. */
  received = 0;
  /** Messages that came again and were dropped. */
  duplicates = 0;
  readonly outbox: Outbox<M>;
  protected readonly options: SessionOptions;
  protected links: Attachment<L>[] = [];
  protected current: Attachment<L> | undefined;
  /** Heartbeat: the silence that is fine, and how long the answer to a ping may take. */
  protected intervalMs: number = NEVER;
  protected timeoutMs: number = NEVER;
  protected now = 0;
  /** When something was last heard and last said on the current link, and when a ping was sent that nothing answered yet. */
  protected heardAt = 0;
  protected saidAt = 0;
  #pingedAt = -1;
  #listenAgainAt = NEVER;
  #receivedBytes = 0;
  /** Highest number queued for delivery. */
  #admitted = 0;
  /** What the peer was told we received, and when it is to be told again. */
  #told = 0;
  #toldBytes = 0;
  #tellAt = NEVER;
  /** A ping or pong that waits for the link. */
  #beat: "p" | "o" | undefined;
  #isOverHighWater = false;
  #outputs: Output<L, M>[] = [];
  #taken = 0;

  constructor(options: SessionOptions) {
    this.options = options;
    this.outbox = new Outbox(options.windowBytes);
  }

  /** When `tick` is due, in the driver's monotonic milliseconds. */
  get deadline(): number {
    return Math.min(this.#canTell ? this.#tellAt : NEVER, this.#listenAgainAt);
  }

  get isOverHighWater(): boolean {
    return this.#isOverHighWater;
  }

  /** The link in use. */
  get link(): L | undefined {
    return this.current?.link;
  }

  protected get credit(): Credit {
    return [this.received + this.options.windowMessages, this.#receivedBytes + this.options.windowBytes];
  }

  handle(input: Input<L, M>, now: number): void {
    if (this.state === "closed") return;
    this.now = now;
    switch (input.type) {
      case "send":
        this.#send(input.message);
        break;
      case "send-volatile":
        if (this.current?.isWritable && this.state === "open" && !this.outbox.queue.length) {
          this.emit({ type: "message", link: this.current.link, message: input.message });
        }
        break;
      case "frame":
        this.#receive(input.link, input.frame);
        break;
      case "lost":
      case "writable":
      case "blocked": {
        const attachment = this.find(input.link);
        if (attachment) this.#about(attachment, input);
        break;
      }
      case "tick":
        this.tick();
        break;
      case "close":
        this.close(input.code, false);
    }
    this.flush();
  }

  take(): Output<L, M> | undefined {
    const output = this.#outputs[this.#taken++];
    if (output) {
      if (output.type === "deliver" && output.number) this.#delivered(output.number, output.data.length);
      return output;
    }
    this.#outputs = [];
    this.#taken = 0;
    // acknowledgements come last, when all that could be delivered was
    if (this.current && this.#canTell && this.#tellAt <= this.now) {
      return { type: "frame", link: this.current.link, frame: this.position() };
    }
  }

  /** The acknowledgement as of now; the caller sends it. */
  position(): Frame {
    this.#told = this.received;
    this.#toldBytes = this.#receivedBytes;
    this.#tellAt = NEVER;
    const [messages, bytes] = this.credit;
    return { kind: "a", received: this.received, messages, bytes };
  }

  /** Something came in on an attached link. True where the frame is for the conversation. */
  protected abstract admit(attachment: Attachment<L>, frame: Frame): boolean;

  /** The peer gave this code on an attached link, or the link broke; it is detached already. */
  protected abstract ended(attachment: Attachment<L>, code: number): void;

  /** Nothing was heard for the heartbeat's interval. */
  protected abstract silent(attachment: Attachment<L>): void;

  /** Where the quiet began that calls for a ping. */
  protected get quietSince(): number {
    return this.heardAt;
  }

  protected tick(): void {
    const { current, now } = this;
    if (!current || now < this.#listenAgainAt) return;
    const isPinged = this.#pingedAt >= 0;
    const limit = isPinged ? this.#pingedAt + this.timeoutMs : this.quietSince + this.intervalMs;
    this.#listenAgainAt = limit;
    if (now < limit) return;
    if (isPinged) this.drop(current, TIMEOUT);
    else this.silent(current);
  }

  /** Asks the peer to say something, and gives the link up if it does not in time. */
  protected ping(): void {
    this.#beat = "p";
    this.#pingedAt = this.now;
    this.#listenAgainAt = this.now + this.timeoutMs;
  }

  /** The acknowledgement goes with the next chance. */
  protected tell(): void {
    this.#tellAt = this.now;
  }

  protected emit(output: Output<L, M>): void {
    this.#outputs.push(output);
  }

  protected find(link: L): Attachment<L> | undefined {
    return this.current?.link === link
      ? this.current
      : this.links.find((attachment) => attachment.link === link);
  }

  protected attach(link: L, generation: number): Attachment<L> {
    const attachment = { link, generation, isWritable: false, rewinds: false, expected: 0, isNamed: false };
    this.links.push(attachment);
    return attachment;
  }

  /** Makes a link the current one; both sides go on from the positions they told each other. */
  protected use(attachment: Attachment<L>): void {
    this.current = attachment;
    this.heardAt = this.saidAt = this.now;
    this.#pingedAt = -1;
    this.#listenAgainAt = this.now + this.intervalMs;
    this.outbox.rewind();
    attachment.isNamed = false;
  }

  /** Moves along the table, and says so. */
  protected confirm(attachment: Attachment<L>): void {
    const from = this.state;
    this.#move("confirm");
    this.emit({ type: "open", link: attachment.link, from });
  }

  /** What the peer has, as it says when a link is attached or at any time later. */
  protected acknowledge(received: number, [messages, bytes]: Credit): void {
    if (!this.outbox.acknowledge(received, messages, bytes)) this.close(PROTOCOL_ERROR, false);
  }

  /** A link broke, or the peer ended it with `code`. */
  protected lost(attachment: Attachment<L>, code: number): void {
    this.#detach(attachment, code);
  }

  /** Ends a link of ours, so that the driver closes it. */
  protected drop(attachment: Attachment<L>, code: number): void {
    this.emit({ type: "drop", link: attachment.link, code });
    this.#detach(attachment, code);
  }

  protected close(code: number, isRemote: boolean): void {
    this.flush();
    this.#move("close");
    for (const { link } of this.links) this.emit({ type: "drop", link, code });
    this.links = [];
    this.current = undefined;
    this.#listenAgainAt = NEVER;
    this.emit({ type: "closed", code, isRemote });
  }

  /** A new session in place of one that the peer has lost. */
  protected restart(): { unknown: M[]; unsent: M[] } {
    this.received = this.#admitted = this.#receivedBytes = this.#told = this.#toldBytes = 0;
    return this.outbox.reset();
  }

  /** HTTP exchanges carry the position in each poll and in each answer to a batch, so it needs no frame of its own. */
  get #canTell(): boolean {
    return this.current?.isWritable === true && !this.current.rewinds;
  }

  #move(event: StateEvent): void {
    const row: Partial<Record<StateEvent, State>> = transitions[this.state];
    this.state = row[event] ?? this.state;
  }

  #send(message: M): void {
    const { outbox, options } = this;
    if (!outbox.hasRoom(message, options.maxQueueBytes)) {
      const messages = options.overflow(outbox, message, options.maxQueueBytes);
      if (!messages) return this.close(SLOW_CONSUMER, false);
      this.emit({ type: "dropped", messages });
    }
    outbox.push(message);
  }

  #about(attachment: Attachment<L>, input: Input<L, M> & { type: "lost" | "writable" | "blocked" }): void {
    if (input.type === "lost") return this.lost(attachment, input.code);
    attachment.isWritable = input.type === "writable";
    if (input.type !== "writable" || !input.rewinds) return;
    attachment.rewinds = true;
    attachment.isNamed = false;
    if (attachment === this.current) this.outbox.rewind();
  }

  #receive(link: L, frame: Frame | undefined): void {
    const attachment = this.find(link);
    // a fenced link may go on talking for a while
    if (!attachment) return;
    if (!frame) return this.drop(attachment, PROTOCOL_ERROR);
    if (frame.kind === "c") return this.lost(attachment, frame.code);
    if (!this.admit(attachment, frame)) return;
    // an answer to a batch shows nothing of the polls, on which what the peer says comes
    if (frame.kind !== "a" || !attachment.rewinds) {
      this.heardAt = this.now;
      this.#pingedAt = -1;
    }
    switch (frame.kind) {
      case "n":
        attachment.expected = frame.number;
        break;
      case "m":
        this.#number(attachment, frame.data);
        break;
      case "v":
        this.emit({ type: "deliver", data: frame.data, number: 0 });
        break;
      case "a":
        this.acknowledge(frame.received, [frame.messages, frame.bytes]);
        break;
      case "p":
        this.#beat ??= "o";
    }
  }

  #number(attachment: Attachment<L>, data: Data): void {
    const number = attachment.expected;
    if (number === this.#admitted + 1) {
      this.#admitted = number;
      this.emit({ type: "deliver", data, number });
    } else if (number && number <= this.#admitted) {
      this.duplicates++;
    } else if (!attachment.rewinds) {
      return this.drop(attachment, PROTOCOL_ERROR);
    } else {
      // an exchange that overtook another: the answer's position makes the peer send again
      return;
    }
    attachment.expected++;
  }

  #delivered(number: number, bytes: number): void {
    this.received = number;
    this.#receivedBytes += bytes;
    const { windowMessages, windowBytes, ackDelayMs } = this.options;
    const isFar =
      number - this.#told > windowMessages / 4 ||
      this.#receivedBytes - this.#toldBytes > Math.min(windowBytes / 4, MAX_UNTOLD_BYTES);
    this.#tellAt = isFar ? this.now : Math.min(this.#tellAt, this.now + ackDelayMs);
  }

  #detach(attachment: Attachment<L>, code: number): void {
    const wasCurrent = attachment === this.current;
    this.links = this.links.filter((other) => other !== attachment);
    if (wasCurrent) {
      this.current = undefined;
      this.#listenAgainAt = NEVER;
    }
    this.ended(attachment, code);
    if (wasCurrent && !this.current && this.state === "open") {
      this.#move("lose");
      this.emit({ type: "away", code });
    }
  }

  protected flush(): void {
    const { current, outbox } = this;
    if (current?.isWritable) {
      if (this.#beat || outbox.next <= outbox.last || outbox.queue.length) this.saidAt = this.now;
      if (this.#beat) this.emit({ type: "frame", link: current.link, frame: { kind: this.#beat } });
      this.#beat = undefined;
      for (let number = outbox.next, message = outbox.take(); message; message = outbox.take()) {
        if (!current.isNamed) this.emit({ type: "frame", link: current.link, frame: { kind: "n", number } });
        current.isNamed = true;
        this.emit({ type: "message", link: current.link, message });
      }
    }
    const isOver = outbox.queueBytes > this.options.highWaterMarkBytes;
    if (this.#isOverHighWater && !isOver) this.emit({ type: "drain" });
    this.#isOverHighWater = isOver;
  }
}
