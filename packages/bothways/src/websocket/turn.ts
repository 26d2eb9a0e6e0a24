/**
 * The end of a turn of the event loop: what all connections have sent in it is let go, with one write for each.
 *
 * Invariant: nothing waits for time to pass. The end comes behind the promises of the turn, so that what `async` handlers
 * send at once leaves in the same write.
 */
import { Buffer } from "node:buffer";
import { FrameOutput } from "../wire/websocket/output.ts";

/** Somebody who has written, and is to let it go. */
export interface Settling {
  /** True: all it was handed has been written, and nobody looks at it again. */
  settle(): boolean;
}

class Turn {
  /** What is written now was the last of its turn: there is nothing to hold it back for. */
  isEnding = false;
  #isPlanned = false;
  readonly #written: Settling[] = [];

  settleAtEnd(one: Settling): void {
    this.#written.push(one);
    if (!this.isEnding) this.plan();
  }

  plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(planned);
  }

  end(): void {
    this.#isPlanned = false;
    this.isEnding = true;
    output.flush();
    this.isEnding = false;
    let isWritten = true;
    for (const one of this.#written.splice(0)) isWritten = one.settle() && isWritten;
    // Who was told that it may go on has perhaps sent more, which is let go at the next end.
    output.settle(isWritten && this.#written.length === 0);
  }
}

export const turn: Turn = new Turn();

function planned(): void {
  process.nextTick(ended);
}

function ended(): void {
  turn.end();
}

/** What one read can bring fits in, echoed. */
const blockBytes = 196_608;

/** Where the frames of all connections are built. */
export const output: FrameOutput = new FrameOutput(
  () => turn.plan(),
  (byteLength) => Buffer.allocUnsafeSlow(byteLength),
  blockBytes,
);
