/**
 * The server half of long polling: a link made of HTTP requests (docs/protocol, "HTTP"). What it needs of a request is
 * one {@link Answer}, so it runs in a simulation as it does behind `node:http`; nothing here touches Node.
 *
 * Invariants: every answer handed in is answered exactly once or gone; at most one is held; the link is writable while
 * one is held and at no other time; after `close` each request is told the same end.
 */
import type { Data, Message } from "../../model/message.ts";
import type { Link, LinkHandler } from "../../model/transport.ts";
import { encodeFrame } from "../../wire/native/frame.ts";

/** The way back of one HTTP request. */
export interface Answer {
  /** Answered, or nobody waits for it any more: `send` does nothing. */
  readonly isOver: boolean;
  /** Called once if the client goes away before it was answered. */
  onGone: (() => void) | undefined;
  send(status: number, frames: readonly Data[]): void;
}

interface End {
  readonly status: number;
  readonly frame: Data;
}

export class PollingLink implements Link {
  readonly transport = "long-polling";
  readonly rewinds = true;
  #handler: LinkHandler | undefined;
  #held: Answer | undefined;
  #batch: Data[] = [];
  /** Number of the newest poll; the hello's answer counts as poll 0. */
  #sequence = 0;
  /** Number of the newest batch. */
  #batches = 0;
  #end: End | undefined;

  /** To be called before anything else. */
  bind(handler: LinkHandler): void {
    this.#handler = handler;
  }

  /** Holds the answer of the hello, in which the welcome will leave. */
  open(answer: Answer): void {
    this.#hold(answer);
  }

  /** Takes a poll: its number, and the frames that followed the number. */
  poll(sequence: number, frames: readonly Data[], answer: Answer): void {
    this.#receive(frames);
    if (this.#end !== undefined) return answer.send(this.#end.status, [this.#end.frame]);
    // Sent again by a browser, or overtaken on the way: data given to it could be lost unseen.
    if (sequence <= this.#sequence) return answer.send(200, []);
    this.#sequence = sequence;
    this.#hold(answer);
  }

  /** Takes a batch: its number, and the frames that followed it. Answers with the position they led to. */
  batch(sequence: number, frames: readonly Data[], answer: Answer): void {
    // A browser that sends a batch again by itself would repeat what has no number of its own.
    if (sequence > this.#batches) this.#receive(frames);
    this.#batches = Math.max(this.#batches, sequence);
    const end = this.#end;
    if (end !== undefined) answer.send(end.status, [end.frame]);
    else answer.send(200, this.#handler === undefined ? [] : [this.#handler.position()]);
  }

  send(frame: Message): void {
    this.#batch.push(frame.data);
  }

  flush(): void {
    const held = this.#held;
    if (held === undefined || this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#release();
    held.send(200, batch);
    this.#handler?.blocked();
  }

  close(code: number, reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = { status: statusOfClose(code), frame: encodeFrame(["c", code, reason]) };
    const held = this.#held;
    const batch = this.#batch;
    this.#release();
    // The poll was in order, it is the link that ends: browsers print each status from 400 on to the console as an error.
    held?.send(200, [...batch, this.#end.frame]);
  }

  #receive(frames: readonly Data[]): void {
    for (const frame of frames) {
      if (this.#end !== undefined) return;
      this.#handler?.receive(frame);
    }
    if (this.#end === undefined) this.#handler?.received();
  }

  #hold(answer: Answer): void {
    const older = this.#held;
    this.#release();
    older?.send(200, []);
    if (answer.isOver) {
      if (older !== undefined) this.#handler?.blocked();
      return;
    }
    this.#held = answer;
    answer.onGone = () => {
      this.#release();
      this.#handler?.blocked();
    };
    this.#handler?.writable();
  }

  /** Lets go of the held answer. What was not flushed into it will be sent again (`rewinds`). */
  #release(): void {
    if (this.#held !== undefined) this.#held.onGone = undefined;
    this.#held = undefined;
    this.#batch = [];
  }
}

/** Close codes are 4000 for an end that is no error, and 4000 + HTTP status. */
function statusOfClose(code: number): number {
  return code >= 4400 && code <= 4599 ? code - 4000 : 200;
}
