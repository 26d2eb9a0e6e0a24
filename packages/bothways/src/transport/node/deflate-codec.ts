/**
 * permessage-deflate over zlib (RFC 7692 §7.2): how the messages of a connection are compressed and decompressed.
 *
 * - Without context takeover, which is the default, one codec serves all connections of the same window, and one context
 *   all codecs of the process: a connection costs no memory for it.
 * - Small messages are done at once on one context; large ones, and small ones that grow large, on Node's threads.
 * - With context takeover a connection has contexts of its own (some hundred KiB). Large messages go through them in
 *   parts, some each turn of the event loop.
 * - Nothing is inflated beyond `maxMessageBytes` and one block.
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import type { ZlibOptions } from "node:zlib";
import type { ErrorCode } from "../../model/errors.ts";
import { copyLimitBytes } from "../../wire/websocket/connection.ts";
import type { MessageCodec } from "../../wire/websocket/deflated-connection.ts";
import type { Role } from "../../wire/websocket/parser.ts";
import type { DeflateParameters } from "../../wire/websocket/permessage-deflate.ts";
import { openSyncZlib, type SyncZlib } from "./sync-zlib.ts";
import { deflateOnThread, inflateOnThread, maxStreams } from "./zlib-jobs.ts";

export interface CodecOptions {
  readonly maxMessageBytes: number;
  /** 1, the fastest, to 9. */
  readonly level: number;
  /** 1, the smallest, to 9. */
  readonly memLevel: number;
}

/** What is done at once: about half a millisecond of deflate, and less of inflate. */
const syncDeflateBytes = 32_768;
const syncInflateBytes = 16_384;
const blockBytes = 65_536;
/** With a context of its own: how much goes through it in one turn of the event loop. */
const turnBytes = 131_072;
/** What the sender took off (RFC7692-7.2.2-5). */
const tail = Uint8Array.of(0x00, 0x00, 0xff, 0xff);
/**
 * And behind it a final block that is empty: zlib comes to its end only where the message was whole. What was cut off
 * in the middle would otherwise pass for a shorter message.
 */
const ending = Uint8Array.of(...tail, 0x01, 0x00, 0x00, 0xff, 0xff);
/** One byte more, which zlib leaves over where it came to its end. */
const probed = Uint8Array.of(...ending, 0x00);
/** zlib cannot compress with the window of 256 bytes, so messages are then sent as they are. */
const unsupportedWindowBits = 8;

/** Where output of the synchronous contexts goes, and compressed input with its tail is put together. */
let blocks: { readonly input: Uint8Array; readonly output: Uint8Array } | undefined;

function takeBlocks(): { readonly input: Uint8Array; readonly output: Uint8Array } {
  blocks ??= {
    input: new Uint8Array(syncInflateBytes + probed.length),
    output: new Uint8Array(blockBytes),
  };
  return blocks;
}

type Inflated = (message: Uint8Array | ErrorCode) => void;
type Deflated = (compressed: Uint8Array | undefined) => void;

/** Makes the codecs of a server's, or a client's, connections. */
export class CodecSource {
  readonly #options: CodecOptions;
  /** By the bits of our own window. */
  readonly #shared = new Map<number, MessageCodec>();

  constructor(options: CodecOptions) {
    this.#options = options;
  }

