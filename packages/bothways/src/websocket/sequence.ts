/**
 * What waits on a socket for the end of the turn. Sockets that were sent the same things in the same order share one
 * sequence, so that frames for many are put together once for all of them.
 */
import { Buffer } from "node:buffer";
import { noBytes } from "./options.ts";

export class Sequence {
  readonly byteLength: number;
  readonly #before: Sequence | undefined;
  readonly #last: Uint8Array;
  #next: Sequence | undefined;
  #bytes: Uint8Array | undefined;

  /** Without arguments an empty one, to begin with. */
  constructor(before?: Sequence, last: Uint8Array = noBytes) {
    this.byteLength = (before?.byteLength ?? 0) + last.length;
    this.#before = before;
    this.#last = last;
    // A single part is given as it is.
    if (before === undefined || before.byteLength === 0) this.#bytes = last;
  }

  /** This with `part` behind it: the same sequence as the last time, if `part` is the same object. */
  with(part: Uint8Array): Sequence {
    if (this.#next === undefined || this.#next.#last !== part) this.#next = new Sequence(this, part);
    return this.#next;
  }

  /** All parts in one. */
  get bytes(): Uint8Array {
    this.#bytes ??= this.#join();
    return this.#bytes;
  }

  #join(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.byteLength);
    for (let at: Sequence | undefined = this; at !== undefined; at = at.#before)
      bytes.set(at.#last, at.byteLength - at.#last.length);
    return bytes;
  }
}
