/**
 * The server half of the technique `jsonp`: polls are scripts, and nobody can read the answers to POSTs (docs/protocol,
 * "Scripts"). So each answer to a poll says which batches were taken, and that to the hello is kept until it is asked for.
 *
 * Invariants: the newest batch is named to the client by every answer to a poll, and at once; an answer that nobody asks for
 * is charged as long as it is kept, and forgotten in time.
 */
import { type Account, REQUEST_OVERHEAD_BYTES } from "../../model/account.ts";
import type { ErrorCode } from "../../model/errors.ts";
import type { Data } from "../../model/message.ts";
import { type Answer, refusalOf } from "./exchange-link.ts";
import { PollingLink } from "./long-polling.ts";

export class JsonpLink extends PollingLink {
  /** Number of the batch that was named last. */
  #named = 0;

  constructor() {
    super("jsonp");
  }

  override batch(sequence: number, frames: readonly Data[], answer: Answer): void {
    super.batch(sequence, frames, answer);
    this.answerHeld();
  }

  protected override get answersAtOnce(): boolean {
    return this.#named < this.batches;
  }

  protected override preface(): readonly Data[] {
    if (this.batches === 0) return super.preface();
    this.#named = this.batches;
    return [`k${this.batches}`, this.handler?.position() ?? ""];
  }
}

/** The answers to hellos that nobody can read, each by the claim its hello came with. */
export class Claims {
  readonly #kept: Map<string, ClaimedAnswer> = new Map();
  readonly #account: Account;
  readonly #timeoutMs: number;

  /** An answer is kept for `timeoutMs`. */
  constructor(account: Account, timeoutMs: number) {
    this.#account = account;
    this.#timeoutMs = timeoutMs;
  }

  /** What the hello is answered by. `undefined` where one with this claim came before: a browser sent it again by itself. */
  create(claim: string): ClaimedAnswer | undefined {
    if (this.#kept.has(claim)) return undefined;
    const kept = new ClaimedAnswer(this.#account, () => {
      clearTimeout(timer);
      this.#kept.delete(claim);
    });
    this.#kept.set(claim, kept);
    const timer = setTimeout(() => kept.expire(), this.#timeoutMs).unref();
    return kept;
  }

  /** Answers `answer` by what is or will be kept under this claim, once. False where it is unknown. */
  collect(claim: string, answer: Answer): boolean {
    return this.#kept.get(claim)?.collect(answer) ?? false;
  }
}

/** An answer that waits for its asker. */
export class ClaimedAnswer implements Answer {
  onGone: (() => void) | undefined;
  isOver = false;
  readonly #account: Account;
  readonly #done: () => void;
  #chargedBytes = 0;
  #sent: readonly [status: number, frames: readonly Data[]] | undefined;
  #asker: Answer | undefined;

  /** `done` is called once, when nothing is kept any more. */
  constructor(account: Account, done: () => void) {
    this.#account = account;
    this.#done = done;
    this.#charge(REQUEST_OVERHEAD_BYTES);
  }

  send(status: number, frames: readonly Data[]): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#sent = [status, frames];
    if (this.#asker !== undefined) return this.#give(this.#asker);
    this.#charge(frames.reduce((bytes, frame) => bytes + frame.length, 0));
  }

  refuse(error: ErrorCode, detail?: string): void {
    this.send(...refusalOf(error, detail));
  }

  collect(asker: Answer): boolean {
    if (this.#asker !== undefined) return false;
    this.#asker = asker;
    if (this.#sent !== undefined) this.#give(asker);
    else asker.onGone = () => this.#forget();
    return true;
  }

  /** Its time is over. Who has asked is answered all the same. */
  expire(): void {
    if (this.#asker === undefined) this.#forget();
  }

  /** Nobody will ask, or who asked is gone. */
  #forget(): void {
    const wasOver = this.isOver;
    this.#finish();
    if (!wasOver) this.onGone?.();
  }

  #give(asker: Answer): void {
    asker.onGone = undefined;
    if (this.#sent !== undefined) asker.send(...this.#sent);
    this.#finish();
  }

  #finish(): void {
    this.isOver = true;
    this.#charge(-this.#chargedBytes);
    this.#done();
  }

  #charge(bytes: number): void {
    this.#chargedBytes += bytes;
    this.#account.charge(bytes);
  }
}
