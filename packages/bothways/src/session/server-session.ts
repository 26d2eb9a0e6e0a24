/**
 * The server's half of the session: it is attached to by hellos, and the newest generation wins at once.
 * docs/protocol/bothways-1.md §6.
 *
 * Invariants: a link that was welcomed is a candidate until a frame on it proves that the welcome arrived; among the
 * candidates of one generation the first such frame decides; links of older generations are fenced at the hello. The
 * resume secret rotates with each welcome, and the one before stays valid until the new one was shown.
 */
import { GONE, isFinal, SLOW_CONSUMER, TAKEN_OVER, TIMEOUT } from "../model/close-code.ts";
import type { Frame, Hello } from "../model/frame.ts";
import type { Message } from "../model/message.ts";
import type { GapReason } from "../model/reasons.ts";
import { costOf, Outbox } from "./outbox.ts";
import { hasRoom, type Overflow, type QueueLimit } from "./overflow.ts";
import { type Attachment, NEVER, type Output, Session, type SessionOptions } from "./session.ts";

export interface ServerSessionOptions extends SessionOptions, QueueLimit {
  /** With more than this in the queue `isOverHighWater` is true, and `drain` follows. */
  readonly highWaterMarkBytes: number;
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
  /** What happens to this client's queue at its limit. */
  overflow: Overflow;
  /** Bytes that came and wait for `resume`. */
  heldBytes = 0;
  readonly #tokens: Tokens;
  readonly #limits: ServerSessionOptions;
  #secret: string;
  #nextSecret: string | undefined;
  #isConfirmed = false;
  #isOverHighWater = false;
  /** The queue is gone over when it would grow longer than this: from the high-water mark on whenever it has doubled. */
  #reviewBytes: number;
  /** A sender that was refused waits for room for so much. */
  #wantedBytes = 0;
  /** What came while paused. */
  #held: Output<L, M>[] | undefined;
  /** Heartbeat: when something was last heard and last said, and how many pings nothing was heard after. */
  #heardAt = 0;
  #saidAt = 0;
  #unanswered = 0;
  #expiresAt: number;

  constructor(options: ServerSessionOptions, tokens: Tokens, sid: string, attempt: string, now: number) {
    super(options);
    this.#limits = options;
    this.overflow = options.overflow;
    this.#reviewBytes = this.#firstReviewBytes;
    this.#tokens = tokens;
    this.sid = sid;
    this.attempt = attempt;
    this.#secret = tokens.createSecret();
    this.#expiresAt = now + options.connectTimeoutMs;
  }

