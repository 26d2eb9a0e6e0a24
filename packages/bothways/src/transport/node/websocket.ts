/**
 * The server half of the WebSocket transport: one socket, or stream of HTTP/2, after a valid upgrade. The protocol is `wire/websocket`; here
 * are the socket, its two ends and its writes.
 *
 * Invariants: what waits here is told to the handler; every frame between two flushes leaves in one write, the 101
 * answer with the first of them; a socket that ended or was closed is destroyed within `closeTimeoutMs`; whatever the
 * peer does ends this link and nothing else, and so does a fault of our own in anything that the socket's events lead to.
 */
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { INTERNAL, OVERFLOW, SLOW_CONSUMER } from "../../model/close-code.ts";
import { errorTable } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import type { Primitives } from "../../model/primitives.ts";
import type { Link, LinkHandler } from "../../model/transport.ts";
import {
  type ClosedEvent,
  type ConnectionHost,
  type ConnectionOptions,
  createConnection,
  type WebSocketConnection,
} from "../../wire/websocket/connection.ts";
import { noCloseCode, opcode } from "../../wire/websocket/frame.ts";
import { FrameOutput } from "../../wire/websocket/output.ts";
import { encodeFrame, encodeTextFrame } from "../../wire/websocket/serializer.ts";
import { readShared } from "./shared-read.ts";

/** What all links of a server share. */
export interface WebSocketLinkOptions extends ConnectionOptions {
  readonly role: "server";
  readonly primitives: Primitives;
  readonly closeTimeoutMs: number;
  /** Told of faults of our own code; the link that met one ends with BW_INTERNAL. */
  readonly report: (error: unknown) => void;
}

export function createLinkOptions(
  primitives: Primitives,
  maxMessageBytes: number,
  report: (error: unknown) => void,
  closeTimeoutMs = 5_000,
): WebSocketLinkOptions {
  // Each call into a connection below is followed by a flush of it, so nobody needs to be asked for one.
  const output = new FrameOutput(() => {}, Buffer.allocUnsafeSlow);
  return { role: "server", primitives, maxMessageBytes, closeTimeoutMs, report, output };
}

/** Marks a message as sent once already: the second time its frame is kept, since a third is likely. */
const sentOnce = new Uint8Array(0);

export class WebSocketLink implements Link, ConnectionHost {
  readonly transport = "websocket";
  readonly rewinds = false;
  readonly #socket: Duplex;
  readonly #options: WebSocketLinkOptions;
  readonly #connection: WebSocketConnection;
  #handler: LinkHandler | undefined;
  /** Is told what waits, even after the link has ended. */
  #meter: LinkHandler | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #isBlocked = false;
  #isCorked = false;
  /** The last chunk to be written waits for `flush`, so that a single one, which is the rule, needs no corking. */
  #last: Uint8Array | undefined;
  /** What was written before has not left, so what is written now waits, and may not hold on to a shared block. */
  #isBehind = false;
  #bufferedBytes = 0;
  #isOutputHeld = false;
  #isInputHeld = false;
  #isPaused = false;

  /**
   * `socket` had its errors handled since the upgrade request came (`guardSocket`), and `answer` is what `acceptUpgrade`
   * gave for it. `connect` makes the connection that speaks the extensions agreed on.
   */
  constructor(
    socket: Duplex,
    answer: string,
    options: WebSocketLinkOptions,
    connect: (options: WebSocketLinkOptions, host: WebSocketLink) => WebSocketConnection = createConnection,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#connection = connect(options, this);
    this.#writeText(answer);
  }

  /** To be called before anything else. */
  bind(handler: LinkHandler): void {
    this.#handler = handler;
    this.#meter = handler;
  }

