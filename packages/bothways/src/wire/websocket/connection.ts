/**
 * One WebSocket after its opening handshake, either side (RFC 6455 §5–§7), without I/O: bytes go in, events and bytes
 * come out through one `ConnectionHost`.
 *
 * Invariants: `closed` comes exactly once and no event after it; `end` comes exactly once and no bytes after it; at most
 * one close frame leaves and nothing follows it. The peer can make nothing throw; a caller's mistake throws at once.
 */
import { type ErrorCode, errorTable } from "../../model/errors.ts";
import type { Primitives } from "../../model/primitives.ts";
import {
  abnormalCloseCode,
  isSendableCloseCode,
  maxControlBytes,
  maxReasonBytes,
  noCloseCode,
  opcode,
} from "./frame.ts";
import { applyMask, createMaskKeySource } from "./mask.ts";
import type { ByteSink, FrameOutput } from "./output.ts";
import { FrameParser, type FrameSink, type ParserOptions } from "./parser.ts";
import { frameLength, writeFrameHeader } from "./serializer.ts";

/**
 * - `open`: messages flow.
 * - `closing`: our close frame is out, the peer's is awaited; what else comes is parsed but ignored (RFC 6455 §5.5.1).
 * - `ending`: both close frames are through, or the peer erred; the end of TCP is awaited.
 * - `closed`: TCP has ended.
 */
export type ConnectionState = "open" | "closing" | "ending" | "closed";

/** All that moves a connection: our own close, the peer's close frame, the peer's error, the end of TCP. */
export type ConnectionInput = "close" | "peerClose" | "fault" | "peerEnd";

export const transitions: Readonly<
  Record<ConnectionState, Readonly<Record<ConnectionInput, ConnectionState>>>
> = {
  open: { close: "closing", peerClose: "ending", fault: "ending", peerEnd: "closed" },
  closing: { close: "closing", peerClose: "ending", fault: "ending", peerEnd: "closed" },
  ending: { close: "ending", peerClose: "ending", fault: "ending", peerEnd: "closed" },
  closed: { close: "closed", peerClose: "closed", fault: "closed", peerEnd: "closed" },
};

/** How the WebSocket ended (RFC 6455 §7.1.5–§7.1.6). */
export interface ClosedEvent {
  /** What the peer's close frame said; 1005 if it gave none; else the close code of `error`. */
  readonly code: number;
  /** As the peer's close frame said it, or "". */
  readonly reason: string;
  /** Both close frames went through. */
  readonly wasClean: boolean;
  /** Why it was not clean. */
  readonly error?: ErrorCode | undefined;
}

/** What a connection needs from whoever owns its socket. None of these may throw. */
export interface ConnectionHost extends ByteSink {
  /** A text message. */
  text(data: string): void;
  /** Instead of `text` where the options have `isUtf8`. `data` is valid only during the call. */
  textBytes?(data: Uint8Array): void;
  /** `data` is valid only during the call: copy what is to be kept. */
  binary(data: Uint8Array): void;
  /** As `FrameSink.compressed`; needed only with `isDeflateAgreed`. */
  compressed?(data: Uint8Array, isText: boolean): void;
  /** A ping; the pong has been taken care of, unless `autoPong` is false. `data` is valid only during the call. */
  ping?(data: Uint8Array): void;
  /** A pong, asked for or not. `data` is valid only during the call. */
  pong(data: Uint8Array): void;
  /** The WebSocket is over. If TCP does not end within some seconds, destroy it. */
  closed(event: ClosedEvent): void;
  /** Send FIN behind the bytes written, go on reading until the peer's, and discard what comes. */
  end(): void;
}

/** May be one object for all connections of a host. */
export interface ConnectionOptions extends ParserOptions {
  /** From `createPrimitives`, or the platform's own. */
  readonly primitives: Pick<
    Primitives,
    "decodeUtf8" | "decodeAscii" | "utf8Length" | "writeUtf8" | "randomBytes"
  >;
  /** Where frames are built; the host flushes it. */
  readonly output: FrameOutput;
  /** False leaves pings to the host, who then owes the answers (RFC 6455 §5.5.2). Default true. */
  readonly autoPong?: boolean | undefined;
}

