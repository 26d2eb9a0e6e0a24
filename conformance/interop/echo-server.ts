/**
 * The server that every client talks to, made of ours, of `ws`, of faye-websocket and, in `bun-server.ts`, of Bun's: it
 * chooses the subprotocol `two`, says back what it hears, and does what a text that begins with a slash asks for. Closes
 * that it is told of it writes down.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import type { Duplex } from "node:stream";
import type { ServerOptions } from "bothways/websocket";
import { onTestFinished } from "vitest";
import { type Engine, portOf, serve, urlOf } from "../engines.ts";

export interface EchoServer {
  readonly url: string;
  /** Codes and reasons that clients closed with. */
  readonly closes: readonly string[];
  /** On how many connections compression was agreed on. */
  readonly compressed: number;
}

export async function serveEcho(engine: Engine, options: ServerOptions = {}): Promise<EchoServer> {
  const closes: string[] = [];
  let compressed = 0;
  const wss = await serve(engine, { handleProtocols: (offered) => offered.has("two") && "two", ...options });
  wss.on("connection", (socket) => {
    if (socket.extensions.startsWith("permessage-deflate")) compressed++;
    socket.on("error", (error) => closes.push(String(error)));
    socket.on("close", (code, reason) => closes.push(`${code} ${reason}`));
    socket.on("message", (data, isBinary) => {
      const command = !isBinary && data instanceof Buffer && data.length < 20 ? String(data) : "";
      if (command === "/close") socket.close(4001, "enough ü");
      else if (command === "/ping") {
        socket.once("pong", (payload) => socket.send(`ponged: ${payload}`));
        socket.ping("here?");
      } else if (command === "/fragments") {
        // A character is cut in two, and a ping comes between.
        const text = Buffer.from("ünïcode 😀 in parts");
        socket.send(text.subarray(0, 1), { binary: false, fin: false });
        socket.ping();
        socket.send(text.subarray(1, 12), { fin: false });
        socket.send("", { fin: false });
        socket.send(text.subarray(12), { fin: true });
      } else socket.send(data as Buffer, { binary: isBinary });
    });
  });
  return {
    url: urlOf(wss),
    closes,
    get compressed() {
      return compressed;
    },
  };
}

/** What is used of faye-websocket, which has no types. */
export interface Faye {
  new (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    protocols?: string[],
    options?: object,
  ): FayeSocket;
  readonly Client: new (url: string, protocols?: string[]) => FayeSocket;
}

interface FayeSocket {
  onmessage: ((event: { data: string | Buffer }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(data: string | Buffer): void;
  ping(text: string, ponged: () => void): void;
  close(code?: number, reason?: string): void;
}

export const faye = createRequire(import.meta.url)("faye-websocket") as Faye;

export async function serveEchoByFaye(): Promise<EchoServer> {
  const closes: string[] = [];
  const http = createServer();
  http.on("upgrade", (request, stream, head) => {
    const socket = new faye(request, stream, head, ["two"]);
    socket.onclose = ({ code, reason }) => closes.push(`${code} ${reason}`);
    socket.onmessage = ({ data }) => {
      if (data === "/close") socket.close(4001, "enough ü");
      else if (data === "/ping") socket.ping("here?", () => socket.send("ponged: here?"));
      else if (data === "/fragments") socket.send("ünïcode 😀 in parts");
      else socket.send(data);
    };
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  return { url: `ws://127.0.0.1:${portOf(http)}/`, closes, compressed: 0 };
}
