/** Servers that the clients' transports are tried on: `ws`, a scripted long-polling server, and a scripted TCP server. */
import { once } from "node:events";
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type WebSocket, WebSocketServer } from "ws";
import type { Data } from "../../src/model/message.ts";
import { decodeBody, encodeBody } from "../../src/wire/native/body.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";

const closers: (() => void)[] = [];

/** Ends every server opened since the last call. */
export function closePeers(): void {
  for (const close of closers.splice(0)) close();
}

async function listen(server: Server, sockets: Set<Socket>): Promise<number> {
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function createWebServer(isSecure: boolean): HttpServer {
  return isSecure ? createHttpsServer({ cert: certificate, key: privateKey }) : createHttpServer();
}

export interface WebSocketPeer {
  readonly url: string;
  /** The next client, with the request it came by and the messages it sent. */
  accept(): Promise<{ socket: WebSocket; request: IncomingMessage; messages: AsyncIterator<Data> }>;
}

export async function openWebSocketPeer(isSecure = false): Promise<WebSocketPeer> {
  const server = createWebServer(isSecure);
  const sockets = new WebSocketServer({ server, handleProtocols: () => "bothways.1" });
  const port = await listen(server, new Set());
  return {
    url: `http${isSecure ? "s" : ""}://127.0.0.1:${port}/bothways/?a=1`,
    async accept() {
      const [socket, request] = (await once(sockets, "connection")) as [WebSocket, IncomingMessage];
      return { socket, request, messages: messagesOf(socket) };
    },
  };
}

function messagesOf(socket: WebSocket): AsyncIterator<Data> {
  const messages = new PassThrough({ objectMode: true });
  socket.on("message", (data: Buffer, isBinary) => {
    messages.write(isBinary ? new Uint8Array(data) : data.toString());
  });
  return messages[Symbol.asyncIterator]();
}

export interface PollingPeer {
  readonly url: string;
  /** Every request's frames, in the order the bodies were complete. */
  readonly requests: Data[][];
  readonly heads: IncomingMessage[];
  readonly connections: Set<Socket>;
  /** Answers the poll that is held, or the next one. */
  push(...frames: Data[]): void;
  /** What to do with a request instead of answering it by the protocol; true where it was done. */
  intercept: (frames: Data[], response: ServerResponse) => boolean;
  /** Resolves once a request whose first frame begins with `start` has come. */
  until(start: string): Promise<Data[]>;
}

export async function openPollingPeer(isSecure = false): Promise<PollingPeer> {
  const server = createWebServer(isSecure);
  const queue: Data[][] = [];
  const waiting = new Set<() => void>();
  let held: ServerResponse | undefined;
  const answer = (): void => {
    const frames = held && queue.shift();
    if (frames === undefined) return;
    held?.end(encodeBody(frames));
    held = undefined;
  };
  server.on("request", async (request: IncomingMessage, response: ServerResponse) => {
    const frames = decodeBody(new Uint8Array(await buffer(request))) ?? [];
    peer.heads.push(request);
    peer.requests.push(frames);
    const [kind] = String(frames[0]);
    if (!peer.intercept(frames, response)) {
      if (kind === "h") response.end('w{"key":"K"}');
      else if (kind === "k") response.end("a9,9,9");
      else held = response;
      answer();
    }
    for (const check of [...waiting]) check();
  });
  const peer: PollingPeer = {
    url: "",
    requests: [],
    heads: [],
    connections: new Set(),
    push(...frames) {
      queue.push(frames);
      answer();
    },
    intercept: () => false,
    until: (start) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = peer.requests.find(([first]) => String(first).startsWith(start));
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
  };
  const port = await listen(server, peer.connections);
  return Object.assign(peer, { url: `http${isSecure ? "s" : ""}://127.0.0.1:${port}/bothways/?a=1` });
}

/** A TCP server whose every connection is given to `serve` together with the request head that came over it. */
export async function openTcpPeer(serve: (socket: Socket, head: string) => void): Promise<string> {
  const server = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let head = "";
    socket.on("data", function take(chunk) {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", take);
      serve(socket, head);
    });
  });
  return `http://127.0.0.1:${await listen(server, new Set())}/bothways/`;
}

/** The URL of a port that nobody listens on. */
export async function closedUrl(): Promise<string> {
  const server = createTcpServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}/bothways/`;
}