  codecFor(role: Role, agreed: DeflateParameters): MessageCodec {
    const isServer = role === "server";
    const bits = isServer ? agreed.serverMaxWindowBits : agreed.clientMaxWindowBits;
    const keepsOurs = !(isServer ? agreed.serverNoContextTakeover : agreed.clientNoContextTakeover);
    const keepsTheirs = !(isServer ? agreed.clientNoContextTakeover : agreed.serverNoContextTakeover);
    const shared = this.sharedCodec(bits);
    return keepsOurs || keepsTheirs
      ? new KeepingCodec(shared, this.#options, { bits, keepsOurs, keepsTheirs })
      : shared;
  }

  /** Without context takeover. */
  sharedCodec(bits: number): MessageCodec {
    let shared = this.#shared.get(bits);
    if (shared === undefined) {
      shared = new SharedCodec(this.#options, bits);
      this.#shared.set(bits, shared);
    }
    return shared;
  }
}

/** By their settings: each message begins anew, so all servers and clients of the process share them. */
const deflaters = new Map<string, SyncZlib | undefined>();

function sharedDeflater(options: ZlibOptions): SyncZlib | undefined {
  const key = JSON.stringify(options);
  let deflater = deflaters.get(key);
  if (deflater === undefined) {
    deflater = openSyncZlib("deflate", options);
    deflaters.set(key, deflater);
  }
  return deflater;
}

/** A window as long as any sender's does for all of them. */
let inflater: SyncZlib | undefined;

function zlibOptions({ level, memLevel }: CodecOptions, windowBits: number): ZlibOptions {
  return { level, memLevel, windowBits };
}

/** RFC7692-7.2.1-5: each message begins with an empty window. */
class SharedCodec implements MessageCodec {
  readonly #maxBytes: number;
  readonly #canDeflate: boolean;
  readonly #zlib: ZlibOptions;
  #deflater: SyncZlib | undefined;

  constructor(options: CodecOptions, windowBits: number) {
    this.#maxBytes = options.maxMessageBytes;
    this.#canDeflate = windowBits !== unsupportedWindowBits;
    this.#zlib = zlibOptions(options, windowBits);
  }

  deflate(payload: Uint8Array, done: Deflated): void {
    if (!this.#canDeflate) return done(undefined);
    const ifShorter = (compressed: Uint8Array | undefined): void => {
      const isWorthIt = compressed !== undefined && compressed.length - tail.length < payload.length;
      done(isWorthIt ? withoutTail(compressed) : undefined);
    };
    if (payload.length <= syncDeflateBytes) {
      this.#deflater ??= sharedDeflater(this.#zlib);
      if (this.#deflater !== undefined) return ifShorter(runOnce(this.#deflater, payload));
    }
    deflateOnThread(
      payload.length > copyLimitBytes ? payload : new Uint8Array(payload),
      this.#zlib,
      ifShorter,
    );
  }

  inflate(payload: Uint8Array, done: Inflated): void {
    // RFC 7692 §7.2.3.6 has one byte for an empty message; not all senders do
    if (payload.length === 0) return done(payload);
    if (payload.length <= syncInflateBytes) {
      inflater ??= openSyncZlib("inflate", {});
      const message = inflater && inflateOnce(inflater, payload);
      if (message !== undefined) {
        const isTooLarge = typeof message === "object" && message.length > this.#maxBytes;
        return done(isTooLarge ? "BW_MESSAGE_TOO_LARGE" : message);
      }
    }
    inflateOnThread(withEnd(payload, ending), ending.length, this.#maxBytes, done);
  }

  forget(): void {}

  close(): void {}
}

interface Keeping {
  readonly bits: number;
  readonly keepsOurs: boolean;
  readonly keepsTheirs: boolean;
}

/** RFC7692-7.2.2-1..2: a window is kept from message to message, in one direction or both. */
class KeepingCodec implements MessageCodec {
  readonly #shared: MessageCodec;
  readonly #maxBytes: number;
  readonly #deflater: SyncZlib | undefined;
  readonly #inflater: SyncZlib | undefined;

  constructor(shared: MessageCodec, options: CodecOptions, { bits, keepsOurs, keepsTheirs }: Keeping) {
    this.#shared = shared;
    this.#maxBytes = options.maxMessageBytes;
    const canKeep = keepsOurs && bits !== unsupportedWindowBits;
    this.#deflater = canKeep ? openSyncZlib("deflate", zlibOptions(options, bits)) : undefined;
    this.#inflater = keepsTheirs ? openSyncZlib("inflate", {}) : undefined;
  }

  deflate(payload: Uint8Array, done: Deflated): void {
    // without a context of its own each message may still begin anew
    if (this.#deflater === undefined) return this.#shared.deflate(payload, done);
    // RFC7692-7.2.3.6-1: zlib has nothing to flush
    if (payload.length === 0) return done(Uint8Array.of(0));
    const isAtOnce = payload.length <= syncDeflateBytes;
    const input = isAtOnce || payload.length > copyLimitBytes ? payload : new Uint8Array(payload);
    runInParts(this.#deflater, input, Number.POSITIVE_INFINITY, (compressed) =>
      done(typeof compressed === "string" ? undefined : withoutTail(compressed)),
    );
  }

  inflate(payload: Uint8Array, done: Inflated): void {
    if (this.#inflater === undefined) return this.#shared.inflate(payload, done);
    runInParts(this.#inflater, withEnd(payload, tail), this.#maxBytes, done);
  }

  forget(): void {
    this.#deflater?.reset();
  }

  close(): void {
    this.#deflater?.close();
    this.#inflater?.close();
  }
}

/** One message from an empty window; undefined where it does not fit into a block. A view of the block. */
function runOnce(zlib: SyncZlib, payload: Uint8Array): Uint8Array | undefined {
  const { output } = takeBlocks();
  zlib.reset();
  const length = zlib.run(payload, output, 0);
  return zlib.hasFailed || length === output.length ? undefined : output.subarray(0, length);
}

/** Likewise, ending added and final blocks passed (RFC7692-7.2.3.4-1). */
function inflateOnce(zlib: SyncZlib, payload: Uint8Array): Uint8Array | ErrorCode | undefined {
  const { input, output } = takeBlocks();
  const end = payload.length + probed.length;
  input.set(payload);
  input.set(probed, payload.length);
  let from = 0;
  let filled = 0;
  for (let streams = 0; streams < maxStreams; streams++) {
    zlib.reset();
    filled += zlib.run(input.subarray(from, end), output, filled);
    if (zlib.hasFailed) return "BW_WS_INFLATE";
    if (filled === output.length) return undefined;
    if (zlib.leftOver === 0) return "BW_WS_INFLATE";
    // the ending was taken, or is not needed behind a final block of the peer's own
    if (zlib.leftOver === 1 || zlib.leftOver === probed.length) return output.subarray(0, filled);
    from = end - zlib.leftOver;
  }
  return "BW_WS_INFLATE";
}

/** A message through a context that is kept: at once where it is small, else over some turns of the event loop. */
function runInParts(zlib: SyncZlib, input: Uint8Array, maxBytes: number, done: Inflated): void {
  const { output } = takeBlocks();
  const parts: Uint8Array[] = [];
  let from = 0;
  let streams = 0;
  let total = 0;
  const runTurn = (): void => {
    for (let passed = 0; passed < turnBytes; ) {
      const slice = input.subarray(from, from + syncDeflateBytes);
      const length = zlib.run(slice, output, 0);
      const taken = slice.length - zlib.leftOver;
      from += taken;
      passed += taken + length;
      total += length;
      if (zlib.hasFailed) return done("BW_WS_INFLATE");
      if (total > maxBytes) return done("BW_MESSAGE_TOO_LARGE");
      const isFull = length === output.length;
      if (!isFull && from === input.length)
        return done(
          parts.length === 0 ? output.subarray(0, length) : join([...parts, output.slice(0, length)]),
        );
      parts.push(output.slice(0, length));
      if (isFull || zlib.leftOver === 0) continue;
      // a final block: what follows begins anew
      if (++streams === maxStreams) return done("BW_WS_INFLATE");
      zlib.reset();
    }
    setImmediate(runTurn);
  };
  runTurn();
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function withEnd(payload: Uint8Array, end: Uint8Array): Uint8Array {
  const whole = new Uint8Array(payload.length + end.length);
  whole.set(payload);
  whole.set(end, payload.length);
  return whole;
}

/** RFC7692-7.2.1-8: a flush ends with an empty stored block, whose last four bytes are understood. */
function withoutTail(compressed: Uint8Array): Uint8Array {
  return compressed.subarray(0, compressed.length - tail.length);
}
