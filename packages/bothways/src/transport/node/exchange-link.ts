/**
 * What the server's halves of all HTTP techniques share: a link made of requests, whose way up is batches
 * (docs/protocol, "HTTP"). What it needs of a request is one {@link Answer}, so it runs in a simulation as it does behind
 * `node:http`; nothing here touches Node.
 *
 * Invariants: every answer handed in is answered exactly once or gone; after `close` each request is told the same end.
 */
import { type ErrorCode, errorTable } from "../../model/errors.ts";
import type { Data, Message } from "../../model/message.ts";
import type { Link, LinkHandler } from "../../model/transport.ts";

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
  readonly frame: string;
}

export abstract class ExchangeLink implements Link {
  abstract readonly transport: string;
  readonly rewinds = true;
  protected handler: LinkHandler | undefined;
  protected end: End | undefined;
  /** Number of the newest batch. */
  protected batches = 0;

  /** To be called before anything else. */
  bind(handler: LinkHandler): void {
    this.handler = handler;
  }

  /** Takes the answer of the hello, in which the welcome will leave. */
  abstract open(answer: Answer): void;
  abstract send(frame: Message): void;
  abstract flush(): void;
  /** Lets what was sent go, with the close frame behind it. */
  protected abstract finish(close: string, code: number): void;

  /** Takes a batch: its number, and the frames that followed it. Answers with the position they led to. */
  batch(sequence: number, frames: readonly Data[], answer: Answer): void {
    const wasOver = this.end !== undefined;
    // A browser that sends a batch again by itself would repeat what has no number of its own.
    if (sequence > this.batches) this.receive(frames);
    this.batches = Math.max(this.batches, sequence);
    const { end } = this;
    // one that ends the link was in order itself: browsers print each status from 400 on to the console as an error
    if (end !== undefined) answer.send(wasOver ? end.status : 200, [end.frame]);
    else answer.send(200, this.handler === undefined ? [] : [this.handler.position()]);
  }

  close(code: number, reason: string): void {
    if (this.end !== undefined) return;
    this.end = { status: statusOfClose(code), frame: `c${code},${reason}` };
    this.finish(this.end.frame, code);
  }

  /** What a connection tells at a time of its own meets nobody who would end the link for a fault of ours. */
  protected guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.handler?.lost("BW_INTERNAL");
      throw error;
    }
  }

  protected receive(frames: readonly Data[]): void {
    for (const frame of frames) {
      if (this.end !== undefined) return;
      this.handler?.receive(frame);
    }
    if (this.end === undefined) this.handler?.received();
  }
}

/** How a request is answered that an error of the table met. `detail` is text of ours: it reaches the client. */
export function refusalOf(
  error: ErrorCode,
  detail: string = errorTable[error].message,
): [status: number, frames: readonly Data[]] {
  const { closeCode, httpStatus } = errorTable[error];
  return [httpStatus, [`c${closeCode},${detail}`]];
}

/** Close codes are 4000 for an end that is no error, and 4000 + HTTP status. */
function statusOfClose(code: number): number {
  return code >= 4400 && code <= 4599 ? code - 4000 : 200;
}
