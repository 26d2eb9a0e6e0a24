/** What the tests of this folder share: recorders, raw peers. */
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { WebSocket, WebSocketServer } from "../../src/websocket/index.ts";
import type { ClientOptions, ServerOptions } from "../../src/websocket/options.ts";
import { implementations, type Name, pairs } from "./pairs.ts";

export { implementations, type Name, pairs };

export async function serve(options: ServerOptions = {}, name: Name = "ours"): Promise<WebSocketServer> {
  const needsPort = options.server === undefined && !options.noServer;
  const server = new implementations[name].WebSocketServer({
    ...(needsPort && { port: 0, host: "127.0.0.1" }),
    ...options,
  });
  if (needsPort) await once(server, "listening");
  onTestFinished(() => {
    for (const client of server.clients ?? []) client.terminate();
    server.close();
  });
  return server;
}

export function urlOf(server: Pick<WebSocketServer, "address">, path = "/"): string {
  return `ws://127.0.0.1:${portOf(server)}${path}`;
}

export function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}

/** A client, not open yet, that is gone when the test is. */
export function open(url: string, options: ClientOptions = {}, name: Name = "ours"): WebSocket {
  const socket = new implementations[name].WebSocket(url, options);
  onTestFinished(() => socket.terminate());
  // Who needs to know listens too.
  socket.on("error", () => {});
  return socket;
}

/** Both ends of one connection. */
export interface Pair {
  readonly server: WebSocket;
  readonly client: WebSocket;
  readonly wss: WebSocketServer;
}

export async function connectPair(
  given: {
    server?: ServerOptions;
    client?: ClientOptions;
    names?: readonly [server: Name, client: Name];
  } = {},
): Promise<Pair> {
  const [serverName, clientName] = given.names ?? ["ours", "ours"];
  const wss = await serve(given.server, serverName);
  const client = open(urlOf(wss), given.client, clientName);
  const [[server]] = (await Promise.all([once(wss, "connection"), once(client, "open")])) as [
    [WebSocket],
    unknown,
  ];
  server.on("error", () => {});
  return { server, client, wss };
}

const recorded = ["open", "message", "ping", "pong", "error", "close"] as const;

/** A line per event, written down as it comes; errors without their words, which are each implementation's own. */
export function record(socket: WebSocket): string[] {
  const lines: string[] = [];
  for (const event of recorded) {
    socket.on(event, (...args: unknown[]) => {
      const text = event === "error" ? [] : args.map((arg) => (typeof arg === "object" ? String(arg) : arg));
      lines.push([event, ...text, `(${socket.readyState})`].join(" "));
    });
  }
  return lines;
}

/** Sends until so much waits that nothing more can leave, to a peer that does not read. */
export async function fill(socket: WebSocket): Promise<void> {
  for (let before = -1; before < 2_000_000 || before !== socket.bufferedAmount; ) {
    if (socket.bufferedAmount < 2_000_000) socket.send(Buffer.alloc(1_000_000));
    before = socket.bufferedAmount;
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  }
}

export async function closed(socket: WebSocket): Promise<[code: number, reason: string]> {
  if (socket.readyState === socket.CLOSED) throw new Error("closed already");
  // Not `once`, which would reject at an error.
  return new Promise((resolve) => socket.once("close", (code, reason) => resolve([code, String(reason)])));
}

/** The next messages, as text. */
export function messages(socket: WebSocket, count: number): Promise<string[]> {
  const found: string[] = [];
  return new Promise((resolve) => {
    socket.on("message", (data) => {
      found.push(String(data));
      if (found.length === count) resolve(found);
    });
  });
}

/** A peer that speaks as it likes: a TCP socket after a right upgrade request, and all it has received. */
export class RawClient {
  readonly socket: Socket;
  received: Buffer = Buffer.alloc(0);

  constructor(port: number, head: string | undefined = upgradeHead()) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    if (head !== undefined) this.socket.write(head);
    onTestFinished(() => void this.socket.destroy());
  }

  /** Waits until `pattern` has come; what came then. */
  async receive(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received.toString("latin1"))) await once(this.socket, "data");
    return this.received.toString("latin1");
  }

  /** What came until the peer ended its side. */
  async ended(): Promise<string> {
    if (!this.socket.readableEnded && !this.socket.destroyed)
      await Promise.race([once(this.socket, "end"), once(this.socket, "close")]);
    return this.received.toString("latin1");
  }
}

export const key = "dGhlIHNhbXBsZSBub25jZQ==";
export const acceptOfKey = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

export function upgradeHead(lines: Readonly<Record<string, string | undefined>> = {}, path = "/"): string {
  const headers: Record<string, string | undefined> = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
    ...lines,
  };
  const text = Object.entries(headers).map(([name, value]) =>
    value === undefined ? "" : `${name}: ${value}\r\n`,
  );
  return `GET ${path} HTTP/1.1\r\n${text.join("")}\r\n`;
}

/** A server's end of a connection whose client's end is raw. */
export async function connectRaw(
  options: ServerOptions = {},
): Promise<{ server: WebSocket; client: RawClient; wss: WebSocketServer }> {
  const wss = await serve(options);
  const client = new RawClient(portOf(wss));
  const [server] = (await once(wss, "connection")) as [WebSocket];
  server.on("error", () => {});
  await client.receive(/\r\n\r\n/);
  return { server, client, wss };
}

/** A close frame with 4000 from a server, as `RawClient` shows it. */
export const closeFrame4000: RegExp = new RegExp(Buffer.from([0x88, 2, 0x0f, 0xa0]).toString("latin1"));

/** A client's frame, masked with zeros. */
export function frame(kind: number, payload: string | Uint8Array = "", isFinal = true): Buffer {
  const bytes = Buffer.from(payload as string);
  const head = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 0xff];
  head[0] = (head[0] ?? 0) | 0x80;
  return Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | kind, ...head, 0, 0, 0, 0]), bytes]);
}
