/**
 * Raw deflate and inflate on the thread that asks, with one zlib context for any number of messages.
 *
 * This touches an internal of Node: `_handle` and `_writeState` of a zlib stream, which its public synchronous functions
 * stand on too. Those make and drop a context of up to 256 KiB with each call, which costs a small message two to five
 * times what compressing it does; and no public way leads to a context that is kept from message to message and yet
 * answers at once. Where the internal is not as expected, `openSyncZlib` says so, and callers use the public functions.
 */
import { constants, createDeflateRaw, createInflateRaw, type ZlibOptions } from "node:zlib";

interface ZlibHandle {
  onerror: (message: string, errno: number, code: string) => void;
  reset(): void;
  close(): void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
}

export class SyncZlib {
  readonly #handle: ZlibHandle;
  /** After a write: bytes of output left free, bytes of input left over. */
  readonly #left: Uint32Array;
  hasFailed = false;
  #isClosed = false;
  /** Input that the last `run` left over, because the output was full or the stream had ended. */
  leftOver = 0;

  constructor(handle: ZlibHandle, left: Uint32Array) {
    this.#handle = handle;
    this.#left = left;
    handle.onerror = () => {
      this.hasFailed = true;
    };
  }

  /** Forgets all that went before, errors too. */
  reset(): void {
    // the native side of a handle that is closed ends the process when it is used
    if (this.#isClosed) return;
    this.hasFailed = false;
    this.#handle.reset();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.hasFailed = true;
    this.#handle.close();
  }

  /** Returns how much of `output`, from `at` on, was filled. */
  run(input: Uint8Array, output: Uint8Array, at: number): number {
    if (this.#isClosed) return 0;
    const room = output.length - at;
    this.#handle.writeSync(constants.Z_SYNC_FLUSH, input, 0, input.length, output, at, room);
    const [free = room, left = 0] = this.#left;
    this.leftOver = left;
    return room - free;
  }
}

/** Undefined where this Node's streams are not as this file expects them. */
export function openSyncZlib(kind: "deflate" | "inflate", options: ZlibOptions): SyncZlib | undefined {
  return isSyncZlibKnown() ? open(kind, options) : undefined;
}

function open(kind: "deflate" | "inflate", options: ZlibOptions): SyncZlib | undefined {
  const stream: { _handle?: ZlibHandle; _writeState?: Uint32Array } =
    kind === "deflate" ? (createDeflateRaw(options) as object) : (createInflateRaw(options) as object);
  const { _handle: handle, _writeState: left } = stream;
  const isKnown =
    left instanceof Uint32Array &&
    [handle?.writeSync, handle?.reset, handle?.close].every((method) => typeof method === "function");
  return isKnown && handle !== undefined ? new SyncZlib(handle, left) : undefined;
}

let wasAsExpected: boolean | undefined;

/** Tries it out once: a message there and back, twice, and an error between that is seen and forgotten. */
export function isSyncZlibKnown(): boolean {
  wasAsExpected ??= tryOut();
  return wasAsExpected;
}

function tryOut(): boolean {
  try {
    const deflater = open("deflate", {});
    const inflater = open("inflate", {});
    if (deflater === undefined || inflater === undefined) return false;
    const message = Uint8Array.of(1, 2, 3, 1, 2, 3, 1, 2, 3);
    const isSound = [1, 2].every(() => roundTrip(deflater, inflater, message) && failsOnce(inflater));
    deflater.close();
    inflater.close();
    return isSound;
  } catch {
    return false;
  }
}

function roundTrip(deflater: SyncZlib, inflater: SyncZlib, message: Uint8Array): boolean {
  const compressed = new Uint8Array(64);
  const back = new Uint8Array(64);
  deflater.reset();
  const length = deflater.run(message, compressed, 0);
  inflater.reset();
  const backLength = inflater.run(compressed.subarray(0, length), back, 0);
  return !inflater.hasFailed && back.subarray(0, backLength).join() === message.join();
}

function failsOnce(inflater: SyncZlib): boolean {
  inflater.reset();
  inflater.run(Uint8Array.of(0xff, 0xff, 0xff), new Uint8Array(8), 0);
  return inflater.hasFailed;
}
