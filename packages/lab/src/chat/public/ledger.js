/**
 * Checks the promise: the room numbers its messages 1, 2, 3 …, so whoever hears them all can count what was lost,
 * doubled or out of order, whatever happened to the network meanwhile.
 */
export class Ledger {
  doubled = 0;
  disordered = 0;
  /** @type {Set<number>} */
  #ids = new Set();
  /** Least and greatest number known, and the greatest heard. */
  #first = 0;
  #greatest = 0;
  #last = 0;

  /** Another room, or the same one anew. */
  begin() {
    this.#ids.clear();
    this.#first = 0;
    this.#greatest = 0;
    this.#last = 0;
  }

  /**
   * A message came in.
   * @param {number} id
   */
  hear(id) {
    if (this.#ids.has(id)) {
      this.doubled++;
      return;
    }
    if (id < this.#last) this.disordered++;
    this.#last = Math.max(this.#last, id);
    this.know(id);
  }

  /**
   * The server gave one of our own messages its number. That answer may be read after a message that came with it.
   * @param {number} id
   */
  know(id) {
    this.#ids.add(id);
    this.#first = this.#first === 0 ? id : Math.min(this.#first, id);
    this.#greatest = Math.max(this.#greatest, id);
  }

  /**
   * How many numbers are missing, where `expected` of our own have none yet.
   * @param {number} expected
   */
  missing(expected) {
    const span = this.#ids.size === 0 ? 0 : this.#greatest - this.#first + 1;
    return Math.max(0, span - this.#ids.size - expected);
  }
}
