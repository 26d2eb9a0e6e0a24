/** The two implementations as targets: a server or a client that echoes, with the raw TCP connection to it. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import * as bothways from "bothways/websocket";
import * as ws from "ws";
import type { Case, Side } from "./case.ts";

/** What both have in common, as far as it is used here. */
interface EchoSocket {
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: "close", listener: (code: number, reason: Buffer) => void): unknown;
  on(event: "error" | "open", listener: () => void): unknown;
  send(data: Buffer, options: { binary: boolean }): unknown;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

interface EchoServer {
  on(event: "connection", listener: (socket: EchoSocket) => void): unknown;
  once(event: "listening", listener: () => void): unknown;
  address(): unknown;
  close(): void;
}

interface Library {
  readonly WebSocket: new (url: string, protocols: readonly string[], options: object) => EchoSocket;
  readonly WebSocketServer: new (options: object) => EchoServer;
}

export const libraries: Readonly<Record<"bothways" | "ws", Library>> = {
  bothways: bothways as unknown as Library,
  ws: ws as unknown as Library,
};
export type LibraryName = keyof typeof libraries;

/** A connection to a target: its opening handshake is still to come. */
export interface Connected {
  readonly socket: Socket;
  /** What the application was told at the end: code and reason. */
  readonly told: Promise<string>;
  dispose(): void;
}

export const maxPayload = 1_048_576;

/** Throws where the implementation does not take the options. */
export function reach(side: Side, name: LibraryName, given: Case): Promise<Connected> {
  const { protocols = [], ...options } = given.options ?? {};
  const all = { maxPayload, perMessageDeflate: false, closeTimeout: 2_000, ...options };
  const library = libraries[name];
  return side === "server" ? reachServer(library, all, given) : reachClient(library, all, protocols, given);
}

async function reachServer({ WebSocketServer }: Library, options: object, given: Case): Promise<Connected> {
  const server = new WebSocketServer({ ...options, port: 0, host: "127.0.0.1" });
  const sockets: EchoSocket[] = [];
  const told = new Promise<string>((resolve) => {
    server.on("connection", (socket) => {
      sockets.push(socket);
      echo(socket, given, resolve);
      if (given.closes !== undefined) socket.close(given.closes.code, given.closes.reason);
    });
  });
  await new Promise<void>((listening) => void server.once("listening", listening));
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  const dispose = (): void => {
    socket.destroy();
    for (const one of sockets) one.terminate();
    server.close();
  };
  return { socket, told, dispose };
}

async function reachClient(
  { WebSocket }: Library,
  options: object,
  protocols: readonly string[],
  given: Case,
): Promise<Connected> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat?room=1`, protocols, options);
    const told = new Promise<string>((resolve) => echo(client, given, resolve));
    client.on("open", () => {
      if (given.closes !== undefined) client.close(given.closes.code, given.closes.reason);
    });
    const [socket] = (await once(server, "connection")) as [Socket];
    socket.on("error", () => {});
    const dispose = (): void => {
      socket.destroy();
      client.terminate();
    };
    return { socket, told, dispose };
  } finally {
    server.close();
  }
}

function echo(socket: EchoSocket, { isTextEchoedOnly }: Case, told: (end: string) => void): void {
  socket.on("error", () => {});
  socket.on("close", (code, reason) => told(`${code} ${reason}`.trim()));
  socket.on("message", (data, isBinary) => {
    if (!isBinary || !isTextEchoedOnly) socket.send(data, { binary: isBinary });
  });
}
