/**
 * `bothways/websocket`: the WebSocket engine on its own, in the shape of `ws` and of the standard. The default export, and
 * what `require` gives, is `WebSocket` with the rest as its members, as with `ws`.
 */
import { createWebSocketStream } from "./stream.ts";
import { WebSocket } from "./websocket.ts";
import { WebSocketServer } from "./websocket-server.ts";

export { BothwaysError } from "../model/bothways-error.ts";
export type { ErrorCode } from "../model/errors.ts";
export type { SendCallback } from "./application.ts";
export type { Attribute, EventListener, ListenerOptions } from "./event-target.ts";
export {
  CloseEvent,
  ErrorEvent,
  MessageEvent,
  type WebSocketEventMap,
  type WebSocketEvents,
} from "./events.ts";
export type {
  ClientOptions,
  DeflateOptions,
  ServerOptions,
  VerifyCallback,
  VerifyClient,
  VerifyInfo,
} from "./options.ts";
export type { BinaryType, RawData, Sendable } from "./payload.ts";
export { PreparedMessage } from "./prepared-message.ts";
export type { ReadyState } from "./ready-state.ts";
export type { SendOptions } from "./sender.ts";
export type { WebSocketServerEvents } from "./websocket-server.ts";
export { createWebSocketStream, WebSocket, WebSocketServer };

const whole: typeof WebSocket & {
  readonly createWebSocketStream: typeof createWebSocketStream;
  readonly Server: typeof WebSocketServer;
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketServer: typeof WebSocketServer;
} = Object.assign(WebSocket, { createWebSocketStream, Server: WebSocketServer, WebSocket, WebSocketServer });

export { whole as default, whole as "module.exports" };