/** One WebSocket, either side, behind its opening handshake. */
export interface WebSocketConnection {
  /** How far it is. */
  readonly state: ConnectionState;
  /** What the message that is arriving takes up. */
  readonly gatheredBytes: number;

  /** May a message end in what comes next? False: the host is given no view of `chunk`. */
  mayEndIn(chunk: Uint8Array): boolean;
  /** Where what comes next may be read to, and then received as it lies there: a long message is then not copied. */
  readonly room: Uint8Array | undefined;

  /** Bytes from the peer. They are overwritten, and the host must not call this from one of its own callbacks. */
  receive(chunk: Uint8Array): void;
  /** The peer sent FIN, or the socket broke or was destroyed. */
  receiveEnd(): void;

  /**
   * Each `send…` returns false, and does nothing, once the connection is no longer open. `compress` false sends a
   * message as it is though compression was agreed on.
   */
  sendText(text: string, compress?: boolean): boolean;
  /** More than 64 KiB from a server are not copied, here and in `sendPart`: leave `data` as it is until written. */
  sendBinary(data: Uint8Array, compress?: boolean): boolean;
  /** Sends a frame of `encodeFrame` or `encodeTextFrame` as it is, shared with others. Servers only. */
  sendFrame(frame: Uint8Array): boolean;
  /**
   * One frame of any kind but a close frame: parts of a message, text as bytes, a pong nobody asked for. `kind` is an
   * opcode, with `compressedBit` where the payload is compressed already. Parts are not compressed, whole messages are.
   */
  sendPart(kind: number, payload: Uint8Array, isFinal?: boolean, compress?: boolean): boolean;
  /** At most 125 bytes. */
  sendPing(data?: Uint8Array): boolean;
  /**
   * Starts the closing handshake; false if it has begun already. `code` must be allowed on the wire (1000–1003,
   * 1007–1014, 3000–4999), `reason` at most 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string): boolean;

  /** While output is blocked pings are not answered; afterwards only the newest is (RFC 6455 §5.5.3). */
  setOutputBlocked(isBlocked: boolean): void;
}

/**
 * A connection that is open: the opening handshake lies behind it. Nothing is written before something is sent.
 *
 * @example
 * const output = new FrameOutput(() => queueMicrotask(() => output.flush()));
 * const options = { role: "server", maxMessageBytes: 65_536, primitives, output } as const;
 * const connection = createConnection(options, host);
 */
export function createConnection(options: ConnectionOptions, host: ConnectionHost): WebSocketConnection {
  return new Connection(options, host);
}

const nothing = new Uint8Array(0);
/** Longer payloads are not worth a copy. Above the size of a receive buffer, so a view of one is always copied. */
export const copyLimitBytes = 65_536;
/** A shared frame up to this long is copied beside its neighbours, to leave in one write with them. */
const sharedCopyLimitBytes = 4_096;

export class Connection implements WebSocketConnection, FrameSink {
  readonly #options: ConnectionOptions;
  readonly #host: ConnectionHost;
  /** Whose bytes these are to the output. */
  readonly #owner: ByteSink;
  /** Present on clients only (RFC 6455 §5.1). */
  readonly #nextMaskKey: (() => number) | undefined;
  /** Gone once nothing the peer sends matters any more. */
  #parser: FrameParser | undefined;
  #state: ConnectionState = "open";
  #hasEnded = false;
  #isOutputBlocked = false;
  #heldPong: Uint8Array | undefined;

