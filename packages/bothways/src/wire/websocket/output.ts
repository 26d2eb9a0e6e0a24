/**
 * Where outgoing frames are built: one buffer shared by all connections of a host. The frames that one connection
 * sends in a row lie side by side and leave as one view, so that a turn of the event loop costs one write.
 *
 * Invariants: bytes handed to `write` are never touched again (a used-up block is left to its readers and a new one
 * begun); the bytes of one connection leave in the order they were reserved; at most one block waits to be flushed.
 */

/** Takes bytes to the peer, in order. Must not throw; after the connection broke it ignores them. */
export interface ByteSink {
  /** Takes the next bytes. */
  write(bytes: Uint8Array): void;
}

const blockBytes = 65_536;

/** Where outgoing frames are built, for all connections of a host. */
export class FrameOutput {
  readonly #requestFlush: () => void;
  readonly #allocate: (byteLength: number) => Uint8Array;
  /** Write what you reserved here, at the offset `reserve` returned, before the next call. */
  block: Uint8Array = new Uint8Array(0);
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
  ) {
    this.#requestFlush = requestFlush;
    this.#allocate = allocate;
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
      this.block = this.#allocate(Math.max(blockBytes, byteLength));
      this.#start = 0;
      this.#end = 0;
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
    if (this.block.length > blockBytes) {
      this.block = new Uint8Array(0);
      this.#start = 0;
      this.#end = 0;
    }
  }

  /** Hands what waits to its owner if that is `owner`. */
  flushOf(owner: ByteSink): void {
    if (this.#owner === owner) this.flush();
  }

  #handOver(owner: ByteSink): void {
    if (this.#start === this.#end) return;
    const bytes = this.block.subarray(this.#start, this.#end);
    this.#start = this.#end;
    owner.write(bytes);
  }
}
