/** The events of a WebSocket: what the emitter gives to its listeners, and the standard's objects made of it. */
import type { Buffer } from "node:buffer";
import type { ClientRequest, IncomingMessage } from "node:http";
import { abnormalCloseCode } from "../wire/websocket/frame.ts";
import type { RawData } from "./payload.ts";
import type { WebSocket } from "./websocket.ts";

/** What the emitter's face gives to listeners. */
export interface WebSocketEvents {
  open: [];
  /** A text is the Buffer of its UTF-8. */
  message: [data: RawData, isBinary: boolean];
  close: [code: number, reason: Buffer];
  error: [error: Error];
  ping: [data: Buffer];
  pong: [data: Buffer];
  drain: [];
  upgrade: [response: IncomingMessage];
  redirect: [url: string, request: ClientRequest];
  "unexpected-response": [request: ClientRequest, response: IncomingMessage];
}

/** The platform's `Event`, whose target is a WebSocket without being an `EventTarget`. */
class SocketEvent extends Event {
  readonly #target: WebSocket;

  constructor(type: string, target: WebSocket) {
    super(type);
    this.#target = target;
  }

  // The platform's own type knows no other targets.
  override get target(): WebSocket & EventTarget {
    return this.#target as WebSocket & EventTarget;
  }

  override get currentTarget(): WebSocket & EventTarget {
    return this.target;
  }
}

export class MessageEvent extends SocketEvent {
  readonly data: string | RawData;
  readonly origin: string;
  readonly lastEventId = "";
  readonly source = null;
  readonly ports: readonly never[] = [];

  constructor(target: WebSocket, data: string | RawData) {
    super("message", target);
    this.data = data;
    this.origin = target.url === undefined ? "" : new URL(target.url).origin;
  }
}

export class CloseEvent extends SocketEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(target: WebSocket, code: number, reason: string) {
    super("close", target);
    this.code = code;
    this.reason = reason;
    // RFC 6455 §7.1.5: this code says that no close frame came, and stands in none.
    this.wasClean = code !== abnormalCloseCode;
  }
}

export class ErrorEvent extends SocketEvent {
  readonly error: Error;
  readonly message: string;

  constructor(target: WebSocket, error: Error) {
    super("error", target);
    this.error = error;
    this.message = error.message;
  }
}

export interface WebSocketEventMap {
  open: Event & { readonly target: WebSocket };
  message: MessageEvent;
  close: CloseEvent;
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
