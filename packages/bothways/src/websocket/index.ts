/**
 * `bothways/websocket`: the WebSocket engine on its own, in the shape of `ws` and of the standard. The default export, and
 * what `require` gives, is `WebSocket` with the rest as its members, as with `ws`.
 */
import type * as events from "./events.ts";
import type * as options from "./options.ts";
import type * as payload from "./payload.ts";
import { createWebSocketStream } from "./stream.ts";
import { WebSocket } from "./websocket.ts";
import { WebSocketServer } from "./websocket-server.ts";
import type * as names from "./ws-names.ts";

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
export type {
  AddressInfo,
  Data,
  Event,
  EventListenerOptions,
  FinishRequestCallback,
  PerMessageDeflateOptions,
  Server,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
} from "./ws-names.ts";
export { createWebSocketStream, WebSocket, WebSocketServer };

const whole: typeof WebSocket & {
  readonly createWebSocketStream: typeof createWebSocketStream;
  readonly Server: typeof WebSocketServer;
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketServer: typeof WebSocketServer;
} = Object.assign(WebSocket, { createWebSocketStream, Server: WebSocketServer, WebSocket, WebSocketServer });

/** The default export is the type of a socket too, */
type whole = WebSocket;

/** and has types among its members, as in `WebSocket.RawData`. */
namespace whole {
  export type AddressInfo = names.AddressInfo;
  export type ClientOptions = options.ClientOptions;
  export type CloseEvent = events.CloseEvent;
  export type Data = names.Data;
  export type ErrorEvent = events.ErrorEvent;
  export type Event = names.Event;
  export type EventListenerOptions = names.EventListenerOptions;
  export type FinishRequestCallback = names.FinishRequestCallback;
  export type MessageEvent = events.MessageEvent;
  export type PerMessageDeflateOptions = names.PerMessageDeflateOptions;
  export type RawData = payload.RawData;
  export type Server = names.Server;
  export type ServerOptions = options.ServerOptions;
  export type VerifyClientCallbackAsync = names.VerifyClientCallbackAsync;
  export type VerifyClientCallbackSync = names.VerifyClientCallbackSync;
  export type WebSocket = whole;
  export type WebSocketServer = names.Server;
}

export { whole as default, whole as "module.exports" };
