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
import { PROTOCOL_ERROR, TAKEN_OVER, TIMEOUT } from "../model/close-code.ts";
import type { Credit, Frame, Signal } from "../model/frame.ts";
import type { Data, Message } from "../model/message.ts";
import type { Gap } from "../model/reasons.ts";
import { Outbox } from "./outbox.ts";

/** State × event → state. What is not listed leaves the state as it is; an output tells of each move. */
export const transitions = {
  /** No link was ever confirmed. */
  waiting: { confirm: "open", close: "closed" },
  /** A link was confirmed, and there is still one. */
  open: { lose: "away", close: "closed" },
  /** All links were lost; the session waits to be resumed. */
  away: { confirm: "open", close: "closed" },
  closed: {},
} as const satisfies Record<string, { confirm?: "open"; lose?: "away"; close?: "closed" }>;

export type State = keyof typeof transitions;

export interface SessionOptions {
  /** How many messages may be on their way to us without an acknowledgement. Default 1,024. */
  readonly windowMessages: number;
  /** How many bytes may be on their way, to us and from us. Default 1 MiB. */
  readonly windowBytes: number;
  /** An acknowledgement waits this long for more to acknowledge, in ms. Default 1,000. */
  readonly ackDelayMs: number;
}

/** What a link says. */
export type LinkInput<L> =
  /** `undefined` where the frame was malformed. */
  | { readonly type: "frame"; readonly link: L; readonly frame: Frame | undefined }
  /** The link can take a batch. `rewinds`: a new exchange has begun. */
  | { readonly type: "writable"; readonly link: L; readonly rewinds: boolean }
  | { readonly type: "blocked"; readonly link: L; readonly rewinds?: undefined }
  /** The link ended; `code` is what the peer said, or ABNORMAL. */
  | { readonly type: "lost"; readonly link: L; readonly code: number };

export type Input<L, M extends Message> =
  | LinkInput<L>
  | { readonly type: "send"; readonly message: M }
  /** Outside the numbering: leaves at once or not at all. */
  | { readonly type: "send-volatile"; readonly message: Message }
  | { readonly type: "tick" }
  | { readonly type: "close"; readonly code: number };

export type Output<L, M extends Message> =
  | { readonly type: "frame"; readonly link: L; readonly frame: Signal }
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
  /** The link has ended, or is to be ended, with this code. */
  | { readonly type: "drop"; readonly link: L; readonly code: number }
  | { readonly type: "closed"; readonly code: number; readonly isRemote: boolean };

/** A link that was attached. */
export interface Attachment<L> {
  readonly link: L;
  readonly generation: number;
  isWritable: boolean;
  rewinds: boolean;
}

/** The peer's own window may be smaller than ours, and must not stand still until the acknowledgement's delay is over. */
const MAX_UNTOLD_BYTES = 65_536;

const MAX_PATIENCE = 8;

export const NEVER: number = Infinity;

export abstract class Session<L, M extends Message = Message> {
  state: State = "waiting";
  generation = 0;
  /** Highest number delivered. */
  received = 0;
  /** Messages that came again and were dropped. */
  duplicates = 0;
  outbox: Outbox<M>;
  readonly #windowMessages: number;
  readonly #windowBytes: number;
  readonly #ackDelayMs: number;
  protected links: Attachment<L>[] = [];
  protected current: Attachment<L> | undefined;
  protected now = 0;
  /** When the current link will have been silent for too long. */
  protected silentAt: number = NEVER;
  /** How many times as long silence is borne: a message that takes longer to cross than the heartbeat is one silence. */
  protected patience = 1;
  /** When the peer is to be told what we have, and a measure of what it was not told yet. */
  protected tellAt: number = NEVER;
  #untold = 0;
  /** From then on it goes along with a message. */
  #rideAt = 0;
  #receivedBytes = 0;
  /** Highest number queued for delivery, and the number that the next message has, once the peer has named it. */
  #admitted = 0;
  #expected = NEVER;
  /** We have named the number of our next message. */
  #isNamed = false;
  /** A ping or pong that waits for the link. */
  #beat: "p" | "o" | undefined;
  protected outputs: Output<L, M>[] = [];

  constructor({
    windowMessages = 1024,
    windowBytes = 1_048_576,
    ackDelayMs = 1000,
  }: Partial<SessionOptions>) {
    this.#windowMessages = windowMessages;
    this.#windowBytes = windowBytes;
    this.#ackDelayMs = ackDelayMs;
    this.outbox = new Outbox(windowBytes);
  }