  constructor(options: ConnectionOptions, host: ConnectionHost, owner: ByteSink = host) {
    this.#options = options;
    this.#host = host;
    this.#owner = owner;
    this.#nextMaskKey = options.role === "client" ? createMaskKeySource(options.primitives) : undefined;
    this.#parser = new FrameParser(options, this);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get gatheredBytes(): number {
    return this.#parser?.gatheredBytes ?? 0;
  }

  mayEndIn(chunk: Uint8Array): boolean {
    return this.#parser?.mayEndIn(chunk) ?? false;
  }

  get room(): Uint8Array | undefined {
    return this.#parser?.room;
  }

  /** Returns how many bytes were taken: all but after `hold`. */
  receive(chunk: Uint8Array): number {
    return this.#parser?.feed(chunk) ?? chunk.length;
  }

  /** To be called from `compressed`: nothing more is taken until `release`. */
  hold(): void {
    this.#parser?.hold();
  }

  release(): void {
    this.#parser?.release();
  }

  receiveEnd(): void {
    const before = this.#step("peerEnd");
    this.#end();
    if (before === "open" || before === "closing") this.#finish(abnormalEnd);
  }

  sendText(text: string): boolean {
    if (this.#state !== "open") return false;
    const { output, primitives } = this.#options;
    const payloadBytes = primitives.utf8Length(text);
    const maskKey = this.#nextMaskKey?.();
    const payloadAt = this.#startFrame(opcode.text, payloadBytes, maskKey);
    primitives.writeUtf8(text, output.block, payloadAt, payloadBytes);
    if (maskKey !== undefined) applyMask(output.block, payloadAt, payloadAt + payloadBytes, maskKey);
    return true;
  }

  sendBinary(data: Uint8Array): boolean {
    return this.sendPart(opcode.binary, data);
  }

  sendFrame(frame: Uint8Array): boolean {
    if (this.#nextMaskKey !== undefined)
      throw new TypeError("a client masks each frame anew and cannot share one");
    if (this.#state !== "open") return false;
    const { output } = this.#options;
    if (frame.length > sharedCopyLimitBytes || !output.holds(this.#owner)) output.pass(this.#owner, frame);
    else {
      const offset = output.reserve(this.#owner, frame.length);
      output.block.set(frame, offset);
    }
    return true;
  }

  sendPart(kind: number, payload: Uint8Array, isFinal = true): boolean {
    if (this.#state !== "open") return false;
    if (payload.length <= copyLimitBytes || this.#nextMaskKey !== undefined) {
      this.#sendCopy(kind, payload, isFinal);
      return true;
    }
    const { output } = this.#options;
    const header = output.reserve(this.#owner, frameLength(payload.length, false) - payload.length);
    writeFrameHeader(output.block, header, kind, payload.length, undefined, isFinal);
    output.pass(this.#owner, payload);
    return true;
  }

  sendPing(data: Uint8Array = nothing): boolean {
    if (data.length > maxControlBytes)
      throw new RangeError(`a ping carries at most ${maxControlBytes} bytes`);
    if (this.#state !== "open") return false;
    this.#sendCopy(opcode.ping, data);
    return true;
  }

  close(code?: number, reason = ""): boolean {
    checkClose(code, reason, this.#options.primitives);
    if (this.#step("close") !== "open") return false;
    this.#sendClose(code, reason);
    return true;
  }

  setOutputBlocked(isBlocked: boolean): void {
    this.#isOutputBlocked = isBlocked;
    const pong = this.#heldPong;
    if (isBlocked || pong === undefined) return;
    this.#heldPong = undefined;
    this.#sendCopy(opcode.pong, pong);
  }

  // What the parser tells.

  text(data: string): void {
    if (this.#state === "open") this.#host.text(data);
  }

  textBytes(data: Uint8Array): void {
    if (this.#state === "open") this.#host.textBytes?.(data);
  }

  binary(data: Uint8Array): void {
    if (this.#state === "open") this.#host.binary(data);
  }

  compressed(data: Uint8Array, isText: boolean): void {
    if (this.#state === "open") this.#host.compressed?.(data, isText);
  }

  ping(data: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.#options.autoPong !== false) {
      if (this.#isOutputBlocked) this.#heldPong = new Uint8Array(data);
      else this.#sendCopy(opcode.pong, data);
    }
    this.#host.ping?.(data);
  }

  pong(data: Uint8Array): void {
    if (this.#state === "open") this.#host.pong(data);
  }

  peerClose(code: number, reason: string): void {
    // RFC 6455 §5.5.1: a close frame is answered by one with its code, unless ours went first.
    if (this.#step("peerClose") === "open") this.#sendClose(code === noCloseCode ? undefined : code, "");
    // RFC 6455 §7.1.1: the server closes TCP first, so that TIME_WAIT is with the client.
    if (this.#options.role === "server") this.#end();
    this.#finish({ code, reason, wasClean: true });
  }

  fault(error: ErrorCode): void {
    const { closeCode } = errorTable[error];
    // RFC 6455 §7.1.7: the peer is told why, its answer is not awaited.
    if (this.#step("fault") === "open") this.#sendClose(closeCode, "");
    this.#end();
    this.#finish({ code: closeCode, reason: "", wasClean: false, error });
  }

  /** Takes the transition and returns the state it led out of. */
  #step(input: ConnectionInput): ConnectionState {
    const before = this.#state;
    this.#state = transitions[before][input];
    return before;
  }

  #sendClose(code: number | undefined, reason: string): void {
    this.#heldPong = undefined;
    this.#sendCopy(opcode.close, encodeClosePayload(code, reason, this.#options.primitives));
  }

  #sendCopy(kind: number, payload: Uint8Array, isFinal = true): void {
    const maskKey = this.#nextMaskKey?.();
    const payloadAt = this.#startFrame(kind, payload.length, maskKey, isFinal);
    const { block } = this.#options.output;
    block.set(payload, payloadAt);
    if (maskKey !== undefined) applyMask(block, payloadAt, payloadAt + payload.length, maskKey);
  }

  /** Makes room for a frame, writes its header and returns where in the output's block the payload goes. */
  #startFrame(kind: number, payloadBytes: number, maskKey: number | undefined, isFinal = true): number {
    const { output } = this.#options;
    const offset = output.reserve(this.#owner, frameLength(payloadBytes, maskKey !== undefined));
    return writeFrameHeader(output.block, offset, kind, payloadBytes, maskKey, isFinal);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.output.flushOf(this.#owner);
    this.#host.end();
  }

  #finish(event: ClosedEvent): void {
    this.#parser?.stop();
    this.#parser = undefined;
    this.#heldPong = undefined;
    this.#host.closed(event);
  }
}

/** Throws on what may not be sent. */
export function checkClose(
  code: number | undefined,
  reason: string,
  primitives: Pick<Primitives, "utf8Length">,
): void {
  if (code === undefined && reason !== "") throw new TypeError("a close reason needs a close code");
  if (code !== undefined && !isSendableCloseCode(code))
    throw new RangeError(`close code ${code} may not be sent`);
  if (primitives.utf8Length(reason) > maxReasonBytes) {
    throw new RangeError(`a close reason has at most ${maxReasonBytes} bytes`);
  }
}

/** RFC 6455 §5.5.1: nothing, or a two-byte code with a reason. */
function encodeClosePayload(
  code: number | undefined,
  reason: string,
  primitives: Pick<Primitives, "utf8Length" | "writeUtf8">,
): Uint8Array {
  if (code === undefined) return nothing;
  const reasonBytes = primitives.utf8Length(reason);
  const payload = new Uint8Array(2 + reasonBytes);
  payload[0] = code >>> 8;
  payload[1] = code;
  primitives.writeUtf8(reason, payload, 2, reasonBytes);
  return payload;
}

const abnormalEnd: ClosedEvent = {
  code: abnormalCloseCode,
  reason: "",
  wasClean: false,
  error: "BW_WS_ABNORMAL",
};
