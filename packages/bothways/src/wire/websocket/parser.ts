/**
 * Bytes to messages, for either side (RFC 6455 §5).
 *
 * - Frames are read straight from the chunk. A message that lies whole in one chunk is handed on as a view of it,
 *   unmasked in place: a chunk fed is a chunk given away, and a view is valid only during the callback.
 * - What must wait is gathered: a header in 14 bytes, a control frame in 125, a message in one buffer that all its
 *   fragments join. That buffer is never larger than four times what has arrived (sixteen times with `allocate`), whatever a header
 *   declares, and never larger than `maxMessageBytes`. Between messages nothing is held.
 * - A text is checked as it arrives. Events do not depend on how the bytes were cut into chunks.
 * - After a close frame, a fault or `stop()` the parser is deaf: the rest is discarded unread.
 */
import type { ErrorCode } from "../../model/errors.ts";
import type { Primitives } from "../../model/primitives.ts";
import {
  compressedBit,
  controlBit,
  finBit,
  isSendableCloseCode,
  length16,
  lengthBits,
  maskBit,
  maxControlBytes,
  maxHeaderBytes,
  noCloseCode,
  opcode,
  opcodeBits,
  reservedBits,
} from "./frame.ts";
import { applyMask, rotateKey } from "./mask.ts";
import { advanceUtf8, utf8Boundary, utf8Invalid } from "./utf8.ts";

/** Which side *we* are. It decides who masks (RFC 6455 §5.1) and who closes TCP (§7.1.1); nothing else differs. */
export type Role = "server" | "client";

/** What reading takes. */
export interface ParserOptions {
  /** Which side we are. */
  readonly role: Role;
  /** Limit of one message's payload, fragments together. */
  readonly maxMessageBytes: number;
  /** permessage-deflate was agreed on: RSV1 marks a compressed message (RFC 7692 §6). Default false. */
  readonly isDeflateAgreed?: boolean;
  /** How text is decoded. */
  readonly primitives: Pick<Primitives, "decodeUtf8" | "decodeAscii">;
  /** Where given, a text goes to `FrameSink.textBytes` as the bytes it came in, if this finds them to be UTF-8. */
  readonly isUtf8?: ((bytes: Uint8Array) => boolean) | undefined;
  /** Frames that one message may consist of, empty ones too. No limit where it is left out. */
  readonly maxFragments?: number | undefined;
  /**
   * Gives what a message is gathered in where its length is known: it may be uninitialised memory, which costs nothing until
   * it is written to, and is asked for more freely. Default: zeros.
   */
  readonly allocate?: ((byteLength: number) => Uint8Array) | undefined;
}

/** Receives what the peer sent. Methods must not throw and must not call `feed`; `stop` may be called from any. */
export interface FrameSink {
  text(data: string): void;
  /** Instead of `text` where `isUtf8` is given. */
  textBytes?(data: Uint8Array): void;
  binary(data: Uint8Array): void;
  /** A message as it came, compressed; only where `isDeflateAgreed`. Its UTF-8 was not checked. */
  compressed(data: Uint8Array, isText: boolean): void;
  ping(data: Uint8Array): void;
  pong(data: Uint8Array): void;
  /** The last event. `code` is 1005 where the frame carried none. */
  peerClose(code: number, reason: string): void;
  /** The last event: the peer broke the protocol or a limit. */
  fault(code: ErrorCode): void;
}

/** How much larger than what has arrived the buffer of a message may be, in zeros and in uninitialised memory. */
const zerosGrowth = 4;
const growth = 16;
/** Less is not worth a read of its own. */
const leastRoomBytes = 65_536;

/** No data message has begun. The opcode of a continuation serves, since no message can be of that kind. */
const noMessage = opcode.continuation;

export class FrameParser {
  readonly #options: ParserOptions;
  readonly #sink: FrameSink;
  readonly #forbiddenBits: number;
  #isStopped = false;
  #isHeld = false;

  // The header that is arriving, where a chunk ended inside it.
  #header: Uint8Array | undefined;
  #headerFilled = 0;

  // The frame that is arriving.
  #opcode = 0;
  #isFinal = false;
  #maskKey = 0;
  #frameBytes = 0;
  #missingBytes = 0;
  #control: Uint8Array | undefined;

  // The message that is arriving; control frames may sit between its fragments (RFC 6455 §5.4).
  #messageOpcode: number = noMessage;
  #message: Uint8Array | undefined;
  #messageBytes = 0;
  #fragments = 0;
  #utf8 = utf8Boundary;

