/**
 * Where outgoing frames are built: one buffer shared by all connections of a host. The frames that one connection
 * sends in a row lie side by side and leave as one view, so that a turn of the event loop costs one write.
 *
 * Invariants: bytes handed to `write` are not touched again before `settle` says that they may be (a used-up block is left
 * to its readers and a new one begun); the bytes of one connection leave in the order they were reserved; at most one
 * block waits to be flushed.
 */

/** Takes bytes to the peer, in order. Must not throw; after the connection broke it ignores them. */
export interface ByteSink {
  /** Takes the next bytes. */
  write(bytes: Uint8Array): void;
}

const defaultBlockBytes = 65_536;

/** Where outgoing frames are built, for all connections of a host. */
export class FrameOutput {
  readonly #requestFlush: () => void;
  readonly #allocate: (byteLength: number) => Uint8Array;
  readonly #blockBytes: number;
  /** Write what you reserved here, at the offset `reserve` returned, before the next call. */
  block: Uint8Array = new Uint8Array(0);
  /** What is before it in the block belongs to those it was handed to. */
  #base = 0;
  #start = 0;
  #end = 0;
  #owner: ByteSink | undefined;

  /**
   * `requestFlush` is called when bytes begin to wait; the host then calls `flush` before it goes to wait itself.
   * `allocate` may return uninitialised memory.
   */
  constructor(
    requestFlush: () => void,
    allocate: (byteLength: number) => Uint8Array = (byteLength) => new Uint8Array(byteLength),
    blockBytes: number = defaultBlockBytes,
  ) {
    this.#requestFlush = requestFlush;
    this.#allocate = allocate;
    this.#blockBytes = blockBytes;
  }

  /** Makes room in `block` for `byteLength` more bytes of `owner` and returns their offset. */
  reserve(owner: ByteSink, byteLength: number): number {
    if (this.#owner !== owner) {
      const isFirst = this.#owner === undefined;
      this.flush();
      this.#owner = owner;
      if (isFirst) this.#requestFlush();
    }
    if (this.#end + byteLength > this.block.length) {
      this.#handOver(owner);
      this.#begin(this.#allocate(Math.max(this.#blockBytes, byteLength)));
    }
    const offset = this.#end;
    this.#end += byteLength;
    return offset;
  }

  /** Do bytes of `owner` wait, so that more could leave beside them? */
  holds(owner: ByteSink): boolean {
    return this.#owner === owner;
  }

  /** Sends `bytes` behind all that `owner` reserved, without copying: they must stay as they are until written. */
  pass(owner: ByteSink, bytes: Uint8Array): void {
    this.flushOf(owner);
    owner.write(bytes);
  }

  /** How much of the block is taken, by what waits and by what was handed over since the last `settle`. */
  get usedBytes(): number {
    return this.#end - this.#base;
  }

  /** How many bytes of `owner` wait here. */
  pendingOf(owner: ByteSink): number {
    return this.#owner === owner ? this.#end - this.#start : 0;
  }

  /** Hands what waits to its owner. */
  flush(): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    this.#owner = undefined;
    this.#handOver(owner);
    // A block made for one large frame is not kept.
    if (this.block.length > this.#blockBytes) this.#begin(new Uint8Array(0));
  }

  /**
   * For hosts that know what became of all they were handed since the last call. True: it has been written, and nobody
   * looks at it again. Its place is then used again, which spares allocations and keeps the block in the processor's cache.
   */
  settle(isWritten: boolean): void {
    if (!isWritten) this.#base = this.#start;
    else if (this.#owner === undefined) {
      this.#start = this.#base;
      this.#end = this.#base;
    }
  }

  /** Hands what waits to its owner if that is `owner`. */
  flushOf(owner: ByteSink): void {
    if (this.#owner === owner) this.flush();
  }

  #begin(block: Uint8Array): void {
    this.block = block;
    this.#base = 0;
    this.#start = 0;
    this.#end = 0;
  }

  #handOver(owner: ByteSink): void {
    if (this.#start === this.#end) return;
    const bytes = this.block.subarray(this.#start, this.#end);
    this.#start = this.#end;
    owner.write(bytes);
  }
}
