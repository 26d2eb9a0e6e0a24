/** Programs written for `ws` and its types, which ours must compile. Never run: a line that must not compile says so. */
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { type RawData, WebSocket, WebSocketServer } from "../../src/websocket/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(equal: Equal<A, B>): void;

interface Living extends WebSocket {
  isAlive: boolean;
}

export function serve(wss: WebSocketServer): EventEmitter {
  wss.on("connection", (socket, request) => {
    same<typeof socket, WebSocket>(true);
    same<typeof request, IncomingMessage>(true);
  });
  // a socket that the program has given fields of its own
  wss.on("connection", (socket: Living, _request: IncomingMessage) => {
    socket.isAlive = true;
    socket.on("pong", () => {
      socket.isAlive = true;
    });
  });
  wss.on("my own", (name: string, count: number) => `${name} ${count}`);
  wss.emit("connection", new WebSocket(""), {} as IncomingMessage);
  wss.emit("my own", "name", 1);
  // @ts-expect-error it is no event's name
  wss.on(1, () => {});
  return wss;
}

export function talk(socket: WebSocket): EventEmitter {
  socket.on("message", (data, isBinary) => {
    same<typeof data, RawData>(true);
    same<typeof isBinary, boolean>(true);
  });
  // with the usual `binaryType` it is one
  socket.once("message", (data: Buffer) => data.readUInt8(0));
  socket.on("close", function (code, reason) {
    same<typeof this, WebSocket>(true);
    this.send(`${code} ${reason}`);
  });
  function onMessage(this: WebSocket, data: ArrayBuffer): void {
    this.send(data);
  }
  return socket.on("message", onMessage).off("message", onMessage).on("error", console.error);
}

/** Node's methods may be overridden. */
export class Loud extends WebSocketServer {
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    console.log(event);
    return super.emit(event, ...args);
  }

  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    console.log(event);
    return super.on(event, listener);
  }
}
