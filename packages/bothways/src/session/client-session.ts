/**
 * The client's half of the session: it dials links, and takes the first that is welcomed.
 * docs/protocol/bothways-1.md §6.
 *
 * Invariants: a generation is a round of attempts, and rounds only count up; the old link stays until a new one is
 * welcomed; a client that another holder of its secret replaced never comes back by itself.
 */
import { isFinal, TAKEN_OVER, TIMEOUT } from "../model/close-code.ts";
import type { Frame, Hello, Welcome } from "../model/frame.ts";
import type { Message } from "../model/message.ts";
import { type Attachment, Session, type SessionOptions } from "./session.ts";

export class ClientSession<L, M extends Message = Message> extends Session<L, M> {
  readonly #createSecret: () => string;
  #attempt: string;
  #sid: string | undefined;
  #secret: string | undefined;
  #isFenced = false;

  /** `createSecret` gives ≥ 128 random bits as text. */
  constructor(options: SessionOptions, createSecret: () => string) {
    super(options);
    this.#createSecret = createSecret;
    this.#attempt = createSecret();
  }

  /**
   * Begins an attempt: the hello to send on `link`. A hedge belongs to the round of the attempt beside it, so whichever
   * is welcomed first wins.
   */
  dial(link: L, isHedge: boolean, join: Hello["join"]): Hello {
    if (!isHedge) this.generation++;
    this.attach(link, this.generation);
    return {
      version: 1,
      attempt: this.#attempt,
      generation: this.generation,
      received: this.received,
      credit: this.credit,
      join,
      sid: this.#sid,
      secret: this.#secret,
    };
  }

  /** The device woke or the network came back: is the link still there? */
  probe(now: number): void {
    this.now = now;
    if (this.current) this.ping();
    this.flush();
  }

  protected admit(attachment: Attachment<L>, frame: Frame): boolean {
    if (attachment === this.current) return true;
    if (frame.kind === "w") this.#adopt(attachment, frame.welcome);
    return false;
  }

  protected ended(attachment: Attachment<L>, code: number): void {
    // taken over by ourselves, in a later round, or by someone else?
    const isOver = code === TAKEN_OVER ? attachment.generation === this.generation : isFinal(code);
    if (isOver && !this.current) this.close(code, true);
  }

  /** The server pings; all we do is to notice when it stops. */
  protected silent(attachment: Attachment<L>): void {
    this.drop(attachment, TIMEOUT);
  }

  /** The server fences a link as soon as it hears of a later one: we stay open until that one is welcomed or fails. */
  protected override lost(attachment: Attachment<L>, code: number): void {
    const { current } = this;
    if (code === TAKEN_OVER && attachment === current && this.links.length > 1) {
      this.#isFenced = true;
      attachment.isWritable = false;
    } else {
      super.lost(attachment, code);
    }
    if (this.#isFenced && current && this.links.length === 1) super.lost(current, code);
  }

  #adopt(attachment: Attachment<L>, welcome: Welcome): void {
    this.#isFenced = false;
    const [intervalMs, timeoutMs] = welcome.ping;
    this.intervalMs = intervalMs + timeoutMs;
    this.timeoutMs = timeoutMs;
    if (this.#sid && this.#sid !== welcome.sid) {
      const gap = { from: this.received + 1, to: undefined, reason: welcome.lost ?? "epoch" };
      this.emit({ type: "gap", gap, ...this.restart() });
      this.#attempt = this.#createSecret();
    }
    this.use(attachment);
    this.#sid = welcome.sid;
    this.#secret = welcome.secret;
    this.acknowledge(welcome.received, welcome.credit);
    for (const other of this.links) if (other !== attachment) this.drop(other, TAKEN_OVER);
    this.confirm(attachment);
    this.tell();
  }
}
