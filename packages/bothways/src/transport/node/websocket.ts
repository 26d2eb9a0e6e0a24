/**
 * The server half of the WebSocket transport: one socket after a valid upgrade. The protocol is `wire/websocket`; here
 * are the socket, its two ends and its writes.
 *
 * Invariants: every frame between two flushes leaves in one write, the 101 answer with the first of them; a socket that
 * ended or was closed is destroyed within `closeTimeoutMs`; whatever the peer does ends this link and nothing else.
 */
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
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
import { acceptKey } from "../../wire/websocket/handshake-key.ts";
import { FrameOutput } from "../../wire/websocket/output.ts";
import { encodeFrame, encodeTextFrame } from "../../wire/websocket/serializer.ts";
import { encodeAcceptResponse } from "../../wire/websocket/server-handshake.ts";

/** What all links of a server share. */
export interface WebSocketLinkOptions extends ConnectionOptions {
  readonly role: "server";
  readonly primitives: Primitives;
  readonly closeTimeoutMs: number;
}

export function createLinkOptions(
  primitives: Primitives,
  maxMessageBytes: number,
  closeTimeoutMs = 5_000,
): WebSocketLinkOptions {
  // Each call into a connection below is followed by a flush of it, so nobody needs to be asked for one.
  const output = new FrameOutput(() => {}, Buffer.allocUnsafeSlow);
  return { role: "server", primitives, maxMessageBytes, closeTimeoutMs, output };
}

/** Marks a message as sent once already: the second time its frame is kept, since a third is likely. */
const sentOnce = new Uint8Array(0);
/** A shared frame up to this long is copied beside its neighbours; a longer one is written from where it is. */
const copyLimitBytes = 4_096;

export class WebSocketLink implements Link, ConnectionHost {
  readonly transport = "websocket";
  readonly rewinds = false;
  readonly #socket: Duplex;
  readonly #options: WebSocketLinkOptions;
  readonly #connection: WebSocketConnection;
  #handler: LinkHandler | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #isBlocked = false;
  #isCorked = false;
  #isFlushing = false;
  #isOutputHeld = false;

  /**
   * `socket` had its errors handled since the upgrade request came (`guardSocket`). `extensions` is what is answered to
   * those offered, and `connect` makes the connection that speaks them.
   */
  constructor(
    socket: Duplex,
    upgrade: { readonly key: string; readonly protocol: string; readonly extensions?: string },
    options: WebSocketLinkOptions,
    connect: (options: WebSocketLinkOptions, host: WebSocketLink) => WebSocketConnection = createConnection,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#connection = connect(options, this);
    const { key, protocol, extensions } = upgrade;
    const accept = acceptKey(key, options.primitives);
    this.#writeText(encodeAcceptResponse({ accept, protocol, extensions }));
  }

  /** To be called before anything else. */
  bind(handler: LinkHandler): void {
    this.#handler = handler;
  }

  /**
   * Begins to listen. The link is writable from the start, so `writable` follows `blocked` only. The first `flush` sends
   * the 101 answer, alone if need be.
   */
  open(): void {
    const socket = this.#socket;
    if (socket instanceof Socket) socket.setTimeout(0).setNoDelay(true);
    socket.on("drain", () => this.#drain());
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("end", () => this.#connection.receiveEnd());
    socket.on("close", () => {
      this.#connection.receiveEnd();
      clearTimeout(this.#closeTimer);
    });
    // The client may have left while it was being judged, and will not say so again.
    if (socket.destroyed || socket.readableEnded) process.nextTick(() => this.#connection.receiveEnd());
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
    this.#isFlushing = true;
    this.#options.output.flushOf(this);
    this.#isFlushing = false;
    const socket = this.#socket;
    if (this.#isCorked) {
      this.#isCorked = false;
      socket.uncork();
    }
    // What the kernel took at once does not count, though `write` returned false for it.
    const isFull = this.#isOutputHeld || socket.writableLength >= socket.writableHighWaterMark;
    if (isFull && !this.#isBlocked) this.#block();
  }

  close(code: number, reason: string): void {
    this.#handler = undefined;
    this.#connection.close(code, reason);
    this.flush();
    this.#expectClose();
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
    const socket = this.#socket;
    if (!this.#isFlushing && !this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
    }
    if (socket.writable) socket.write(bytes);
  }

  end(): void {
    this.flush();
    this.#socket.end();
    this.#expectClose();
  }

  /** A message from the peer is being decompressed: what comes behind it waits in the kernel. */
  inputHeld(isHeld: boolean): void {
    if (isHeld) this.#socket.pause();
    else {
      this.#socket.resume();
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
    // Not as the `Buffer` it is, whose `slice` shares where that of a Uint8Array copies.
    this.#connection.receive(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#handler?.received();
    this.flush();
  }

  #block(): void {
    this.#isBlocked = true;
    this.#connection.setOutputBlocked(true);
    this.#handler?.blocked();
  }

  #drain(): void {
    if (!this.#isBlocked || this.#isOutputHeld) return;
    this.#isBlocked = false;
    this.#connection.setOutputBlocked(false);
    this.#handler?.writable();
    this.flush();
  }

  #sendShared(message: Message, framed: Uint8Array): void {
    const frame = framed === sentOnce ? this.#frame(message) : framed;
    message.framed = frame;
    if (frame.length > copyLimitBytes) {
      this.#connection.sendFrame(frame);
      return;
    }
    const { output } = this.#options;
    const offset = output.reserve(this, frame.length);
    output.block.set(frame, offset);
  }

  #frame({ data }: Message): Uint8Array {
    if (typeof data === "string") return encodeTextFrame(data, this.#options.primitives);
    return encodeFrame(opcode.binary, data);
  }

  #writeText(text: string): void {
    const { output, primitives } = this.#options;
    const offset = output.reserve(this, text.length);
    primitives.writeUtf8(text, output.block, offset);
  }

  /** RFC 6455 §7.1.1: a peer that does not end its side is not waited for. */
  #expectClose(): void {
    this.#closeTimer ??= setTimeout(() => this.#socket.destroy(), this.#options.closeTimeoutMs).unref();
  }
}
