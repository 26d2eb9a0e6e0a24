/**
 * One WebSocket as applications see it, on either side: the shape of `ws` (an emitter with Node's types) and that of the
 * standard (WHATWG WebSockets §3) in one class.
 *
 * Invariants: `close` comes exactly once, last, and after `error` where there was one; no message comes after `close()`
 * was called; an `error` nobody listens for ends nothing but this WebSocket.
 */
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { BothwaysError } from "../model/bothways-error.ts";
import { abnormalCloseCode, type Opcode, opcode } from "../wire/websocket/frame.ts";
import { extensionName } from "../wire/websocket/permessage-deflate.ts";
import { parseAddress, parseProtocols } from "./address.ts";
import { type SendCallback, throwLater } from "./application.ts";
import { Channel, type ChannelParts } from "./channel.ts";
import type { ChannelHandler } from "./channel-handler.ts";
import { DeflatedChannel } from "./deflated-channel.ts";
import { SocketEventTarget, showAttributes } from "./event-target.ts";
import type { WebSocketEvents } from "./events.ts";
import { iterateMessages } from "./message-iterator.ts";
import { Opening } from "./opening.ts";
import { type Accepted, type Agreed, type ClientOptions, createChannelOptions } from "./options.ts";
import {
  type BinaryType,
  binaryTypes,
  byteLength,
  checkClose,
  type RawData,
  type Sendable,
  shape,
  toControlPayload,
  toPayload,
} from "./payload.ts";
import { PreparedMessage } from "./prepared-message.ts";
import { defineStates, describeState, type ReadyState, states } from "./ready-state.ts";
import { Sender, type SendOptions } from "./sender.ts";
import { output } from "./turn.ts";

/**
 * One WebSocket: a client's, or one that a server has accepted. Text comes as `Buffer` from `on`, as string from the rest.
 *
 * @example
 * const socket = new WebSocket("wss://example.com/live");
 * socket.on("open", () => socket.send("hello"));
 * for await (const message of socket) console.log(message);
 */
export class WebSocket extends SocketEventTarget implements AsyncIterable<string | RawData> {
  /** `readyState` 0: the opening handshake is under way. */
  declare static readonly CONNECTING: 0;
  /** `readyState` 1: messages may be sent. */
  declare static readonly OPEN: 1;
  /** `readyState` 2: the end has begun, on either side. */
  declare static readonly CLOSING: 2;
  /** `readyState` 3: it is over. */
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  #readyState: ReadyState = states.CONNECTING;
  #opening: Opening | undefined;
  #channel: Channel<WebSocket> | undefined;
  #sender: Sender | undefined;
  #binaryType: BinaryType = "nodebuffer";
  #url = "";
  #protocol = "";
  #extensions = "";
  #hasErred = false;
  /** What was sent too late still counts as buffered (WHATWG WebSockets §3.1). */
  #lateBytes = 0;
  #closeCode: number | undefined;