  /**
   * Begins to listen. The link is writable from the start, so `writable` follows `blocked` only. The first `flush` sends
   * the 101 answer, alone if need be.
   */
  open(): void {
    const socket = this.#socket;
    if (socket instanceof Socket) {
      socket.setTimeout(0).setNoDelay(true);
      readShared(socket, (bytes) => this.#read(bytes));
    }
    const ended = (): void => this.#guard(() => this.#connection.receiveEnd());
    socket.on("drain", () => this.#guard(() => this.#drain()));
    // Not as the `Buffer` it is, whose `slice` shares where that of a Uint8Array copies.
    socket.on("data", ({ buffer, byteOffset, length }: Buffer) =>
      this.#read(new Uint8Array(buffer, byteOffset, length)),
    );
    socket.on("end", ended);
    socket.on("close", () => {
      ended();
      clearTimeout(this.#closeTimer);
      this.#tell(0);
    });
    // The client may have left while it was being judged, and will not say so again.
    if (socket.destroyed || socket.readableEnded) process.nextTick(ended);
  }

  send(frame: Message): void {
    if (this.#connection.state !== "open") return;
    const { data, framed } = frame;
    if (framed !== undefined) this.#sendShared(frame, framed);
    else {
      frame.framed = sentOnce;
      if (typeof data === "string") this.#connection.sendText(data);
      else this.#connection.sendBinary(data);
    }
  }

  flush(): void {
    try {
      this.#flush();
    } catch (error) {
      this.#fail(error);
    }
  }

  close(code: number, reason: string): void {
    this.#handler = undefined;
    this.#guard(() => {
      this.#connection.close(code, reason);
      this.#flush();
      const isUnread = code === SLOW_CONSUMER || code === OVERFLOW;
      // who does not read what waits would not read the close frame behind it
      if (isUnread && this.#socket.writableLength > 0) {
        this.#socket.destroy();
        this.#tell(0);
      } else this.#expectClose();
    });
  }

  /** Asks the client for a sign of life; it is heard as `received`. */
  probe(): void {
    this.#guard(() => {
      this.#connection.sendPing();
      this.#flush();
    });
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isInputHeld) this.#socket.resume();
  }

  // What the connection tells.

  text(data: string): void {
    this.#handler?.receive(data);
  }

  /** `data` is a view of the chunk that came in: whoever decodes it copies what is to be kept. */
  binary(data: Uint8Array): void {
    this.#handler?.receive(data);
  }

  pong(): void {}

  closed(event: ClosedEvent): void {
    const handler = this.#handler;
    this.#handler = undefined;
    if (event.error !== undefined) handler?.lost(event.error);
    else if (event.code === noCloseCode) handler?.lost("BW_TRANSPORT_CLOSED");
    else handler?.lost("BW_TRANSPORT_CLOSED", event.code, event.reason);
  }

  write(bytes: Uint8Array): void {
    if (this.#last !== undefined && !this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
    }
    this.#push(this.#last);
    this.#last = bytes;
  }

  end(): void {
    this.#flush();
    this.#socket.end();
    this.#expectClose();
  }

  /** A message from the peer is being decompressed: what comes behind it waits in the kernel. */
  inputHeld(isHeld: boolean): void {
    this.#isInputHeld = isHeld;
    if (isHeld) this.#socket.pause();
    else {
      if (!this.#isPaused) this.#socket.resume();
      this.#handler?.received();
      this.flush();
    }
  }

  /** A message to the peer is being compressed. */
  outputHeld(isHeld: boolean): void {
    this.#isOutputHeld = isHeld;
    // the session hears of it with the flush that follows what it sends
    if (isHeld) return;
    this.flush();
    if (this.#socket.writableLength < this.#socket.writableHighWaterMark) this.#drain();
  }

  #read(chunk: Uint8Array): void {
    try {
      this.#connection.receive(chunk);
      this.#handler?.received();
      this.#flush();
    } catch (error) {
      this.#fail(error);
    }
  }

  #flush(): void {
    this.#options.output.flushOf(this);
    const socket = this.#socket;
    this.#push(this.#last);
    this.#last = undefined;
    if (this.#isCorked) {
      this.#isCorked = false;
      socket.uncork();
    }
    // What the kernel took at once does not count, though `write` returned false for it.
    const unsentBytes = socket.writableLength;
    this.#tell(unsentBytes + this.#connection.gatheredBytes);
    this.#isBehind = unsentBytes > 0;
    const isFull = this.#isOutputHeld || unsentBytes >= socket.writableHighWaterMark;
    if (isFull && !this.#isBlocked) this.#block();
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What state we are in nobody knows: the link ends, and with it what its handler kept for it. */
  #fail(error: unknown): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#options.report(error);
    try {
      handler?.lost("BW_INTERNAL");
      this.#connection.close(INTERNAL, errorTable.BW_INTERNAL.message);
      this.#flush();
      this.#expectClose();
    } catch (another) {
      this.#options.report(another);
      this.#socket.destroy();
    }
  }

  #tell(bytes: number): void {
    if (bytes === this.#bufferedBytes) return;
    this.#bufferedBytes = bytes;
    this.#meter?.buffered?.(bytes);
  }

  #push(bytes: Uint8Array | undefined): void {
    if (bytes === undefined || !this.#socket.writable) return;
    this.#socket.write(
      this.#isBehind && bytes.length < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes,
    );
  }

  #block(): void {
    this.#isBlocked = true;
    this.#connection.setOutputBlocked(true);
    this.#handler?.blocked();
  }

  #drain(): void {
    if (this.#isBlocked && !this.#isOutputHeld) {
      this.#isBlocked = false;
      this.#connection.setOutputBlocked(false);
      this.#handler?.writable();
    }
    this.#flush();
  }

  #sendShared(message: Message, framed: Uint8Array): void {
    const frame = framed === sentOnce ? this.#frame(message) : framed;
    message.framed = frame;
    this.#connection.sendFrame(frame);
  }

  /** As a `Buffer`: for any other `Uint8Array` a socket makes one at each write. */
  #frame({ data }: Message): Buffer {
    const { primitives } = this.#options;
    const frame =
      typeof data === "string" ? encodeTextFrame(data, primitives) : encodeFrame(opcode.binary, data);
    return Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  }

  #writeText(text: string): void {
    const { output, primitives } = this.#options;
    const offset = output.reserve(this, text.length);
    primitives.writeUtf8(text, output.block, offset, text.length);
  }

  /** RFC 6455 §7.1.1: a peer that does not end its side is not waited for. */
  #expectClose(): void {
    this.#closeTimer ??= setTimeout(() => this.#socket.destroy(), this.#options.closeTimeoutMs).unref();
  }
}
