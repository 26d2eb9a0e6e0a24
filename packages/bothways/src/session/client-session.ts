/**
 * The client's half of the session: it dials links, and takes the first that is welcomed.
 * docs/protocol/bothways-1.md §6.
 *
 * Invariants: a generation is a round of attempts, and rounds only count up; the old link stays until a new one is
 * welcomed, in name even where the server has fenced it; a client that another holder of its secret replaced never
 * comes back by itself.
 */
import { isFinal, TAKEN_OVER } from "../model/close-code.ts";
import type { Frame, Hello, Welcome } from "../model/frame.ts";
import type { Message } from "../model/message.ts";
import { type Attachment, NEVER, Session, type SessionOptions } from "./session.ts";

export class ClientSession<L, M extends Message = Message> extends Session<L, M> {
  readonly #createSecret: () => string;
  #attempt: string;
  #welcome: Welcome | undefined;

  /** `createSecret` gives ≥ 128 random bits as text. */
  constructor(options: Partial<SessionOptions>, createSecret: () => string) {
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
    const { generation, received, credit } = this;
    this.attach(link, generation);
    const { sid, secret } = this.#welcome ?? {};
    return { version: 1, attempt: this.#attempt, generation, received, credit, join, sid, secret };
  }

  /** The device woke or the network came back: is the link still there? */
  probe(now: number): void {
    this.now = now;
    if (this.#welcome && this.silentAt < NEVER) this.ping(this.#welcome.ping[1]);
    this.flush();
  }

  protected admit(attachment: Attachment<L>, frame: Frame): boolean {
    if (attachment === this.current) return true;
    if (frame[0] === "w") this.#adopt(attachment, frame[1]);
    return false;
  }

  /** The server pings; all we do is to notice when it stops. */
  protected heard(): void {
    const [intervalMs, timeoutMs] = (this.#welcome as Welcome).ping;
    this.silentAt = this.now + (intervalMs + timeoutMs) * this.patience;
  }

  /** Taken over by ourselves, in a later round, or by someone else? */
  protected isOver({ generation }: Attachment<L>, code: number): boolean {
    return code === TAKEN_OVER ? generation === this.generation : isFinal(code);
  }

  /** Ends all links with `code`, which is for the server alone, and waits to be resumed. */
  leave(code: number): void {
    this.#hurry();
    this.end(code);
    this.bereave(code);
  }

  protected override close(code: number, isRemote: boolean): void {
    if (!isRemote) this.#hurry();
    super.close(code, isRemote);
  }

  /** On a link of exchanges the last one takes what waits for the one before, and what that one may not bring. */
  #hurry(): void {
    const { current } = this;
    if (!current?.rewinds || current.isWritable) return;
    current.isWritable = true;
    this.outbox.rewind();
    this.renew();
  }

  #adopt(attachment: Attachment<L>, welcome: Welcome): void {
    const known = this.#welcome;
    this.#welcome = welcome;
    if (known && known.sid !== welcome.sid) {
      const gap = { from: this.received + 1, to: undefined, reason: welcome.lost ?? "epoch" };
      this.emit({ type: "gap", gap, ...this.restart() });
      this.#attempt = this.#createSecret();
    }
    this.use(attachment);
    this.confirm(attachment);
    this.acknowledge(welcome.received, ...welcome.credit);
    this.tellAt = this.now;
  }
}
