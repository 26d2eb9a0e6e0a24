import * as ws from "ws";
import { createWebSocketStream, WebSocket, WebSocketServer } from "../../src/websocket/index.ts";

/** `ws`, taken for ours: that it may be is what these tests are about. */
const ours = { WebSocket, WebSocketServer, createWebSocketStream };
export const implementations = { ours, ws: ws as unknown as typeof ours };
export type Name = keyof typeof implementations;
/** Who serves whom. */
export const pairs: readonly (readonly [server: Name, client: Name])[] = [
  ["ours", "ours"],
  ["ours", "ws"],
  ["ws", "ours"],
  ["ws", "ws"],
];