  override get deadline(): number {
    return Math.min(super.deadline, this.#expiresAt);
  }

  get isOverHighWater(): boolean {
    return this.#isOverHighWater || this.#wantedBytes > 0;
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
    if (oldest && this.links.length === MAX_CANDIDATES) this.drop(oldest, TIMEOUT);
    this.use(this.attach(link, hello.generation));
    const welcome = {
      sid: this.sid,
      secret: this.#nextSecret,
      key,
      received: this.received,
      credit: this.credit,
      ping: [this.#limits.pingIntervalMs, this.#limits.pingTimeoutMs] as const,
      lost,
    };
    this.emit({ type: "frame", link, frame: ["w", welcome] });
    // a client that begins anew has nothing of this session, whatever it had of another
    if (!lost) this.acknowledge(hello.received, ...hello.credit);
    this.flush();
  }

  /** Delivers nothing until `resume`. The position stands still meanwhile, so the client runs out of credit. */
  pause(): void {
    if (this.#held) return;
    this.#held = [];
    const outputs = this.outputs;
    this.outputs = [];
    for (const output of outputs) this.emit(output);
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.heldBytes = 0;
    for (const output of held) super.emit(output);
  }

  protected admit(attachment: Attachment<L>, frame: Frame): boolean {
    if (frame[0] === "c") {
      this.drop(attachment, frame[1]);
      return false;
    }
    if (!this.#isConfirmed) {
      this.#isConfirmed = true;
      this.#expiresAt = NEVER;
      this.#rotate();
      if (attachment !== this.current) this.use(attachment);
      this.confirm(attachment);
    }
    return attachment === this.current && frame[0] !== "h";
  }

  protected isOver(_attachment: Attachment<L>, code: number): boolean {
    return isFinal(code);
  }

  protected override bereave(code: number): void {
    const candidate = this.links.at(-1);
    if (candidate) this.use(candidate);
    else if (this.state === "open") this.#expiresAt = this.now + this.#limits.resumeWindowMs;
    super.bereave(code);
  }

  protected override emit(output: Output<L, M>): void {
    if (output.type === "frame" || output.type === "message") this.#saidAt = this.now;
    if (this.#held && output.type === "deliver") this.#hold(this.#held, output);
    else super.emit(output);
  }

  /** What the answer before carried may be lost. A batch that was answered is not. */
  protected override renew(): void {
    this.outbox.rewind();
    super.renew();
  }

  protected override close(code: number, isRemote: boolean): void {
    // what came before the end is not lost because its reader rests
    if (isRemote) this.resume();
    super.close(code, isRemote);
    // whoever still knows the session keeps nothing of what waited in it
    this.outbox = new Outbox(0);
    this.#held = undefined;
    this.heldBytes = 0;
    this.#wantedBytes = 0;
    this.#isOverHighWater = false;
  }

  protected heard(): void {
    this.#unanswered = 0;
    this.#heardAt = this.now;
    this.silentAt = this.#quietUntil;
  }

  protected override silent(attachment: Attachment<L>): void {
    if (this.#unanswered === this.patience) return super.silent(attachment);
    if (this.#unanswered === 0) this.silentAt = this.#quietUntil;
    if (this.now < this.silentAt) return;
    // more than one, since the client needs to hear us meanwhile
    this.#unanswered++;
    this.ping(this.#limits.pingTimeoutMs);
  }

  /** A client that hears nothing gives up, so one that talks all the time is pinged too. */
  get #quietUntil(): number {
    return Math.min(this.#heardAt, this.#saidAt) + this.#limits.pingIntervalMs;
  }

  protected override tick(): void {
    super.tick();
    if (this.now >= this.#expiresAt) this.close(GONE, false);
  }

  protected override push(message: M): void {
    if (hasRoom(this.outbox, message, this.#reviewBytes) || this.#makeRoom(message)) super.push(message);
    else this.close(SLOW_CONSUMER, false);
  }

  protected override flush(): void {
    super.flush();
    const isOver =
      this.outbox.queueBytes > this.#limits.highWaterMarkBytes ||
      (this.#wantedBytes > 0 && !this.hasRoomFor(this.#wantedBytes));
    if (this.isOverHighWater && !isOver) {
      this.#wantedBytes = 0;
      this.#reviewBytes = this.#firstReviewBytes;
      this.emit({ type: "drain" });
    }
    this.#isOverHighWater = isOver;
  }

  /** Were messages of so many bytes in all, overhead included, taken without a policy? */
  hasRoomFor(bytes: number): boolean {
    const { queue, queueBytes } = this.outbox;
    return queue.length === 0 || queueBytes + bytes <= this.#limits.maxQueueBytes;
  }

  #hold(held: Output<L, M>[], output: Extract<Output<L, M>, { type: "deliver" }>): void {
    // a volatile message has come at a bad time
    if (output.number === 0) return;
    const { data } = output;
    // bytes are a view of what the transport will read the next ones into
    held.push(typeof data === "string" ? output : { ...output, data: new Uint8Array(data) });
    this.heldBytes += costOf(output);
  }

  get #firstReviewBytes(): number {
    return Math.min(this.#limits.highWaterMarkBytes, this.#limits.maxQueueBytes);
  }

  /** What no longer has to be sent leaves the queue; at the limit, also what its policy gives up. */
  #makeRoom(message: M): boolean {
    const { maxQueueBytes } = this.#limits;
    const isFull = !hasRoom(this.outbox, message, maxQueueBytes);
    // the policy may throw
    if (isFull) this.#wantedBytes = costOf(message);
    const messages = this.overflow(this.outbox, message, isFull ? maxQueueBytes : NEVER);
    this.#wantedBytes = 0;
    if (messages.length) this.emit({ type: "dropped", messages });
    const { queueBytes } = this.outbox;
    this.#reviewBytes = Math.min(maxQueueBytes, Math.max(this.#firstReviewBytes, 2 * queueBytes));
    return hasRoom(this.outbox, message, maxQueueBytes);
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
