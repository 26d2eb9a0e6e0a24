/**
 * The server's half of the session: it is attached to by hellos, and the newest generation wins at once.
 * docs/protocol/bothways-1.md §6.
 *
 * Invariants: a link that was welcomed is a candidate until a frame on it proves that the welcome arrived; among the
 * candidates of one generation the first such frame decides; links of older generations are fenced at the hello. The
 * resume secret rotates with each welcome, and the one before stays valid until the new one was shown.
 */
import { GONE, isFinal, TAKEN_OVER } from "../model/close-code.ts";
import type { Frame, Hello } from "../model/frame.ts";
import type { Message } from "../model/message.ts";
import type { GapReason } from "../model/reasons.ts";
import { type Attachment, NEVER, Session, type SessionOptions } from "./session.ts";

export interface ServerSessionOptions extends SessionOptions {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** A session that no frame has confirmed by then ends. */
  readonly connectTimeoutMs: number;
  /** A lost client may come back this long. */
  readonly resumeWindowMs: number;
}

/** Secrets and keys, from the platform. */
export interface Tokens {
  /** ≥ 128 random bits as base64url. */
  createSecret(): string;
  /** Compares in constant time. */
  isEqual(a: string, b: string): boolean;
}

/** A hello may come twice and a hedge beside it; nobody needs more links at once. */
const MAX_CANDIDATES = 4;

export class ServerSession<L, M extends Message = Message> extends Session<L, M> {
  readonly sid: string;
  /** The client's secret id of the hello that began this session. */
  readonly attempt: string;
  readonly #tokens: Tokens;
  readonly #limits: ServerSessionOptions;
  #secret: string;
  #nextSecret: string | undefined;
  #isConfirmed = false;
  #expiresAt: number;

  constructor(options: ServerSessionOptions, tokens: Tokens, sid: string, attempt: string, now: number) {
    super(options);
    this.#limits = options;
    this.#tokens = tokens;
    this.sid = sid;
    this.attempt = attempt;
    this.#secret = tokens.createSecret();
    this.intervalMs = options.pingIntervalMs;
    this.timeoutMs = options.pingTimeoutMs;
    this.#expiresAt = now + options.connectTimeoutMs;
  }

  override get deadline(): number {
    return Math.min(super.deadline, this.#expiresAt);
  }

  /** Does this hello come from the session's client? By its resume secret, or by its attempt before any was confirmed. */
  owns({ sid, secret = "", attempt }: Hello): boolean {
    const { isEqual } = this.#tokens;
    if (sid !== this.sid) return this.state === "waiting" && isEqual(attempt, this.attempt);
    return (
      isEqual(secret, this.#secret) || (this.#nextSecret !== undefined && isEqual(secret, this.#nextSecret))
    );
  }

  /**
   * Attaches a link for a hello that `owns` accepted. `key` authorises the link's later requests; `lost` says that the
   * client asked for a session that is gone.
   */
  accept(link: L, hello: Hello, key: string, lost: GapReason | undefined, now: number): void {
    this.now = now;
    if (hello.generation < this.generation || (hello.generation === this.generation && this.#isConfirmed)) {
      return this.emit({ type: "drop", link, code: TAKEN_OVER });
    }
    if (hello.generation > this.generation) this.#fence(hello.generation);
    if (hello.sid && this.#nextSecret && this.#tokens.isEqual(hello.secret ?? "", this.#nextSecret))
      this.#rotate();
    this.#nextSecret ??= this.#tokens.createSecret();
    const [oldest] = this.links;
    if (oldest && this.links.length === MAX_CANDIDATES) this.drop(oldest, TAKEN_OVER);
    this.use(this.attach(link, hello.generation));
    const welcome = {
      sid: this.sid,
      secret: this.#nextSecret,
      key,
      received: this.received,
      credit: this.credit,
      ping: [this.intervalMs, this.timeoutMs] as const,
      lost,
    };
    this.emit({ type: "frame", link, frame: { kind: "w", welcome } });
    // a client that begins anew has nothing of this session, whatever it had of another
    if (lost) this.acknowledge(0, [0, 0]);
    else this.acknowledge(hello.received, hello.credit);
    this.flush();
  }

  protected admit(attachment: Attachment<L>, frame: Frame): boolean {
    if (!this.#isConfirmed) {
      this.#isConfirmed = true;
      this.#expiresAt = NEVER;
      this.#rotate();
      if (attachment !== this.current) this.use(attachment);
      for (const other of this.links) if (other !== attachment) this.drop(other, TAKEN_OVER);
      this.confirm(attachment);
    }
    return attachment === this.current && frame.kind !== "h";
  }

  protected ended(_attachment: Attachment<L>, code: number): void {
    const candidate = this.links.at(-1);
    if (this.current || this.state === "closed") return;
    if (isFinal(code)) this.close(code, true);
    else if (candidate) this.use(candidate);
    else if (this.state === "open") this.#expiresAt = this.now + this.#limits.resumeWindowMs;
  }

  /** A client that hears nothing gives up, so one that talks all the time is pinged too. */
  protected override get quietSince(): number {
    return Math.min(this.heardAt, this.saidAt);
  }

  protected silent(): void {
    this.ping();
  }

  /** The driver forgets a link when it is dropped, and one that is lost has to be forgotten too. */
  protected override lost(attachment: Attachment<L>, code: number): void {
    this.drop(attachment, code);
  }

  protected override tick(): void {
    super.tick();
    if (this.now >= this.#expiresAt) this.close(GONE, false);
  }

  #fence(generation: number): void {
    this.generation = generation;
    this.#isConfirmed = false;
    for (const attachment of this.links) this.emit({ type: "drop", link: attachment.link, code: TAKEN_OVER });
    this.links = [];
    this.current = undefined;
  }

  #rotate(): void {
    this.#secret = this.#nextSecret ?? this.#secret;
    this.#nextSecret = undefined;
  }
}
