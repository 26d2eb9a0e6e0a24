/** How bytes come in: by the receive buffer that all sockets share, without it, and from a stream that is no socket. */
import { once } from "node:events";
import { createServer } from "node:http";
import { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { PreparedMessage, WebSocket, WebSocketServer } from "../../src/websocket/index.ts";
import { closed, connectPair, connectRaw, fill, messages, type Pair, portOf } from "./rig.ts";

const path = vi.hoisted(() => ({ isShared: true, sharedReads: 0 }));

vi.mock("../../src/transport/node/shared-read.ts", async (importOriginal) => {
  const { readShared } = await importOriginal<typeof import("../../src/transport/node/shared-read.ts")>();
  const replaced: typeof readShared = (socket, read, places) => {
    if (!path.isShared) return false;
    const counting: typeof read = (...args) => {
      path.sharedReads++;
      read(...args);
    };
    return readShared(socket, counting, places);
  };
  return { readShared: replaced };
});

/** A stream between us and the socket, on either side. */
function wrap(socket: Duplex): Duplex {
  const wrapped = new Duplex({
    read: () => void socket.resume(),
    write: (chunk, _encoding, done) => void socket.write(chunk, () => done()),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk) => wrapped.push(chunk) || socket.pause());
  socket.on("end", () => wrapped.push(null));
  socket.on("close", () => wrapped.destroy());
  socket.on("error", () => {});
  return wrapped;
}

async function connectWrapped(): Promise<Pair> {
  const wss = new WebSocketServer({ noServer: true, maxPayload: 0 });
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const accepted = new Promise<WebSocket>((resolve) => {
    http.on("upgrade", (request, socket, head) => wss.handleUpgrade(request, wrap(socket), head, resolve));
  });
  const client = new WebSocket(`ws://127.0.0.1:${portOf(http)}`, { maxPayload: 0 });
  const [server] = await Promise.all([accepted, once(client, "open")]);
  onTestFinished(() => {
    client.terminate();
    http.close();
  });
  return { server, client, wss };
}

const limits = { server: { maxPayload: 0 }, client: { maxPayload: 0 } };
const paths: readonly [name: string, connect: () => Promise<Pair>][] = [
  ["the shared buffer", () => connectPair(limits)],
  [
    "without it",
    () => {
      path.isShared = false;
      return connectPair(limits);
    },
  ],
  ["another stream", connectWrapped],
];

function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 7 + (i >> 8)) & 255;
  return bytes;
}

const sizes = [
  ...[0, 1, 125, 126, 5_000, 65_521, 65_536, 131_058, 131_064, 131_072, 200_000, 1_048_576, 3_000_001],
  ...[10, 4_000, 16_384, 16_384, 16_384, 16_384, 16_384, 16_384, 16_384, 16_384, 2, 700_000, 3],
];

describe.each(paths)("%s", (name, connect) => {
  async function open(): Promise<Pair> {
    path.isShared = true;
    path.sharedReads = 0;
    return connect();
  }

  test("messages of any size come as they were sent, both ways, and stay as they are", async () => {
    const { server, client } = await open();
    const sent = sizes.map(pattern);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const kept: Buffer[] = [];
      const all = new Promise<void>((resolve) => {
        to.on("message", (data) => {
          kept.push(data as Buffer);
          if (kept.length === sent.length) resolve();
        });
      });
      for (const bytes of sent) from.send(bytes);
      await all;
      // Others pass through the same buffer, while these are kept.
      const more = messages(to, 30);
      for (let i = 0; i < 30; i++) from.send("x".repeat(i * 1_000));
      await more;
      for (const [index, bytes] of kept.slice(0, sent.length).entries())
        expect(Buffer.compare(bytes, sent[index] as Buffer)).toBe(0);
    }
    expect(path.sharedReads > 0).toBe(name === "the shared buffer" || name === "another stream");
  });

  test("long texts in fragments, with pings between, and what is no UTF-8 at their end", async () => {
    const { server, client } = await open();
    server.on("error", () => {});
    const text = "안녕 🙂 ".repeat(30_000);
    const received = messages(server, 1);
    const pinged = once(server, "ping");
    client.send(text, { fin: false });
    client.ping("p");
    client.send(text, { fin: false });
    client.send("end");
    expect(await received).toEqual([`${text}${text}end`]);
    await pinged;
    const ended = closed(client);
    client.send(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]), { binary: false });
    expect((await ended)[0]).toBe(1007);
  });

  test("`pause` stops a long message on its way", async () => {
    const { server, client } = await open();
    const bytes = pattern(8_000_000, 1);
    const heard: Buffer[] = [];
    server.on("message", (data) => void heard.push(data as Buffer));
    server.pause();
    client.send(bytes);
    client.send("behind");
    const ponged = once(client, "pong");
    expect(server.isPaused).toBe(true);
    server.resume();
    while (heard.length < 2) await once(server, "message");
    expect(Buffer.compare(heard[0] as Buffer, bytes)).toBe(0);
    client.ping();
    await ponged;
  });
});