  /** When `tick` is due, in the driver's monotonic milliseconds. */
  get deadline(): number {
    return Math.min(this.current?.isWritable ? this.tellAt : NEVER, this.silentAt);
  }

  /** The link in use. */
  get link(): L | undefined {
    return this.current?.link;
  }

  protected get credit(): Credit {
    return [this.received + this.#windowMessages, this.#receivedBytes + this.#windowBytes];
  }

  handle(input: Input<L, M>, now: number): void {
    if (this.state === "closed") return;
    this.now = now;
    if (input.type === "send") this.push(input.message);
    else if (input.type === "send-volatile") this.#pass(input.message);
    else if (input.type === "tick") this.tick();
    else if (input.type === "close") this.close(input.code, false);
    else this.#listen(input);
    this.flush();
  }

  take(): Output<L, M> | undefined {
    const { current, now } = this;
    const output = this.outputs.shift();
    if (output?.type === "deliver" && output.number) this.#deliver(output.number, output.data.length);
    // in a write that leaves anyway it costs next to nothing; exchanges tell by themselves
    if (output?.type === "message" && this.#untold && now >= this.#rideAt && !current?.rewinds)
      this.tellAt = now;
    // acknowledgements come last, when all that could be delivered was
    if (output || !current?.isWritable || this.tellAt > now) return output;
    return { type: "frame", link: current.link, frame: this.position() };
  }

  /** The acknowledgement as of now; the caller sends it. */
  position(): Signal {
    this.#rideAt = this.now + this.#ackDelayMs / 2;
    this.#untold = 0;
    this.tellAt = NEVER;
    return ["a", this.received, ...this.credit];
  }

  /** Something came in on an attached link. True where the frame is for the conversation. */
  protected abstract admit(attachment: Attachment<L>, frame: Frame): boolean;

  /** Does the end of this link with this code end the session? */
  protected abstract isOver(attachment: Attachment<L>, code: number): boolean;

  protected push(message: M): void {
    this.outbox.push(message);
  }

  protected tick(): void {
    if (this.current && this.now >= this.silentAt) this.silent(this.current);
  }

  /** Nothing was heard on the link in use for too long. */
  protected silent(attachment: Attachment<L>): void {
    this.patience = Math.min(MAX_PATIENCE, this.patience * 2);
    this.drop(attachment, TIMEOUT);
  }

  /** Something came in on the link in use: how long may it be silent now? */
  protected abstract heard(): void;

  /** Asks the peer to say something within `timeoutMs`. */
  protected ping(timeoutMs: number): void {
    this.#beat = "p";
    this.silentAt = this.now + timeoutMs;
  }

  protected emit(output: Output<L, M>): void {
    this.outputs.push(output);
  }

  protected attach(link: L, generation: number): Attachment<L> {
    const attachment = { link, generation, isWritable: false, rewinds: false };
    // `push` would make room for more than there will be
    this.links = this.links.concat(attachment);
    return attachment;
  }

  /** Makes a link the current one; both sides go on from the positions they told each other. */
  protected use(attachment: Attachment<L>): void {
    this.current = attachment;
    this.#beat = undefined;
    this.#expected = NEVER;
    this.heard();
    this.outbox.rewind();
    this.renew();
  }

  /** The peer has taken the current link too: the others are of no use any more. */
  protected confirm(attachment: Attachment<L>): void {
    for (const other of this.links) if (other !== attachment) this.drop(other, TAKEN_OVER);
    this.emit({ type: "open", link: attachment.link, from: this.state });
    this.state = "open";
  }

  /** What the peer has, as it says when a link is attached or at any time later. */
  protected acknowledge(received: number, messages: number, bytes: number): void {
    const { acked } = this.outbox;
    if (!this.outbox.acknowledge(received, messages, bytes)) this.close(PROTOCOL_ERROR, false);
    else if (received > acked) this.patience = 1;
  }

  /** A new exchange of the current link names the number it begins with. */
  protected renew(): void {
    this.#isNamed = false;
  }

  /** A link ended, or ends now. The session goes on as long as there is another. */
  protected drop(attachment: Attachment<L>, code: number): void {
    const { link } = attachment;
    this.emit({ type: "drop", link, code });
    this.links = this.links.filter((other) => other !== attachment);
    attachment.isWritable = false;
    if (this.current && this.links.includes(this.current)) return;
    this.silentAt = NEVER;
    if (this.isOver(attachment, code)) this.close(code, true);
    else this.bereave(code);
  }

  /** The link in use is gone. */
  protected bereave(code: number): void {
    if (this.links.length || this.state !== "open") return;
    this.current = undefined;
    this.state = "away";
    this.emit({ type: "away", code });
  }

  protected close(code: number, isRemote: boolean): void {
    this.end(code);
    this.state = "closed";
    this.current = undefined;
    this.emit({ type: "closed", code, isRemote });
  }

  /** Ends all links, with what can still be said. */
  protected end(code: number): void {
    this.flush();
    for (const { link } of this.links) this.emit({ type: "drop", link, code });
    this.links = [];
    this.silentAt = NEVER;
  }

  /** A new session in place of one that the peer has lost. */
  protected restart(): { unknown: M[]; unsent: M[] } {
    const { window, queue } = this.outbox;
    this.outbox = new Outbox(this.#windowBytes);
    this.state = "waiting";
    this.received = this.#admitted = this.#receivedBytes = this.#untold = 0;
    return { unknown: window, unsent: queue };
  }

  protected flush(): void {
    const { current, outbox } = this;
    if (!current?.isWritable) return;
    const { link } = current;
    if (this.#beat) this.emit({ type: "frame", link, frame: [this.#beat] });
    this.#beat = undefined;
    for (let number = outbox.next, message = outbox.take(); message; message = outbox.take()) {
      if (!this.#isNamed) this.emit({ type: "frame", link, frame: ["n", number] });
      this.#isNamed = true;
      this.emit({ type: "message", link, message });
    }
  }

  #pass(message: Message): void {
    const { current, state, outbox } = this;
    if (current?.isWritable && state === "open" && !outbox.queue.length) {
      this.emit({ type: "message", link: current.link, message });
    }
  }

  #listen(input: LinkInput<L>): void {
    const attachment = this.links.find(({ link }) => link === input.link);
    // a fenced link may go on talking for a while
    if (!attachment) return;
    if (input.type === "frame") this.#receive(attachment, input.frame);
    else if (input.type === "lost") this.drop(attachment, input.code);
    else {
      attachment.isWritable = input.type === "writable";
      attachment.rewinds ||= !!input.rewinds;
      if (input.rewinds && attachment === this.current) this.renew();
    }
  }

  #receive(attachment: Attachment<L>, frame: Frame | undefined): void {
    if (!frame) return this.drop(attachment, PROTOCOL_ERROR);
    if (!this.admit(attachment, frame)) return;
    // the small frames that begin a link come through where a large message does not
    if (frame[0] !== "n" && frame[0] !== "a") this.patience = 1;
    // an answer to a batch shows nothing of the polls, on which what the peer says comes
    if (frame[0] !== "a" || !attachment.rewinds) this.heard();
    switch (frame[0]) {
      case "n":
        this.#expected = frame[1];
        break;
      case "m":
        this.#number(attachment, frame[1]);
        break;
      case "v":
        this.emit({ type: "deliver", data: frame[1], number: 0 });
        break;
      case "a":
        this.acknowledge(frame[1], frame[2], frame[3]);
        break;
      case "p":
        this.#beat ??= "o";
    }
  }

  #number(attachment: Attachment<L>, data: Data): void {
    const number = this.#expected++;
    if (number === this.#admitted + 1) {
      this.#admitted = number;
      this.emit({ type: "deliver", data, number });
    } else if (number <= this.#admitted) {
      this.duplicates++;
    } else {
      // somebody on the way may have answered an exchange that never arrived
      this.drop(attachment, attachment.rewinds ? TIMEOUT : PROTOCOL_ERROR);
    }
  }

  #deliver(number: number, bytes: number): void {
    this.received = number;
    this.#receivedBytes += bytes;
    this.#untold += bytes + this.#windowBytes / this.#windowMessages;
    const isFar = this.#untold > Math.min(this.#windowBytes / 4, MAX_UNTOLD_BYTES);
    // the exchange that brought it tells by itself, if it is given the time
    const delayMs = (isFar ? 0 : this.#ackDelayMs) + (this.current?.rewinds ? 1 : 0);
    this.tellAt = Math.min(this.tellAt, this.now + delayMs);
  }
}
