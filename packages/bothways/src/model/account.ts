/**
 * Bytes that wait for something, and how many may. An account can be part of a larger one.
 *
 * Invariant: what was charged is given back; where nothing waits, `bytes` is 0.
 */

/** What a request that waits for its answer, or a socket that waits to be joined, costs beside its bytes. */
export const REQUEST_OVERHEAD_BYTES = 4096;

export class Account {
  bytes = 0;
  readonly limitBytes: number;
  readonly #whole: Account | undefined;

  constructor(limitBytes: number, whole?: Account) {
    this.limitBytes = limitBytes;
    this.#whole = whole;
  }

  get isOver(): boolean {
    return this.bytes > this.limitBytes;
  }

  /** So many bytes more wait; fewer, where negative. */
  charge(bytes: number): void {
    this.bytes += bytes;
    this.#whole?.charge(bytes);
  }
}
