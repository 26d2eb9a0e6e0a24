/** The events of a WebSocket: what the emitter gives to its listeners, and the standard's objects made of it. */
import type { Buffer } from "node:buffer";
import type { ClientRequest, IncomingMessage } from "node:http";
import { abnormalCloseCode } from "../wire/websocket/frame.ts";
import type { RawData } from "./payload.ts";
import type { WebSocket } from "./websocket.ts";

/** What the emitter's face gives to listeners. */
export interface WebSocketEvents {
  /** The handshake is done: messages may be sent. On servers it comes before `connection`, so only the class hears it. */
  open: [];
  /** One whole message. A text is the Buffer of its UTF-8, binary data as `binaryType` says. */
  message: [data: RawData, isBinary: boolean];
  /** The last event: the peer's code, 1005 where it gave none, 1006 where no close frame came, and its reason as UTF-8. */
  close: [code: number, reason: Buffer];
  /** At most one, and `close` follows: a `BothwaysError`, or Node's own where nothing could be reached. */
  error: [error: Error];
  /** A ping came; it is answered already where `autoPong` is on. */
  ping: [data: Buffer];
  /** A pong came. */
  pong: [data: Buffer];
  /** After `send` returned false: all has been handed to the operating system. */
  drain: [];
  /** The server's 101 answer, before it is checked. Clients only. */
  upgrade: [response: IncomingMessage];
  /** A redirect is followed: `request` goes to `url` next, and may still be given headers. Clients only. */
  redirect: [url: string, request: ClientRequest];
  /** An answer that is no 101. Who listens has to `terminate`; else it ends with BW_WS_HANDSHAKE. Clients only. */
  "unexpected-response": [request: ClientRequest, response: IncomingMessage];
}

/** The platform's `Event`, whose target is a WebSocket without being an `EventTarget`. */
class SocketEvent extends Event {
  readonly #target: WebSocket;

  /** @internal */
  constructor(type: string, target: WebSocket) {
    super(type);
    this.#target = target;
  }

  /** The WebSocket that it happened to. */
  // The platform's own type knows no other targets.
  override get target(): WebSocket & EventTarget {
    return this.#target as WebSocket & EventTarget;
  }

  /** The same as `target`. */
  override get currentTarget(): WebSocket & EventTarget {
    return this.target;
  }
}

/** A message, for `addEventListener` and `onmessage`. */
export class MessageEvent extends SocketEvent {
  /** A text as string, binary data as `binaryType` says. */
  readonly data: string | RawData;
  /** Of the address connected to; "" on servers. */
  readonly origin: string;
  /** Always "". */
  readonly lastEventId = "";
  /** Always null. */
  readonly source = null;
  /** Always empty. */
  readonly ports: readonly never[] = [];

  /** @internal */
  constructor(target: WebSocket, data: string | RawData) {
    super("message", target);
    this.data = data;
    this.origin = target.url && new URL(target.url).origin;
  }
}

/** The end of a WebSocket, for `addEventListener` and `onclose`. */
export class CloseEvent extends SocketEvent {
  /** The peer's; 1005 where it gave none, 1006 where no close frame came. */
  readonly code: number;
  /** The peer's; "" where it gave none. */
  readonly reason: string;
  /** True where a close frame came. */
  readonly wasClean: boolean;

  /** @internal */
  constructor(target: WebSocket, code: number, reason: string) {
    super("close", target);
    this.code = code;
    this.reason = reason;
    // RFC 6455 §7.1.5: this code says that no close frame came, and stands in none.
    this.wasClean = code !== abnormalCloseCode;
  }
}

/** What went wrong, for `addEventListener` and `onerror`. */
export class ErrorEvent extends SocketEvent {
  /** A `BothwaysError`, or Node's own where nothing could be reached. */
  readonly error: Error;
  /** Of `error`. */
  readonly message: string;

  /** @internal */
  constructor(target: WebSocket, error: Error) {
    super("error", target);
    this.error = error;
    this.message = error.message;
  }
}

/** What the standard's face gives to listeners, by the type they listen for. */
export interface WebSocketEventMap {
  /** The handshake is done: messages may be sent. Clients only. */
  open: Event & { readonly target: WebSocket };
  /** One whole message. */
  message: MessageEvent;
  /** The last event. */
  close: CloseEvent;
  /** At most one, and `close` follows. */
  error: ErrorEvent;
}

/** Makes the standard's event of the emitter's arguments. */
export const eventMakers: {
  [Type in keyof WebSocketEventMap]: (
    target: WebSocket,
    ...args: WebSocketEvents[Type]
  ) => WebSocketEventMap[Type];
} = {
  open: (target) => new SocketEvent("open", target),
  message: (target, data, isBinary) => new MessageEvent(target, isBinary ? data : String(data)),
  close: (target, code, reason) => new CloseEvent(target, code, String(reason)),
  error: (target, error) => new ErrorEvent(target, error),
};
