/**
 * Bytes that come in pieces and are read when enough of them are there: each byte is copied once or twice, however
 * small the pieces.
 */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  #length = 0;
  #needed = 0;

  /** Adds a piece. Returns all there is as one, or `undefined` while that is less than `keep` asked for. */
  push(piece: Uint8Array): Uint8Array | undefined {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#needed) return undefined;
    const [first = piece] = this.#pieces;
    if (this.#pieces.length === 1) return first;
    const all = new Uint8Array(this.#length);
    let offset = 0;
    for (const each of this.#pieces) {
      all.set(each, offset);
      offset += each.length;
    }
    return all;
  }

  /** This is left of what `push` gave, and to go on so many bytes in all are needed. */
  keep(rest: Uint8Array, needed: number): void {
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    this.#needed = needed;
  }
}
