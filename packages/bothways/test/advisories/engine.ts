/**
 * Where an advisory is tried on `bothways/websocket`: an echo server on loopback, and raw peers. When the test is over an
 * honest client must be served as ever, no socket be left, and `Object.prototype` untouched.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, vi } from "vitest";
import { nodePrimitives } from "../../src/platform/node.ts";
import { WebSocket, type WebSocketServer } from "../../src/websocket/index.ts";
import type { ClientOptions, ServerOptions } from "../../src/websocket/options.ts";
import { acceptKey } from "../../src/wire/websocket/handshake-key.ts";
import { open, portOf, RawClient, serve, upgradeHead, urlOf } from "../websocket/rig.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that this process holds, garbage apart. */
export function heldBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const prototypeNames = Object.getOwnPropertyNames(Object.prototype);

export async function serveEcho(options: ServerOptions = {}): Promise<WebSocketServer> {
  const wss = await serve({ maxPayload: 100_000, closeTimeout: 100, ...options });
  wss.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
  });
  onTestFinished(async () => {
    const honest = open(urlOf(wss));
    await once(honest, "open");
    honest.send("still here");
    expect(String((await once(honest, "message"))[0])).toBe("still here");
    honest.close();
    await vi.waitFor(() => expect(wss.clients?.size).toBe(0));
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototypeNames);
  });
  return wss;
}

/** A raw client with its upgrade behind it. */
export async function upgraded(wss: WebSocketServer, lines: Record<string, string> = {}): Promise<RawClient> {
  const client = new RawClient(portOf(wss), upgradeHead(lines));
  expect(await client.receive(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 101 /);
  return client;
}

/** The frames that came behind the head of the answer. */
export function framesOf({ received }: RawClient): { opcode: number; payload: Buffer }[] {
  const frames: { opcode: number; payload: Buffer }[] = [];
  for (let at = received.indexOf("\r\n\r\n") + 4; at + 2 <= received.length; ) {
    const short = (received[at + 1] ?? 0) & 127;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (at + header > received.length) break;
    const length =
      short < 126 ? short : short === 126 ? received.readUInt16BE(at + 2) : received.readUInt32BE(at + 6);
    if (at + header + length > received.length) break;
    const payload = received.subarray(at + header, at + header + length);
    frames.push({ opcode: (received[at] ?? 0) & 15, payload });
    at += header + length;
  }
  return frames;
}

/** The code of the close frame that ends what the server has to say. */
export async function closeCodeOf(client: RawClient): Promise<number | undefined> {
  await vi.waitFor(() => expect(framesOf(client).at(-1)?.opcode).toBe(8), { interval: 5 });
  return framesOf(client).at(-1)?.payload.readUInt16BE(0);
}

/** A client of ours at a server that answers its upgrade with these bytes: the code of the error it ends with. */
export async function clientAgainst(
  answer: (key: string, socket: Socket) => string | Uint8Array,
  options: ClientOptions = {},
): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      const [, key = ""] = /sec-websocket-key: (\S+)/i.exec(head.toString("latin1")) ?? [];
      socket.write(answer(key, socket));
    });
    onTestFinished(() => void socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const client = new WebSocket(urlOf(server), { maxPayload: 1_000, closeTimeout: 50, ...options });
  let code = "";
  client.on("error", (error) => {
    code = (error as Error & { code: string }).code;
  });
  await new Promise((resolve) => client.once("close", resolve));
  return code;
}

/** A right answer to the upgrade, with these lines too, and bytes behind it. */
export function accepting(key: string, lines = "", behind: Uint8Array = new Uint8Array(0)): Buffer {
  const head =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${acceptKey(key, nodePrimitives)}\r\n${lines}\r\n`;
  return Buffer.concat([Buffer.from(head), behind]);
}
