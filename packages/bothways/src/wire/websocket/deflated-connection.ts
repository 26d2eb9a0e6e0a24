/**
 * A WebSocket that compresses (RFC 7692 §6): the plain connection, with a codec before its output and behind its input.
 *
 * Invariants: messages leave and arrive in order, whether the codec answers at once or later; what comes in behind a
 * message that is being inflated is not looked at until it is delivered, so a peer has one such message at a time. The
 * codec knows zlib; here is only the order.
 */
import type { ErrorCode } from "../../model/errors.ts";
import type { Primitives } from "../../model/primitives.ts";
import {
  type ClosedEvent,
  Connection,
  type ConnectionHost,
  type ConnectionOptions,
  type ConnectionState,
  checkClose,
  type WebSocketConnection,
} from "./connection.ts";
import { compressedBit, maxControlBytes, opcode } from "./frame.ts";

/**
 * Compresses and decompresses whole messages. `done` is called once: before the call returns, with bytes that are valid
 * only during `done`, or later, with bytes that stay. `payload` is valid only until the call returns, or, above
 * `copyLimitBytes` going out, stays as it is.
 */
export interface MessageCodec {
  /** Gives undefined where the message is better sent as it is. */
  deflate(payload: Uint8Array, done: (compressed: Uint8Array | undefined) => void): void;
  /** Gives the message, of at most `maxMessageBytes`, or the peer's error. */
  inflate(payload: Uint8Array, done: (message: Uint8Array | ErrorCode) => void): void;
  /** A frame compressed without this codec goes out: nothing may refer to what went before it. */
  forget(): void;
  /** The connection is over. `done` of what is under way may still be called. */
  close(): void;
}

/** What a connection that compresses needs besides. */
export interface DeflatedHost extends ConnectionHost {
  /**
   * The codec took its time over a message of the peer's: stop reading, what still comes must wait. False: it has been
   * delivered; read on, and flush.
   */
  inputHeld(isHeld: boolean): void;
  /** Likewise with a message of ours: do not send more than must be. False: it has been sent; flush. */
  outputHeld(isHeld: boolean): void;
}

/** The options of a connection that compresses. */
export interface DeflatedOptions extends ConnectionOptions {
  /** It was, or there would be none. */
  readonly isDeflateAgreed: true;
  /** Shorter messages are sent as they are. */
  readonly thresholdBytes: number;
}

export class DeflatedConnection implements WebSocketConnection, ConnectionHost {
  readonly #options: DeflatedOptions;
  readonly #host: DeflatedHost;
  readonly #codec: MessageCodec;
  readonly #inner: Connection;
  /** What was sent behind a message that is still being deflated; undefined where none is. */
  #waiting: (() => void)[] | undefined;
  /** What came behind a message that is still being inflated; undefined where none is. */
  #unread: Uint8Array[] | undefined;
  #hasPeerEnded = false;
  #isClosing = false;

  constructor(options: DeflatedOptions, host: DeflatedHost, codec: MessageCodec) {
    this.#options = options;
    this.#host = host;
    this.#codec = codec;
    this.#inner = new Connection(options, this, host);
  }

  get state(): ConnectionState {
    const { state } = this.#inner;
    return state === "open" && this.#isClosing ? "closing" : state;
  }

  /** A message is being deflated, and what is sent now waits behind it. */
  get isOutputHeld(): boolean {
    return this.#waiting !== undefined;
  }

  /** With what came behind a message that is still being inflated. */
  get gatheredBytes(): number {
    const unreadBytes = this.#unread?.reduce((total, { length }) => total + length, 0) ?? 0;
    return this.#inner.gatheredBytes + unreadBytes;
  }

  mayEndIn(chunk: Uint8Array): boolean {
    return this.#inner.mayEndIn(chunk);
  }

  get room(): Uint8Array | undefined {
    return this.#inner.room;
  }

  receive(chunk: Uint8Array): void {
    if (this.#unread !== undefined) {
      this.#unread.push(new Uint8Array(chunk));
      return;
    }
    const taken = this.#inner.receive(chunk);
    if (taken < chunk.length) this.#keep(new Uint8Array(chunk.subarray(taken)));
  }

