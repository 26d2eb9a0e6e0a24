/**
 * One open WebSocket between its socket and the engine of `wire/websocket`: reads, writes, backpressure, the end.
 *
 * Invariants: all that is sent in one turn of the event loop leaves in one write per socket, with nothing waited for; an
 * idle channel holds no buffer; `gone` comes exactly once, after every other call; whatever the peer does ends this
 * channel and nothing else.
 */
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { BothwaysError } from "../model/bothways-error.ts";
import type { ErrorCode } from "../model/errors.ts";
import {
  type ClosedEvent,
  type ConnectionHost,
  createConnection,
  type WebSocketConnection,
} from "../wire/websocket/connection.ts";
import { type Opcode, opcode } from "../wire/websocket/frame.ts";
import { callAll, type SendCallback } from "./application.ts";
import type { ChannelHandler } from "./channel-handler.ts";
import { type Beating, startBeating } from "./heartbeat.ts";
import { type ChannelOptions, noBytes } from "./options.ts";
import type { PreparedMessage } from "./prepared-message.ts";
import { type Reader, Reading } from "./reading.ts";
import type { Sequence } from "./sequence.ts";
import { output, type Settling, turn } from "./turn.ts";

/** More is not copied to leave in one piece: it leaves in one vectored write. */
const mostJoinedBytes = 16_384;

const unknownEnd: ClosedEvent = { code: 1006, reason: "", wasClean: false };

/** What a channel begins with. */
export interface ChannelParts {
  /** Readable and writable, and its errors were handled until now. */
  readonly socket: Duplex;
  /** Read of it already. */
  readonly head: Uint8Array;
  readonly options: ChannelOptions;
}

export class Channel<Owner> implements ConnectionHost, Reader, Beating, Settling {
  /** While it is open, for what the engine itself offers. */
  readonly connection: WebSocketConnection;
  readonly socket: Duplex;
  readonly reading: Reading;
  readonly #options: ChannelOptions;
  readonly #owner: Owner;
  readonly #handler: ChannelHandler<Owner>;
  #event: ClosedEvent = unknownEnd;
  #stopBeating: (() => void) | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  /** For the end of the turn. Undefined: nothing. */
  #waiting: Sequence | undefined;
  /** Of what waits in the output, and of the last that waits here. */
  #callbacks: SendCallback[] | undefined;
  /** Of what was handed to the socket, until it tells of it; one that is destroyed may forget to. */
  #handed: Set<readonly SendCallback[]> | undefined;
  #heldBytes = 0;
  #hasWritten = false;
  #isCorked = false;
  #isBlocked = false;
  /** It was destroyed: what its stream gives meanwhile, and what waits behind a message, is for nobody. */
  #isDeaf = false;
  #isDrainAwaited = false;
  #isHeard = false;
  #isAsked = false;
  /** The second of the last ping or pong, and how many have come in it. */
  #controlSecond = 0;
  #controls = 0;

