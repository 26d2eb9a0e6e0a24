/**
 * The server half of long and short polling: a link whose way down is requests that ask (docs/protocol, "HTTP").
 *
 * Invariants: at most one answer is held; the link is writable while one is held and at no other time.
 */
import type { Data, Message } from "../../model/message.ts";
import { type Answer, ExchangeLink } from "./exchange-link.ts";

const nothing: readonly Data[] = [];

export class PollingLink extends ExchangeLink {
  readonly transport: string;
  /** Polls are answered at once, with what there is. */
  readonly #isShort: boolean;
  #held: Answer | undefined;
  #batch: Data[] = [];
  /** Number of the newest poll; the hello's answer counts as poll 0. */
  #sequence = 0;

  constructor(transport = "long-polling", isShort = false) {
    super();
    this.transport = transport;
    this.#isShort = isShort;
  }

  open(answer: Answer): void {
    this.#hold(answer);
  }

  /** Takes a poll: its number, and the frames that followed the number. */
  poll(sequence: number, frames: readonly Data[], answer: Answer): void {
    this.receive(frames);
    if (this.end !== undefined) return answer.send(this.end.status, [this.end.frame]);
    // Sent again by a browser, or overtaken on the way: data given to it could be lost unseen.
    if (sequence <= this.#sequence) return answer.send(200, this.preface());
    this.#sequence = sequence;
    this.#hold(answer);
    if (this.answersAtOnce && this.#held === answer) this.#answer(answer);
  }

  send(frame: Message): void {
    this.#batch.push(frame.data);
  }

  flush(): void {
    if (this.#held !== undefined && this.#batch.length > 0) this.#answer(this.#held);
  }

  /** The next poll is not held. */
  protected get answersAtOnce(): boolean {
    return this.#isShort;
  }

  /** What each answer to a poll begins with. */
  protected preface(): readonly Data[] {
    return nothing;
  }

  /** Answers the request that is held, if there is one, with what there is. */
  protected answerHeld(): void {
    if (this.#held !== undefined) this.#answer(this.#held);
  }

  protected finish(close: string): void {
    const held = this.#held;
    const batch = this.#batch;
    this.#release();
    // The poll was in order, it is the link that ends: browsers print each status from 400 on to the console as an error.
    held?.send(200, [...batch, close]);
  }

  #answer(held: Answer): void {
    const batch = this.#batch;
    this.#release();
    const preface = this.preface();
    held.send(200, preface.length === 0 ? batch : [...preface, ...batch]);
    this.handler?.blocked();
  }

  #hold(answer: Answer): void {
    const older = this.#held;
    this.#release();
    older?.send(200, []);
    if (answer.isOver) {
      if (older !== undefined) this.handler?.blocked();
      return;
    }
    this.#held = answer;
    answer.onGone = () =>
      this.guard(() => {
        this.#release();
        this.handler?.blocked();
      });
    this.handler?.writable();
  }

  /** Lets go of the held answer. What was not flushed into it will be sent again (`rewinds`). */
  #release(): void {
    if (this.#held !== undefined) this.#held.onGone = undefined;
    this.#held = undefined;
    this.#batch = [];
  }
}