  constructor(options: ParserOptions, sink: FrameSink) {
    this.#options = options;
    this.#sink = sink;
    this.#forbiddenBits = options.isDeflateAgreed ? reservedBits & ~compressedBit : reservedBits;
  }

  /** What the message that is arriving takes up. */
  get gatheredBytes(): number {
    return this.#message?.length ?? 0;
  }

  /** May a message end in what comes next? False: no view of `chunk` will be handed on. */
  mayEndIn(chunk: Uint8Array): boolean {
    if (this.#missingBytes > 0) return this.#missingBytes <= chunk.length;
    const payloadAt = headerBytes(chunk, 0);
    if (this.#headerFilled > 0 || !(payloadAt <= chunk.length)) return true;
    return !(payloadAt + readLength(chunk, 0) > chunk.length);
  }

  /**
   * Where the rest of a long message may be read to, and then fed as it lies there, so that nobody copies it. Undefined
   * where that would not pay.
   */
  get room(): Uint8Array | undefined {
    if (this.#missingBytes < leastRoomBytes) return undefined;
    const at = this.#messageBytes;
    const message = this.#growMessage(at + leastRoomBytes);
    return message.subarray(at, at + this.#missingBytes);
  }

  /**
   * Takes the next bytes of the stream. They are overwritten where the peer masks. Returns how many were taken: all but
   * where `hold` was called.
   */
  feed(chunk: Uint8Array): number {
    let offset = 0;
    while (offset < chunk.length && !this.#isStopped) {
      offset = this.#missingBytes > 0 ? this.#takePayload(chunk, offset) : this.#takeFrame(chunk, offset);
    }
    return this.#isHeld ? offset : chunk.length;
  }

  /** Takes no more until `release`: what waits behind the current message is fed again then. */
  hold(): void {
    this.#isHeld = !this.#isStopped;
    this.#isStopped = true;
  }

  release(): void {
    if (this.#isHeld) this.#isStopped = false;
    this.#isHeld = false;
  }

  /** Discards everything from here on and frees what was gathered. */
  stop(): void {
    this.#isStopped = true;
    this.#isHeld = false;
    this.#missingBytes = 0;
    this.#header = undefined;
    this.#control = undefined;
    this.#message = undefined;
  }

  #takeFrame(chunk: Uint8Array, offset: number): number {
    const payloadAt = offset + headerBytes(chunk, offset);
    if (this.#headerFilled > 0 || !(payloadAt <= chunk.length)) return this.#gatherHeader(chunk, offset);
    return this.#readHeader(chunk, offset) ? this.#takePayload(chunk, payloadAt) : chunk.length;
  }

  #gatherHeader(chunk: Uint8Array, offset: number): number {
    this.#header ??= new Uint8Array(maxHeaderBytes);
    const header = this.#header;
    header[this.#headerFilled++] = chunk[offset] as number;
    if (this.#headerFilled < 2 || this.#headerFilled < headerBytes(header, 0)) return offset + 1;
    this.#header = undefined;
    this.#headerFilled = 0;
    return this.#readHeader(header, 0) ? this.#takePayload(chunk, offset + 1) : chunk.length;
  }

  /** Reads and judges the complete header at `offset`; false after a fault. */
  #readHeader(bytes: Uint8Array, offset: number): boolean {
    const first = bytes[offset] as number;
    const second = bytes[offset + 1] as number;
    const isServer = this.#options.role === "server";
    this.#opcode = first & opcodeBits;
    this.#isFinal = (first & finBit) !== 0;
    const length = readLength(bytes, offset);
    const code = this.#judgeHeader(first, second, length, isServer);
    if (code !== undefined) return this.#fail(code);
    // A compressed message keeps its mark: its kind is neither of the two.
    if (this.#opcode === opcode.text || this.#opcode === opcode.binary) {
      this.#messageOpcode = first & (opcodeBits | compressedBit);
      this.#fragments = 1;
    }
    if (isServer) this.#maskKey = readInt32(bytes, offset + headerBytes(bytes, offset) - 4);
    this.#frameBytes = length;
    this.#missingBytes = length;
    return true;
  }

  #judgeHeader(first: number, second: number, length: number, isServer: boolean): ErrorCode | undefined {
    // RFC 6455 §5.2: reserved bits are zero unless an extension gave them a meaning.
    if ((first & this.#forbiddenBits) !== 0) return "BW_WS_RESERVED_BITS";
    // RFC 6455 §5.1: clients mask every frame, servers none.
    if (((second & maskBit) !== 0) !== isServer) return "BW_WS_MASK";
    switch (first & opcodeBits) {
      case opcode.continuation:
        // RFC7692-6-2: only the first frame of a message is marked as compressed
        if ((first & compressedBit) !== 0) return "BW_WS_RESERVED_BITS";
        // RFC 6455 §5.4: a continuation needs a message to continue.
        if (this.#messageOpcode === noMessage) return "BW_WS_CONTINUATION";
        if (++this.#fragments > (this.#options.maxFragments ?? this.#fragments)) return "BW_WS_FRAGMENTS";
        break;
      case opcode.text:
      case opcode.binary:
        // RFC 6455 §5.4: fragments of two messages do not mix.
        if (this.#messageOpcode !== noMessage) return "BW_WS_CONTINUATION";
        break;
      case opcode.close:
      case opcode.ping:
      case opcode.pong:
        if ((first & compressedBit) !== 0) return "BW_WS_RESERVED_BITS";
        // RFC 6455 §5.5: control frames are whole and short.
        return this.#isFinal && (second & lengthBits) <= maxControlBytes ? undefined : "BW_WS_CONTROL_FRAME";
      default:
        return "BW_WS_OPCODE";
    }
    if (Number.isNaN(length)) return "BW_WS_LENGTH";
    // RFC 6455 §10.4: judged by what is declared, before a byte of it is kept.
    if (this.#messageBytes + length > this.#options.maxMessageBytes) return "BW_MESSAGE_TOO_LARGE";
    return undefined;
  }

  /** Takes what the chunk has of the current frame's payload; that of an empty frame too. Returns where it ends. */
  #takePayload(chunk: Uint8Array, offset: number): number {
    const end = Math.min(offset + this.#missingBytes, chunk.length);
    if (end === offset && this.#missingBytes > 0) return end;
    const isAscii = this.#options.role === "server" && applyMask(chunk, offset, end, this.#maskKey);
    const isWhole = end - offset === this.#frameBytes;
    this.#missingBytes -= end - offset;
    if ((this.#opcode & controlBit) !== 0) {
      this.#takeControl(chunk, offset, end, isWhole);
    } else if (isWhole && this.#isFinal && this.#opcode !== opcode.continuation) {
      if (isAscii && this.#messageOpcode === opcode.text && !this.#options.isUtf8)
        this.#deliverAscii(chunk, offset, end);
      else this.#deliverMessage(chunk.subarray(offset, end));
    } else {
      this.#gatherMessage(chunk, offset, end, isAscii);
    }
    if (this.#missingBytes > 0) this.#maskKey = rotateKey(this.#maskKey, end - offset);
    return end;
  }

  #takeControl(chunk: Uint8Array, offset: number, end: number, isWhole: boolean): void {
    const bytes = chunk.subarray(offset, end);
    if (isWhole) {
      this.#deliverControl(bytes);
      return;
    }
    this.#control ??= new Uint8Array(this.#frameBytes);
    const control = this.#control;
    control.set(bytes, this.#frameBytes - this.#missingBytes - bytes.length);
    if (this.#missingBytes > 0) return;
    this.#control = undefined;
    this.#deliverControl(control);
  }

  #gatherMessage(chunk: Uint8Array, offset: number, end: number, isAscii: boolean): void {
    if (this.#messageOpcode === opcode.text && !(isAscii && this.#utf8 === utf8Boundary)) {
      this.#utf8 = advanceUtf8(this.#utf8, chunk, offset, end);
      if (this.#utf8 === utf8Invalid) {
        this.#fail("BW_WS_UTF8");
        return;
      }
    }
    const filled = this.#messageBytes + end - offset;
    const message = this.#growMessage(filled);
    // Else it was read to where it belongs.
    if (message.buffer !== chunk.buffer) message.set(chunk.subarray(offset, end), this.#messageBytes);
    this.#messageBytes = filled;
    if (this.#isFinal && this.#missingBytes === 0) this.#finishMessage();
  }

  /** The message buffer with room for `filled` bytes: at most so many times that, and no more than can still come. */
  #growMessage(filled: number): Uint8Array {
    const message = this.#message;
    if (message !== undefined && message.length >= filled) return message;
    const { allocate, maxMessageBytes } = this.#options;
    const most = this.#isFinal ? filled + this.#missingBytes : maxMessageBytes;
    // Only what is filled to its end may begin with what others left there.
    const grown =
      allocate !== undefined && this.#isFinal
        ? allocate(Math.min(filled * growth, most))
        : new Uint8Array(Math.min(filled * zerosGrowth, most));
    if (message !== undefined) grown.set(message.subarray(0, this.#messageBytes));
    this.#message = grown;
    return grown;
  }

  #finishMessage(): void {
    // RFC 6455 §8.1: a text may be cut into fragments anywhere, but may not end inside a code point.
    if (this.#utf8 !== utf8Boundary) {
      this.#fail("BW_WS_UTF8");
      return;
    }
    const message = this.#growMessage(this.#messageBytes).subarray(0, this.#messageBytes);
    this.#message = undefined;
    this.#messageBytes = 0;
    this.#deliverMessage(message);
  }

  /** The usual text message: no view of its bytes is needed, and nothing can be wrong with them. */
  #deliverAscii(chunk: Uint8Array, offset: number, end: number): void {
    this.#messageOpcode = noMessage;
    this.#sink.text(this.#options.primitives.decodeAscii(chunk, offset, end));
  }

  #deliverMessage(message: Uint8Array): void {
    const kind = this.#messageOpcode;
    this.#messageOpcode = noMessage;
    if (kind === opcode.binary) {
      this.#sink.binary(message);
      return;
    }
    if (kind !== opcode.text) {
      this.#sink.compressed(message, (kind & opcodeBits) === opcode.text);
      return;
    }
    const { isUtf8 } = this.#options;
    if (isUtf8 !== undefined) {
      if (isUtf8(message)) this.#sink.textBytes?.(message);
      else this.#fail("BW_WS_UTF8");
      return;
    }
    const text = this.#options.primitives.decodeUtf8(message);
    if (text === undefined) this.#fail("BW_WS_UTF8");
    else this.#sink.text(text);
  }

  #deliverControl(payload: Uint8Array): void {
    if (this.#opcode === opcode.ping) this.#sink.ping(payload);
    else if (this.#opcode === opcode.pong) this.#sink.pong(payload);
    else this.#deliverClose(payload);
  }

  /** RFC 6455 §5.5.1: nothing, or a two-byte code with a reason in UTF-8. */
  #deliverClose(payload: Uint8Array): void {
    const code = payload.length === 0 ? noCloseCode : ((payload[0] as number) << 8) | (payload[1] ?? 0);
    if (payload.length === 1 || (payload.length > 1 && !isSendableCloseCode(code))) {
      this.#fail("BW_WS_CLOSE_CODE");
      return;
    }
    const reason = this.#options.primitives.decodeUtf8(payload.subarray(2));
    if (reason === undefined) {
      this.#fail("BW_WS_UTF8");
      return;
    }
    this.stop();
    this.#sink.peerClose(code, reason);
  }

  #fail(code: ErrorCode): false {
    this.stop();
    this.#sink.fault(code);
    return false;
  }
}

/** Length of the header whose first two bytes are at `offset`; NaN where the second is not there yet. */
function headerBytes(bytes: Uint8Array, offset: number): number {
  const second = bytes[offset + 1];
  if (second === undefined) return Number.NaN;
  const length = second & lengthBits;
  const lengthBytes = length < length16 ? 0 : length === length16 ? 2 : 8;
  return 2 + lengthBytes + ((second & maskBit) === 0 ? 0 : 4);
}

/**
 * RFC 6455 §5.2: the shortest of three forms must be used, and the highest bit be 0. NaN where it was not so. Above 2^53
 * the number is not exact, and beyond any limit all the same.
 */
function readLength(bytes: Uint8Array, offset: number): number {
  const short = (bytes[offset + 1] as number) & lengthBits;
  if (short < length16) return short;
  if (short === length16) {
    const length = readInt32(bytes, offset) & 0xffff;
    return length < length16 ? Number.NaN : length;
  }
  const high = readInt32(bytes, offset + 2) >>> 0;
  const low = readInt32(bytes, offset + 6) >>> 0;
  return (high === 0 && low <= 0xffff) || high > 0x7fffffff ? Number.NaN : high * 0x1_0000_0000 + low;
}

function readInt32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)
  );
}
