/**
 * The arguments of an event, one list for each time it comes: `for await (const [text] of socket.events("chat"))`.
 *
 * Invariant: nothing is left out in silence. Where more than `limit` wait the iteration gives what it has, and ends with
 * an error.
 */
import { BothwaysError } from "../model/bothways-error.ts";

/** The arguments of an event, one list for each time it comes: what `socket.events()` returns. */
export class EventIterator<Arguments> implements AsyncIterableIterator<Arguments> {
  readonly #limit: number;
  readonly #stop: () => void;
  #arrived: Arguments[] = [];
  #waiting: ((result: IteratorResult<Arguments, undefined>) => void)[] = [];
  #isOver = false;
  #error: BothwaysError | undefined;

  /** @internal `stop` is called once, when the iteration listens no more. */
  constructor(limit: number, stop: () => void) {
    this.#limit = limit;
    this.#stop = stop;
  }

  /** @internal */
  push(value: Arguments): void {
    const resolve = this.#waiting.shift();
    if (resolve) resolve({ value, done: false });
    else if (this.#arrived.length < this.#limit) this.#arrived.push(value);
    else this.end(new BothwaysError("BW_EVENTS_WAITING"));
  }

  /** @internal What has arrived is still given. */
  end(error?: BothwaysError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#stop();
    for (const resolve of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  /** The next list, when it comes; `done` when the socket has left. */
  next(): Promise<IteratorResult<Arguments, undefined>> {
    const [value] = this.#arrived;
    if (this.#arrived.length > 0) {
      this.#arrived.shift();
      return Promise.resolve({ value: value as Arguments, done: false });
    }
    const error = this.#error;
    this.#error = undefined;
    if (error) return Promise.reject(error);
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stops listening; what has arrived is forgotten. `break` in a `for await` loop calls this. */
  return(): Promise<IteratorResult<Arguments, undefined>> {
    this.end();
    this.#arrived = [];
    this.#error = undefined;
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Itself, for `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The same as `return()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