  /**
   * Connects to `address`. Throws a SyntaxError, as `DOMException`, on a bad address or subprotocol. `null` is for servers.
   */
  constructor(address: null, accepted?: Accepted);
  constructor(address: string | URL, options?: ClientOptions);
  constructor(address: string | URL, protocols?: string | readonly string[], options?: ClientOptions);
  constructor(
    address: string | URL | null,
    second?: string | readonly string[] | ClientOptions | Accepted,
    third?: ClientOptions,
  ) {
    super();
    if (address === null) {
      this.#accept(second as Accepted | undefined);
      return;
    }
    const hasProtocols = typeof second === "string" || Array.isArray(second);
    const given = (hasProtocols ? third : (third ?? (second as ClientOptions | undefined))) ?? {};
    const parsed = parseAddress(address);
    const protocols = parseProtocols(hasProtocols ? (second as string | readonly string[]) : given.protocols);
    this.#url = parsed.url;
    const options = createChannelOptions("client", given, output);
    const offer = { protocols, deflate: options.deflate?.wish };
    this.#opening = new Opening(parsed, offer, given, {
      finish: given.finishRequest ? (request) => given.finishRequest?.(request, this) : undefined,
      upgraded: (response) => this.#tell("upgrade", response),
      opened: (socket, head, agreed) => {
        this.#attach({ socket, head, options }, agreed);
        this.#tell("open");
      },
      unexpected: (request, response) => this.#tell("unexpected-response", request, response),
      redirected: ({ url }, request) => {
        this.#url = url;
        this.#tell("redirect", url, request);
      },
      failed: (error) => {
        this.#err(error);
        this.#finish(abnormalCloseCode, "");
      },
    });
  }

  /** How far it is: `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`. */
  get readyState(): ReadyState {
    return this.#readyState;
  }

  /** Of clients; "" on servers. */
  get url(): string {
    return this.#url;
  }

  /** The subprotocol chosen, or "". */
  get protocol(): string {
    return this.#protocol;
  }

  /** The extensions agreed on: `permessage-deflate`, or "". */
  get extensions(): string {
    return this.#extensions;
  }

  /** Bytes that have not been handed to the operating system, frame headers included. */
  get bufferedAmount(): number {
    return (this.#channel?.bufferedAmount ?? 0) + this.#lateBytes;
  }

  /** Is reading stopped, by `pause` or by a slow loop over the messages? False before `open`. */
  get isPaused(): boolean {
    return this.#channel?.reading.isPaused ?? false;
  }

  /** How binary messages are given. Default `nodebuffer`; what is none of the four is ignored. */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (binaryTypes.includes(type)) this.#binaryType = type;
  }

  /** The socket below, for its addresses and certificates; null before `open`. */
  get _socket(): Duplex | null {
    return this.#channel?.socket ?? null;
  }

  /**
   * Sends a message. False asks to wait for `drain` before more is sent. `callback` is called when it has been handed to
   * the operating system, or with an error. Bytes may be sent without a copy: do not change them before.
   * Throws an InvalidStateError, as `DOMException`, before `open`.
   *
   * @example if (!socket.send(part)) await once(socket, "drain");
   */
  send(data: Sendable | PreparedMessage, callback?: SendCallback): boolean;
  send(data: Sendable | PreparedMessage, options?: SendOptions, callback?: SendCallback): boolean;
  send(
    data: Sendable | PreparedMessage,
    options?: SendOptions | SendCallback,
    callback?: SendCallback,
  ): boolean {
    if (typeof options === "function") return this.send(data, undefined, options);
    const payload = data instanceof PreparedMessage ? data.payload : toPayload(data);
    if (!this.#isOpen(payload, callback) || this.#sender === undefined) return false;
    // Programs give null for none.
    const given = callback ?? undefined;
    if (data instanceof PreparedMessage) return this.#sender.sendPrepared(data, options, given);
    return this.#sender.send(payload, options, given);
  }

  /** Sends a ping of at most 125 bytes. */
  ping(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#sendControl(opcode.ping, data, typeof mask === "function" ? mask : callback);
  }

  /** Sends a pong of at most 125 bytes. Pings are answered without it. */
  pong(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#sendControl(opcode.pong, data, typeof mask === "function" ? mask : callback);
  }

  /**
   * Starts the closing handshake. `code` may be 1000–1003, 1007–1014 or 3000–4999, `reason` has at most 123 bytes; else an
   * InvalidAccessError or a SyntaxError, as `DOMException`, is thrown. Before `open` it gives up the connection.
   */
  close(code?: number, reason: string | Uint8Array = ""): void {
    const text = checkClose(code, reason);
    if (this.#opening !== undefined) return this.#giveUp();
    if (this.#readyState !== states.OPEN) return;
    this.#readyState = states.CLOSING;
    this.#sender?.close(code, text);
  }

  /** Ends the connection at once, without a closing handshake. */
  terminate(): void {
    if (this.#opening !== undefined) return this.#giveUp();
    if (this.#channel === undefined || this.#readyState === states.CLOSED) return;
    this.#readyState = states.CLOSING;
    this.#channel.destroy();
  }

  /** Stops reading. What was read already may still come. Nothing before `open` and after `close`. */
  pause(): void {
    if (this.#readyState !== states.CLOSED) this.#channel?.reading.pause();
  }

  /** Reads on after `pause`. Nothing before `open` and after `close`. */
  resume(): void {
    if (this.#readyState !== states.CLOSED) this.#channel?.reading.resume();
  }

  /** The messages, texts as strings, until the WebSocket closes; throws where it broke or the peer erred. */
  [Symbol.asyncIterator](): AsyncGenerator<string | RawData> {
    return iterateMessages(this, () => this.#closeCode);
  }

  /** What channels tell their WebSocket. */
  static readonly #handler: ChannelHandler<WebSocket> = {
    message(socket, data, isBinary) {
      // One that was being decompressed may come after `terminate()`.
      if (socket.#readyState !== states.OPEN) return;
      try {
        socket.emit("message", isBinary ? shape(data, socket.#binaryType) : data, isBinary);
      } catch (error) {
        throwLater(error);
      }
    },
    control: (socket, event, data) => void socket.#tell(event, data),
    drained(socket) {
      if (socket.#readyState === states.OPEN) socket.#tell("drain");
    },
    ending(socket, error) {
      socket.#readyState = states.CLOSING;
      if (error !== undefined) socket.#err(new BothwaysError(error));
    },
    gone: (socket, { code, reason, wasClean }) => socket.#finish(wasClean ? code : abnormalCloseCode, reason),
  };

  #accept(accepted: Accepted | undefined): void {
    if (accepted === undefined) return;
    this.#attach(accepted, accepted.agreed).preface(accepted.preface);
  }

  #attach(parts: ChannelParts, { protocol, deflate: agreed }: Agreed): Channel<WebSocket> {
    const { deflate } = parts.options;
    const channel =
      deflate && agreed
        ? new DeflatedChannel(this, WebSocket.#handler, parts, { deflate, agreed })
        : new Channel(this, WebSocket.#handler, parts);
    this.#opening = undefined;
    this.#channel = channel;
    this.#sender = new Sender(channel);
    this.#protocol = protocol;
    this.#extensions = agreed === undefined ? "" : extensionName;
    this.#readyState = states.OPEN;
    return channel;
  }

  /** May something be sent? What comes too late is counted, and its sender told. */
  #isOpen(payload: string | Uint8Array | Blob, callback: SendCallback | undefined): boolean {
    if (this.#readyState === states.OPEN) return true;
    const state = describeState(this.#readyState);
    if (this.#readyState === states.CONNECTING) {
      throw new DOMException(`WebSocket is not open: ${state}`, "InvalidStateError");
    }
    this.#lateBytes += byteLength(payload);
    if (callback) process.nextTick(callback, new BothwaysError("BW_WS_NOT_OPEN", state));
    return false;
  }

  #sendControl(kind: Opcode, data: Sendable | SendCallback, callback: SendCallback | undefined): void {
    if (typeof data === "function") return this.#sendControl(kind, undefined, data);
    const payload = toPayload(data);
    if (!this.#isOpen(payload, callback)) return;
    this.#sender?.sendControl(kind, toControlPayload(payload), callback ?? undefined);
  }

  #giveUp(): void {
    this.#readyState = states.CLOSING;
    this.#opening?.abort(new BothwaysError("BW_WS_ABORTED"));
  }

  #err(error: Error): void {
    this.#readyState = states.CLOSING;
    if (this.#hasErred) return;
    this.#hasErred = true;
    // Node's emitter would throw where nobody listens.
    if (this.listenerCount("error") > 0) this.#tell("error", error);
  }

  #finish(code: number, reason: string): void {
    this.#opening = undefined;
    this.#readyState = states.CLOSED;
    this.#closeCode = code;
    this.#tell("close", code, Buffer.from(reason));
  }

  /** Emits, and keeps a listener's fault from those above. False where nobody listens. */
  #tell<Event extends keyof WebSocketEvents>(event: Event, ...args: WebSocketEvents[Event]): boolean {
    try {
      return this.emit(event, ...args);
    } catch (error) {
      throwLater(error);
      return true;
    }
  }
}

defineStates(WebSocket);
defineStates(WebSocket.prototype);
showAttributes(WebSocket.prototype);