describe("what is written is built where what was written before had been", () => {
  test("nobody gets another's bytes, whoever reads slowly", async () => {
    path.isShared = true;
    const slow = await connectPair(limits);
    slow.client.pause();
    const quick = await Promise.all([0, 1, 2].map(() => connectPair(limits)));
    const received = quick.map(({ client }) => messages(client, 300));
    await fill(slow.server);
    const prepared = new PreparedMessage("to all");
    for (let i = 0; i < 100; i++) {
      for (const [index, { server }] of quick.entries()) {
        server.send(`${index} ${i} `.repeat(i));
        server.send(`${index} ${i} `.repeat(i * 50));
        server.send(prepared);
      }
      slow.server.send(`slow ${i} `.repeat(100));
      if (i % 7 === 0) await new Promise(setImmediate);
    }
    const expected = (index: number) =>
      Array.from({ length: 100 }, (_, i) => [
        `${index} ${i} `.repeat(i),
        `${index} ${i} `.repeat(i * 50),
        "to all",
      ]).flat();
    for (const [index, texts] of (await Promise.all(received)).entries())
      expect(texts).toEqual(expected(index));
    const late: string[] = [];
    slow.client.on("message", (data, isBinary) => isBinary || late.push(String(data)));
    slow.client.resume();
    while (late.length < 100) await once(slow.client, "message");
    expect(late).toEqual(Array.from({ length: 100 }, (_, i) => `slow ${i} `.repeat(100)));
  });

  test("nor what is sent from `drain`, which waits for the next end of a turn", async () => {
    path.isShared = true;
    const [one, other] = await Promise.all([connectPair(limits), connectPair(limits)]);
    const received = Promise.all([messages(one.client, 2), messages(other.client, 1)]);
    one.server.on("drain", () => {
      one.server.send(Buffer.alloc(70_000, "b"), { binary: false });
      queueMicrotask(() => other.server.send("c".repeat(1_000)));
      one.server.removeAllListeners("drain");
    });
    while (one.server.send("a".repeat(70_000), { fin: false }));
    one.server.send("a");
    const [[first, second], [third]] = await received;
    expect([first?.replaceAll("a", ""), second, third]).toEqual(["", "b".repeat(70_000), "c".repeat(1_000)]);
  });

  test("a socket that is gone in the middle of a write takes nothing with it", async () => {
    path.isShared = true;
    const [one, other] = await Promise.all([connectPair(limits), connectPair(limits)]);
    const received = messages(other.client, 2);
    one.server.send("a".repeat(3_000));
    other.server.send("b".repeat(3_000));
    one.server.terminate();
    other.server.send("c".repeat(3_000));
    expect(await received).toEqual(["b".repeat(3_000), "c".repeat(3_000)]);
    await closed(one.client);
  });
});

test("a header that promises much takes no more than comes", async () => {
  path.isShared = true;
  const { client } = await connectRaw({ maxPayload: 0 });
  const before = process.memoryUsage.rss();
  const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]);
  const reads = path.sharedReads;
  client.socket.write(Buffer.concat([head, Buffer.alloc(400_000)]));
  while (path.sharedReads < reads + 3) await new Promise(setImmediate);
  expect(process.memoryUsage.rss() - before).toBeLessThan(50_000_000);
});