  constructor(
    owner: Owner,
    handler: ChannelHandler<Owner>,
    { socket, head, options }: ChannelParts,
    connect: (options: ChannelOptions, host: Channel<Owner>) => WebSocketConnection = options.connect ??
      createConnection,
  ) {
    this.socket = socket;
    this.#options = options;
    this.#owner = owner;
    this.#handler = handler;
    this.connection = connect(options, this);
    this.reading = new Reading(socket, head, this);
    socket.on("end", () => this.connection.receiveEnd());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.gone());
    if (options.heartbeatInterval > 0) this.#stopBeating = startBeating(this, options.heartbeatInterval);
  }

  /** Bytes that have not been handed to the operating system. */
  get bufferedAmount(): number {
    return (
      this.socket.writableLength + (this.#waiting?.byteLength ?? 0) + output.pendingOf(this) + this.#heldBytes
    );
  }

  /** Counts bytes that are to be sent but cannot be yet. `drained` follows their release. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#isDrainAwaited = true;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#touch();
  }

  /** Bytes before any frame: the answer to the upgrade, which leaves with the first frames. */
  preface(bytes: Uint8Array): void {
    const offset = output.reserve(this, bytes.length);
    output.block.set(bytes, offset);
  }

  /** Sends one frame of `kind`; a string is sent as text. False: wait for `drained`. */
  send(
    data: string | Uint8Array,
    kind: Opcode,
    isFinal: boolean,
    compress: boolean,
    callback: SendCallback | undefined,
  ): boolean {
    if (this.isBehind && this.isOverLimit(callback)) return false;
    if (typeof data === "string") this.connection.sendText(data, compress);
    else this.connection.sendPart(kind, data, isFinal, compress);
    return this.sent(data, callback);
  }

  /** Sends what was framed before; a client has to mask it anew. False: wait for `drained`. */
  sendPrepared(message: PreparedMessage, compress: boolean, callback: SendCallback | undefined): boolean {
    const { isBinary, payload, frame } = message;
    if (this.#options.role === "client") {
      return this.send(payload, isBinary ? opcode.binary : opcode.text, true, compress, callback);
    }
    if (this.isBehind && this.isOverLimit(callback)) return false;
    this.connection.sendFrame(frame);
    return this.sent(payload, callback);
  }

  /** What was read. */
  take(chunk: Uint8Array): void {
    if (this.#isDeaf) return;
    turn.beginRead();
    this.#isHeard = true;
    this.connection.receive(chunk);
  }

  close(code?: number, reason?: string): void {
    if (!this.connection.close(code, reason)) return;
    this.#expectEnd();
    // The answer is seen only by reading, and nothing else that comes is given to anybody.
    this.reading.resume();
  }

  /** Ends it at once: the peer gets what was sent already if it can leave, no close frame, and no message comes any more. */
  destroy(): void {
    output.flushOf(this);
    this.#letGo();
    this.#isDeaf = true;
    this.socket.destroy();
    this.connection.receiveEnd();
  }

  /** Ends it at once because of `error`. */
  fail(error: ErrorCode): void {
    this.#handler.ending(this.#owner, error);
    this.destroy();
  }

  // What the wheel of heartbeats calls.

  beat(): void {
    // Nothing can be heard of a peer whose messages are not read.
    if (this.#isHeard || this.socket.isPaused()) {
      this.#isHeard = false;
      this.#isAsked = false;
    } else if (this.#isAsked) {
      this.fail("BW_SILENT");
    } else {
      this.#isAsked = true;
      this.connection.sendPing();
    }
  }

  // What the end of the turn calls.

  /** Lets go what was written in this turn. */
  settle(): boolean {
    this.#hasWritten = false;
    const { socket } = this;
    this.#letGo();
    const isWritten = socket.writableLength === 0;
    if (isWritten || !socket.writableNeedDrain) this.#drained();
    else if (!this.#isBlocked) this.#block();
    // Another stream than a socket may give on what it is given, and be done with it.
    return isWritten && socket instanceof Socket;
  }

  // What the engine tells. The chunks are ours and each is fed once, so its views may be given away.

  text(): void {}

  textBytes(data: Uint8Array): void {
    this.#handler.message(this.#owner, asBuffer(data), false);
  }

  binary(data: Uint8Array): void {
    this.#handler.message(this.#owner, asBuffer(data), true);
  }

  ping(data: Uint8Array): void {
    this.#control("ping", data);
  }

  pong(data: Uint8Array): void {
    this.#control("pong", data);
  }

  write(bytes: Uint8Array): void {
    this.#touch();
    const waiting = this.#waiting;
    const isMuch = waiting !== undefined && waiting.byteLength + bytes.length > mostJoinedBytes;
    if (isMuch) this.#push(waiting);
    this.#waiting = (isMuch || waiting === undefined ? turn.nothing : waiting).with(bytes);
  }

  end(): void {
    this.#letGo();
    this.socket.end();
    this.#expectEnd();
  }

  closed(event: ClosedEvent): void {
    this.#event = event;
    this.#stopBeating?.();
    this.#expectEnd();
    // That TCP has ended is seen only by reading to the end.
    this.reading.resume();
    const isTold = !this.#isDeaf && event.error !== "BW_WS_ABNORMAL";
    this.#handler.ending(this.#owner, isTold ? event.error : undefined);
  }

  // What a channel that compresses does in part otherwise.

  /** Does something wait that was sent in an earlier turn? */
  protected get isBehind(): boolean {
    return this.#isBlocked;
  }

  /** Ends it where the peer has left more unread than it may. */
  protected isOverLimit(callback: SendCallback | undefined): boolean {
    if (this.bufferedAmount <= this.#options.maxBufferedAmount) return false;
    this.fail("BW_SLOW_CONSUMER");
    if (callback !== undefined) callAll([callback], new BothwaysError("BW_SLOW_CONSUMER"));
    return true;
  }

  /** After `data` was sent. False: wait for `drained`. */
  protected sent(_data: string | Uint8Array, callback: SendCallback | undefined): boolean {
    if (callback !== undefined) this.callWhenWritten(callback);
    if (this.bufferedAmount < this.socket.writableHighWaterMark) return true;
    this.#isDrainAwaited = true;
    this.#touch();
    return false;
  }

  /** Behind what is in the output. */
  protected callWhenWritten(callback: SendCallback): void {
    this.#callbacks ??= [];
    this.#callbacks.push(callback);
    this.#touch();
  }

  protected gone(): void {
    this.connection.receiveEnd();
    clearTimeout(this.#closeTimer);
    const unanswered = [...(this.#handed ?? []), this.#callbacks ?? []].flat();
    this.#handed = undefined;
    this.#callbacks = undefined;
    callAll(unanswered, new BothwaysError("BW_WS_ABNORMAL"));
    this.#handler.gone(this.#owner, this.#event);
  }

  #control(kind: "ping" | "pong", data: Uint8Array): void {
    if (this.#isDeaf) return;
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#controlSecond) {
      this.#controlSecond = second;
      this.#controls = 0;
    }
    if (++this.#controls > this.#options.maxControlRate) this.fail("BW_WS_CONTROL_RATE");
    else this.#handler.control(this.#owner, kind, asBuffer(data));
  }

  #block(): void {
    this.#isBlocked = true;
    this.connection.setOutputBlocked(true);
    this.socket.once("drain", () => {
      this.#isBlocked = false;
      this.connection.setOutputBlocked(false);
      this.#drained();
    });
  }

  /** To the socket, which holds it back for the end of the turn. */
  #push({ bytes }: Sequence): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.socket.cork();
    }
    this.#hand(bytes);
  }

  #letGo(): void {
    if (this.#waiting !== undefined || this.#callbacks !== undefined) {
      const bytes = this.#waiting?.bytes ?? noBytes;
      const callbacks = this.#callbacks;
      this.#waiting = undefined;
      this.#callbacks = undefined;
      this.#hand(bytes, callbacks);
    }
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.socket.uncork();
  }

  /** To the socket. */
  #hand(bytes: Uint8Array, callbacks?: readonly SendCallback[]): void {
    const { socket } = this;
    // What has to wait must not hold on to a block that it has a small part of.
    const own = this.#isBlocked && bytes.length < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes;
    if (callbacks !== undefined) this.#handWith(callbacks, own);
    else if (socket.writable) socket.write(own);
  }

  #handWith(callbacks: readonly SendCallback[], bytes: Uint8Array): void {
    this.#handed ??= new Set();
    this.#handed.add(callbacks);
    this.socket.write(bytes, (error) => {
      if (this.#handed?.delete(callbacks)) callAll(callbacks, error ?? undefined);
    });
  }

  #drained(): void {
    if (!this.#isDrainAwaited || this.#heldBytes > 0) return;
    this.#isDrainAwaited = false;
    this.#handler.drained(this.#owner);
  }

  /** Has `settle` called at the end of the turn. */
  #touch(): void {
    if (this.#hasWritten) return;
    this.#hasWritten = true;
    turn.settleAtEnd(this);
  }

  /** RFC 6455 §7.1.1: a peer that does not end its side is not waited for. */
  #expectEnd(): void {
    const { closeTimeout } = this.#options;
    this.#closeTimer ??= setTimeout(() => this.socket.destroy(), Math.min(closeTimeout, 0x7fffffff)).unref();
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