  receiveEnd(): void {
    if (this.#unread === undefined) this.#inner.receiveEnd();
    else this.#hasPeerEnded = true;
  }

  sendText(text: string, compress = true): boolean {
    if (this.state !== "open") return false;
    const { primitives, thresholdBytes } = this.#options;
    if (!compress || isShortText(text, thresholdBytes, primitives)) {
      this.inOrder(() => this.#inner.sendText(text));
    } else {
      const payload = new Uint8Array(primitives.utf8Length(text));
      primitives.writeUtf8(text, payload, 0, payload.length);
      this.inOrder(() => this.#deflate(payload, opcode.text));
    }
    return true;
  }

  sendBinary(data: Uint8Array, compress?: boolean): boolean {
    return this.sendPart(opcode.binary, data, true, compress);
  }

  sendPart(kind: number, data: Uint8Array, isFinal = true, compress = true): boolean {
    if (this.state !== "open") return false;
    // the caller may change it when this returns
    const payload = this.#waiting === undefined ? data : new Uint8Array(data);
    const isMessage = isFinal && (kind === opcode.text || kind === opcode.binary);
    if (isMessage && compress && data.length >= this.#options.thresholdBytes) {
      this.inOrder(() => this.#deflate(payload, kind));
    } else this.inOrder(() => this.#inner.sendPart(kind, payload, isFinal));
    return true;
  }

  sendFrame(frame: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.inOrder(() => this.#sendFrame(frame));
    return true;
  }

  /** Sends the frame that `make` gives, now or later; it is shared with others. Servers only. */
  sendShared(make: (done: (frame: Uint8Array) => void) => void): boolean {
    if (this.state !== "open") return false;
    this.inOrder(() => this.#sendMade(make, (frame) => this.#sendFrame(frame)));
    return true;
  }

  /** Calls `act` when what was sent before is in the output: now, or later; never where the connection ends before. */
  inOrder(act: () => void): void {
    if (this.#waiting === undefined) act();
    else this.#waiting.push(act);
  }

  sendPing(data?: Uint8Array): boolean {
    // the mistake of a ping too long throws in every state
    const isLate = this.#isClosing && this.#inner.state === "open";
    return isLate && (data?.length ?? 0) <= maxControlBytes ? false : this.#inner.sendPing(data);
  }

  close(code?: number, reason = ""): boolean {
    checkClose(code, reason, this.#options.primitives);
    if (this.state !== "open") return false;
    this.#isClosing = true;
    this.inOrder(() => this.#inner.close(code, reason));
    return true;
  }

  setOutputBlocked(isBlocked: boolean): void {
    this.#inner.setOutputBlocked(isBlocked);
  }

  // What the plain connection tells.

  text(data: string): void {
    if (!this.#isClosing) this.#host.text(data);
  }

  textBytes(data: Uint8Array): void {
    if (!this.#isClosing) this.#host.textBytes?.(data);
  }

  binary(data: Uint8Array): void {
    if (!this.#isClosing) this.#host.binary(data);
  }

  ping(data: Uint8Array): void {
    if (!this.#isClosing) this.#host.ping?.(data);
  }

  pong(data: Uint8Array): void {
    if (!this.#isClosing) this.#host.pong(data);
  }

  compressed(data: Uint8Array, isText: boolean): void {
    let isDone = false;
    let isLate = false;
    this.#codec.inflate(data, (message) => {
      isDone = true;
      this.#deliver(message, isText);
      if (isLate) this.#readOn();
    });
    if (isDone) return;
    isLate = true;
    this.#inner.hold();
    this.#unread = [];
    this.#host.inputHeld(true);
  }

  closed(event: ClosedEvent): void {
    this.#waiting = undefined;
    this.#codec.close();
    this.#host.closed(event);
  }

  write(bytes: Uint8Array): void {
    this.#host.write(bytes);
  }

  end(): void {
    this.#host.end();
  }

  #deliver(message: Uint8Array | ErrorCode, isText: boolean): void {
    if (this.#inner.state !== "open") return;
    if (typeof message === "string") this.#inner.fault(message);
    else if (!isText) this.binary(message);
    else this.#deliverText(message);
  }

  #deliverText(message: Uint8Array): void {
    const { isUtf8 } = this.#options;
    if (isUtf8 !== undefined) {
      if (isUtf8(message)) this.textBytes(message);
      else this.#inner.fault("BW_WS_UTF8");
    } else {
      const text = this.#options.primitives.decodeUtf8(message);
      if (text === undefined) this.#inner.fault("BW_WS_UTF8");
      else this.text(text);
    }
  }

  #keep(chunk: Uint8Array): void {
    this.#unread?.push(chunk);
  }

  /** Goes on with what came meanwhile, as far as the next message that takes its time. */
  #readOn(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    this.#inner.release();
    for (const [index, chunk] of unread.entries()) {
      const taken = this.#inner.receive(chunk);
      if (this.#unread === undefined) continue;
      for (const rest of [chunk.subarray(taken), ...unread.slice(index + 1)]) this.#keep(rest);
      return;
    }
    if (this.#hasPeerEnded) this.#inner.receiveEnd();
    this.#host.inputHeld(false);
  }

  #sendFrame(frame: Uint8Array): void {
    if (((frame[0] as number) & compressedBit) !== 0) this.#codec.forget();
    this.#inner.sendFrame(frame);
  }

  #deflate(payload: Uint8Array, kind: number): void {
    this.#sendMade<Uint8Array | undefined>(
      (done) => this.#codec.deflate(payload, done),
      (compressed) => {
        if (compressed === undefined) this.#inner.sendPart(kind, payload);
        else this.#inner.sendPart(kind | compressedBit, compressed);
      },
    );
  }

  #sendMade<Made>(make: (done: (made: Made) => void) => void, send: (made: Made) => void): void {
    let isDone = false;
    let isLate = false;
    make((made) => {
      isDone = true;
      // the connection closed meanwhile
      if (isLate && this.#waiting === undefined) return;
      send(made);
      if (isLate) this.#sendOn();
    });
    if (isDone) return;
    isLate = true;
    this.#waiting = [];
    this.#host.outputHeld(true);
  }

  /** Goes on with what was sent meanwhile, as far as the next message that takes its time. */
  #sendOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const [index, send] of waiting.entries()) {
      send();
      const rest = this.#waiting as (() => void)[] | undefined;
      if (rest === undefined) continue;
      rest.push(...waiting.slice(index + 1));
      return;
    }
    this.#host.outputHeld(false);
  }
}

/** A connection for which permessage-deflate was agreed on: messages go through `codec`, in their order. */
export function createDeflatedConnection(
  options: DeflatedOptions,
  host: DeflatedHost,
  codec: MessageCodec,
): WebSocketConnection {
  return new DeflatedConnection(options, host, codec);
}

/** No code unit takes more than three bytes: short texts are seldom measured. */
export function isShortText(
  text: string,
  thresholdBytes: number,
  primitives: Pick<Primitives, "utf8Length">,
): boolean {
  return text.length * 3 < thresholdBytes || primitives.utf8Length(text) < thresholdBytes;
}
