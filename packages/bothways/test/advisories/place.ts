/**
 * Where each advisory is tried: a real server on loopback, and raw sockets that say what they like. When a test is over
 * an honest client must be served as ever, no request may be open, no client left, and `Object.prototype` untouched.
 */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { expect, onTestFinished, vi } from "vitest";
import { io as connect } from "../../src/client/index.node.ts";
import { Server, type ServerOptions } from "../../src/server/index.ts";
import { protocols } from "../socket/strangers.ts";
import { type Client, empty, untilConnected } from "../suites/rig.ts";

export interface Place {
  readonly io: Server;
  readonly port: number;
  /** Of our requests, with the slash. */
  readonly url: string;
  /** What `onError` was told. */
  readonly errors: unknown[];
}

export async function open(options: ServerOptions = {}): Promise<Place> {
  const errors: unknown[] = [];
  const io = new Server({ maxHttpBufferSize: 100_000, onError: (error) => errors.push(error), ...options });
  io.on("connection", (socket) => socket.on("echo", (value) => value));
  const { httpServer } = io.listen(0, "127.0.0.1");
  if (httpServer && !httpServer.listening) await once(httpServer, "listening");
  const address = httpServer?.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const sockets: Socket[] = [];
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(["websocket", "long-polling"].map((name) => serveHonest(port, name)));
    await vi.waitFor(() => expect(io.stats().openRequests).toBe(0));
    await io.close();
    // limits that forget the hostile soon would forget an honest client on a slow machine
    await vi.waitFor(() => expect(io.stats()).toMatchObject(empty));
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototypeNames);
  });
  const place = { io, port, url: `http://127.0.0.1:${port}/bothways/`, errors };
  socketsOf.set(place, sockets);
  return place;
}

const prototypeNames = Object.getOwnPropertyNames(Object.prototype);
const socketsOf = new WeakMap<Place, Socket[]>();

async function serveHonest(port: number, transport: string): Promise<void> {
  const client = connect(`http://127.0.0.1:${port}`, { forceNew: true, transports: [transport] }) as unknown;
  const honest = client as Client;
  await untilConnected(honest);
  expect(await honest.emitWithAck("echo", "still here")).toBe("still here");
  honest.disconnect();
}

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A TCP connection that sends bytes and keeps all that comes back. */
export class Raw {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended: Promise<unknown>;

  constructor(place: Place, bytes: string | Uint8Array = "") {
    this.socket = connectTcp({ port: place.port, host: "127.0.0.1" });
    socketsOf.get(place)?.push(this.socket);
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    this.#ended = new Promise((resolve) => this.socket.once("close", resolve));
    this.send(bytes);
  }

  send(bytes: string | Uint8Array): void {
    if (bytes.length > 0) this.socket.write(bytes);
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  /** `HTTP/1.1 400 ` → 400. */
  get status(): number {
    return Number(this.text.slice(9, 12));
  }

  /** All of it, when the server has ended the connection. */
  async ended(): Promise<string> {
    await this.#ended;
    return this.text;
  }

  /** Waits for the answer to an upgrade. */
  async upgraded(): Promise<this> {
    await vi.waitFor(() => expect(this.text).toContain("\r\n\r\n"));
    expect(this.status).toBe(101);
    return this;
  }

  /** The server's frames so far. */
  get frames(): ServerFrame[] {
    const bytes = this.received;
    const frames: ServerFrame[] = [];
    for (let at = bytes.indexOf("\r\n\r\n") + 4; at + 2 <= bytes.length; ) {
      const short = bytes[at + 1] ?? 0;
      const headerBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (at + headerBytes > bytes.length) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2));
      const end = at + headerBytes + length;
      if (end > bytes.length) break;
      frames.push({ opcode: (bytes[at] ?? 0) & 15, payload: bytes.subarray(at + headerBytes, end) });
      at = end;
    }
    return frames;
  }

  /** The code of the server's close frame. */
  async closeCode(): Promise<number | undefined> {
    await vi.waitFor(() => expect(this.frames.at(-1)?.opcode).toBe(8));
    return this.frames.at(-1)?.payload.readUInt16BE(0);
  }
}

/** The head of an upgrade; `undefined` leaves a field out, a list repeats it. */
export function upgradeHead(
  fields: Record<string, string | readonly string[] | undefined> = {},
  target = "/bothways/",
): string {
  const all = {
    Host: "127.0.0.1",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "bothways.1",
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** An upgraded socket, with this hello or none. */
export function openRaw(place: Place, hello?: string): Promise<Raw> {
  const offer = hello === undefined ? {} : { "Sec-WebSocket-Protocol": protocols(hello).join(", ") };
  const own = { Host: `127.0.0.1:${place.port}`, ...offer };
  return new Raw(place, upgradeHead(own)).upgraded();
}

export function post(body: string, fields = `Content-Length: ${Buffer.byteLength(body)}`): string {
  return `POST /bothways/ HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}\r\n\r\n${body}`;
}

/** The welcome in the first answer to an HTTP hello. */
export interface Welcome {
  readonly sid: string;
  readonly secret: string;
  readonly key: string;
  readonly lost?: string;
}

export function welcomeIn(body: string): Welcome {
  return JSON.parse(body.split("\n")[0]?.slice(1) ?? "");
}
