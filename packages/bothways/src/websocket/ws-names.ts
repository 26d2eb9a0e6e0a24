/** Names of types that programs written for `ws` import, for what has another name here. */
import type { ClientRequest } from "node:http";
import type { AddressInfo as NetAddressInfo } from "node:net";
import type { ListenerOptions } from "./event-target.ts";
import type { WebSocketEventMap } from "./events.ts";
import type { DeflateOptions, VerifyCallback, VerifyInfo } from "./options.ts";
import type { RawData } from "./payload.ts";
import type { WebSocket } from "./websocket.ts";
import type { WebSocketServer } from "./websocket-server.ts";

/** The same as that of `node:net`. */
export type AddressInfo = NetAddressInfo;
/** What a `MessageEvent` has as its `data`. */
export type Data = string | RawData;
/** What `open` gives to `addEventListener`. */
export type Event = WebSocketEventMap["open"];
/** The same as `ListenerOptions`. */
export type EventListenerOptions = ListenerOptions;
/** The option `finishRequest`. */
export type FinishRequestCallback = (request: ClientRequest, websocket: WebSocket) => void;
/** The same as `DeflateOptions`. */
export type PerMessageDeflateOptions = DeflateOptions;
/** The same as `WebSocketServer`. */
export type Server = WebSocketServer;
/** The option `verifyClient` that answers through its callback. */
export type VerifyClientCallbackAsync = (info: VerifyInfo, callback: VerifyCallback) => void;
/** The option `verifyClient` that returns its verdict. */
export type VerifyClientCallbackSync = (info: VerifyInfo) => boolean;
