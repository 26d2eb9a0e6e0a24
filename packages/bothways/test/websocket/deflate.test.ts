/** permessage-deflate (RFC 7692) on both sides: with `ws` both ways, with raw peers that answer or send what they must not. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { SyncZlib } from "../../src/transport/node/sync-zlib.ts";
import { PreparedMessage, type WebSocket } from "../../src/websocket/index.ts";
import type { DeflateOptions, ServerOptions } from "../../src/websocket/options.ts";
import {
  acceptOfKey,
  closed,
  connectPair,
  frame,
  key,
  messages,
  open,
  pairs,
  portOf,
  RawClient,
  record,
  serve,
  upgradeHead,
  urlOf,
} from "./rig.ts";

function prose(length: number): string {
  let text = "";
  for (let i = 1; text.length < length; i++) text += `{"id":${i},"name":"user ${(i * 7919) % 1009}"},`;
  return text.slice(0, length);
}

function noise(length: number): Buffer {
  let seed = 11;
  return Buffer.alloc(length).map(() => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed >> 7;
  }) as Buffer;
}

const samples: readonly (string | Buffer)[] = [
  ...["", "a", "안녕하세요 🙂", prose(1_023), prose(1_024), prose(16_000), prose(33_000), prose(70_000)],
  ...[prose(300_000), "short", "짧은 문장".repeat(30_000), "x".repeat(900_000), "after"],
  ...[Buffer.alloc(0), noise(10), noise(5_000), noise(200_000), Buffer.alloc(100_000), noise(3)],
];

/** What comes is kept as it came, and looked at when all is there. */
async function receiveAll(socket: WebSocket): Promise<(string | Buffer)[]> {
  const received: [data: Buffer, isBinary: boolean][] = [];
  return new Promise((resolve) => {
    socket.on("message", (data, isBinary) => {
      received.push([data as Buffer, isBinary]);
      if (received.length < samples.length) return;
      resolve(received.map(([bytes, isBytes]) => (isBytes ? bytes : bytes.toString())));
    });
  });
}

const parameterSets: readonly [server: DeflateOptions | true, client: DeflateOptions | true][] = [
  [true, true],
  [{ threshold: 0 }, { threshold: 0 }],
  [{ serverNoContextTakeover: false, clientNoContextTakeover: false }, { serverNoContextTakeover: false }],
  [
    { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false },
    { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false },
  ],
  [
    { serverMaxWindowBits: 10, threshold: 0 },
    { clientMaxWindowBits: 11, threshold: 0 },
  ],
  [{ clientMaxWindowBits: 9, zlibDeflateOptions: { level: 1, memLevel: 1 } }, { serverMaxWindowBits: 9 }],
  [{ threshold: 1_000_000 }, { zlibInflateOptions: { chunkSize: 1_024 }, concurrencyLimit: 2 }],
];

describe.each(pairs)("a server of %s, a client of %s (option: perMessageDeflate)", (...names) => {
  test.each(parameterSets)("%j with %j: all comes as it was sent, both ways", async (server, client) => {
    const pair = await connectPair({
      server: { perMessageDeflate: server },
      client: { perMessageDeflate: client },
      names,
    });
    expect([pair.server.extensions, pair.client.extensions]).toEqual([
      "permessage-deflate",
      "permessage-deflate",
    ]);
    const ends = Promise.all([receiveAll(pair.server), receiveAll(pair.client)]);
    for (const sample of samples) {
      pair.server.send(sample);
      pair.client.send(sample);
    }
    const [atServer, atClient] = await ends;
    expect(atServer).toEqual(samples);
    expect(atClient).toEqual(samples);
  });

  test("fragments are one message, with a ping between them", async () => {
    const compression = { perMessageDeflate: { threshold: 0 } };
    const { server, client } = await connectPair({ server: compression, client: compression, names });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const received = messages(to, 2);
      const pinged = once(to, "ping");
      from.send(prose(2_000), { fin: false });
      from.ping("there?");
      from.send("", { fin: false });
      from.send(prose(50));
      from.send(prose(3_000));
      expect(await received).toEqual([prose(2_000) + prose(50), prose(3_000)]);
      expect(String((await pinged)[0])).toBe("there?");
    }
  });
});

describe("what is agreed on", () => {
  test("without the option nothing is offered, and no offer is taken", async () => {
    const silent = await connectPair({ server: { perMessageDeflate: true } });
    const offering = await connectPair({ client: { perMessageDeflate: true } });
    for (const { server, client } of [silent, offering]) {
      expect([server.extensions, client.extensions]).toEqual(["", ""]);
    }
  });

  test.each<[DeflateOptions | true, string]>([
    [
      true,
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
    ],
    [
      { serverNoContextTakeover: false, clientNoContextTakeover: false },
      "permessage-deflate; client_max_window_bits",
    ],
    [
      { serverMaxWindowBits: 9, clientMaxWindowBits: 10, serverNoContextTakeover: false },
      "permessage-deflate; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10",
    ],
  ])("%j offers %s", async (perMessageDeflate, expected) => {
    const wss = await serve();
    const offered = once(wss, "connection");
    open(urlOf(wss), { perMessageDeflate });
    expect((await offered)[1].headers["sec-websocket-extensions"]).toBe(expected);
  });

  const wish: DeflateOptions = { serverMaxWindowBits: 12, clientMaxWindowBits: 11 };

  async function answered(extensions: string, perMessageDeflate: DeflateOptions | false): Promise<WebSocket> {
    const http = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void http.close());
    await once(http, "listening");
    http.on("upgrade", (request, socket) => {
      const accept = createHash("sha1")
        .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      socket.write(
        `HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
          `Sec-WebSocket-Extensions: ${extensions}\r\n\r\n`,
      );
      socket.on("error", () => {});
      onTestFinished(() => void socket.destroy());
    });
    return open(`ws://127.0.0.1:${portOf(http)}`, { perMessageDeflate });
  }

  test.each([
    ["permessage-deflate", wish],
    ["permessage-deflate; server_no_context_takeover", wish],
    ["permessage-deflate; server_no_context_takeover; server_max_window_bits=13", wish],
    ["permessage-deflate; server_no_context_takeover; server_max_window_bits=7", wish],
    ["permessage-deflate; server_no_context_takeover; server_max_window_bits", wish],
    [
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=12",
      wish,
    ],
    [
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits",
      wish,
    ],
    ["permessage-deflate; server_no_context_takeover=1; server_max_window_bits=12", wish],
    ["permessage-deflate; server_no_context_takeover; server_max_window_bits=12; other", wish],
    [
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover; server_max_window_bits=12",
      wish,
    ],
    ["permessage-deflate; server_no_context_takeover; server_max_window_bits=12, permessage-deflate", wish],
    ["x-webkit-deflate-frame", wish],
    ["permessage-deflate;;", wish],
    ["permessage-deflate", false],
  ] as const)("RFC7692-7.1-3 RFC6455-4.1-40 a client fails on the answer %s", async (extensions, offer) => {
    const client = await answered(extensions, offer);
    const ended = closed(client);
    const [error] = await once(client, "error");
    expect(error).toMatchObject({ code: "BW_WS_ACCEPT" });
    expect(await ended).toEqual([1006, ""]);
  });

  test("a client takes an answer that keeps to what it asked for", async () => {
    const client = await answered(
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits="10"; client_max_window_bits=9',
      wish,
    );
    await once(client, "open");
    expect(client.extensions).toBe("permessage-deflate");
  });

  test.each([
    [upgradeHead({ "Sec-WebSocket-Extensions": "permessage-deflate; =" }), /^HTTP\/1\.1 400 /],
    [upgradeHead({ "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=1" }), /\r\n\r\n/],
    [
      upgradeHead({ "Sec-WebSocket-Extensions": "permessage-deflate, x" }),
      /Extensions: permessage-deflate; /,
    ],
  ])("RFC6455-9.1-1 a server answers %j", async (head, expected) => {
    const wss = await serve({ perMessageDeflate: true });
    const client = new RawClient(portOf(wss), head);
    const answer = await client.receive(/\r\n\r\n/);
    expect(answer).toMatch(expected);
    if (answer.includes(acceptOfKey)) expect(answer.includes("Extensions")).toBe(head.includes(", x"));
    expect(head).toContain(key);
  });

  test.each<[DeflateOptions, string]>([
    [{ threshold: -1 }, "threshold"],
    [{ serverMaxWindowBits: 7 }, "serverMaxWindowBits"],
    [{ clientMaxWindowBits: 16 }, "clientMaxWindowBits"],
    [{ zlibDeflateOptions: { level: 10 } }, "level"],
    [{ zlibDeflateOptions: { memLevel: 0 } }, "memLevel"],
  ])("%j throws", async (perMessageDeflate, name) => {
    await expect(serve({ perMessageDeflate })).rejects.toThrow(name);
    expect(() => open("ws://127.0.0.1:1", { perMessageDeflate })).toThrow(name);
  });
});

/** A server's end of a connection with a raw client that agreed to compress. */
async function connectRaw(options: ServerOptions): Promise<{ server: WebSocket; client: RawClient }> {
  const wss = await serve(options);
  const client = new RawClient(
    portOf(wss),
    upgradeHead({ "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }),
  );
  const [server] = (await once(wss, "connection")) as [WebSocket];
  server.on("error", () => {});
  await client.receive(/\r\n\r\n/);
  client.received = Buffer.alloc(0);
  return { server, client };
}

function compress(data: string | Uint8Array): Buffer {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

const compressed = 0x40;

describe("which messages are compressed", () => {
  test("those from the threshold on, and not where `compress` is false (option: threshold)", async () => {
    const { server, client } = await connectRaw({ perMessageDeflate: { threshold: 10 } });
    const sent: [data: string | Buffer, options: { compress?: boolean; binary?: boolean }, first: number][] =
      [
        ["a".repeat(9), {}, 0x81],
        ["a".repeat(10), {}, 0xc1],
        ["a".repeat(10), { compress: false }, 0x81],
        [Buffer.alloc(10), {}, 0xc2],
        [Buffer.alloc(10), { compress: false }, 0x82],
        [Buffer.alloc(10, "b"), { binary: false }, 0xc1],
        [noise(10), {}, 0x82],
      ];
    for (const [data, options, first] of sent) {
      client.received = Buffer.alloc(0);
      server.send(data, options);
      while (client.received.length === 0) await once(client.socket, "data");
      expect([data, options, client.received[0]]).toEqual([data, options, first]);
    }
  });

  test("a prepared message too", async () => {
    const { server, client } = await connectRaw({ perMessageDeflate: true });
    const message = new PreparedMessage(prose(5_000));
    const firstByte = async (): Promise<number | undefined> => {
      const [data] = await once(client.socket, "data");
      return data[0];
    };
    server.send(message);
    expect(await firstByte()).toBe(0xc1);
    client.received = Buffer.alloc(0);
    server.send(message, { compress: false });
    expect(await firstByte()).toBe(0x81);
    server.send(new PreparedMessage("short"));
    expect(await firstByte()).toBe(0x81);
  });
});

describe("one message to many", () => {
  const crowd = 5;

  async function connectCrowd(perMessageDeflate: DeflateOptions | true) {
    const wss = await serve({ perMessageDeflate });
    const clients: WebSocket[] = [];
    for (let i = 0; i < crowd; i++) {
      const client = open(urlOf(wss), { perMessageDeflate: true }, "ws");
      await once(client, "open");
      clients.push(client);
    }
    return { wss, clients };
  }

  test.each<[DeflateOptions | true, boolean, number]>([
    [true, false, 1],
    [true, true, 1],
    [{ serverMaxWindowBits: 10 }, true, 1],
    [{ serverNoContextTakeover: false }, true, 1],
    [{ serverNoContextTakeover: false }, false, crowd],
  ])("%j, prepared: %s: compressed %i times", async (settings, isPrepared, expected) => {
    const { wss, clients } = await connectCrowd(settings);
    const runs = vi.spyOn(SyncZlib.prototype, "run");
    onTestFinished(() => runs.mockRestore());
    const text = prose(20_000);
    const received = Promise.all(clients.map((client) => messages(client, 2)));
    const data = isPrepared ? new PreparedMessage(text) : text;
    for (const server of wss.clients ?? []) server.send(data);
    for (const server of wss.clients ?? []) server.send("after");
    expect(await received).toEqual(clients.map(() => [text, "after"]));
    expect(runs).toHaveBeenCalledTimes(expected);
  });

  test("what is compressed on a thread is shared too, and another text is another message", async () => {
    const { wss, clients } = await connectCrowd(true);
    const received = Promise.all(clients.map((client) => messages(client, 4)));
    const texts = [prose(200_000), prose(199_999), "after", prose(2_000)];
    for (const text of texts) for (const server of wss.clients ?? []) server.send(text);
    expect(await received).toEqual(clients.map(() => texts));
  });

  test("what is said of it stays for whom it is sent next, with other parameters", async () => {
    const message = new PreparedMessage(prose(30_000));
    for (const bits of [9, 15, 12]) {
      const { wss, clients } = await connectCrowd({ serverMaxWindowBits: bits });
      const received = Promise.all(clients.map((client) => messages(client, 1)));
      for (const server of wss.clients ?? []) server.send(message);
      expect(await received).toEqual(clients.map(() => [prose(30_000)]));
    }
  });
});

describe("order", () => {
  test("callbacks and messages come in the order of `send`, though some are compressed on a thread", async () => {
    const { server, client } = await connectPair({
      server: { perMessageDeflate: true },
      client: { perMessageDeflate: true },
    });
    for (const [from, to] of [
      [server, client],
      [client, server],
    ] as const) {
      const order: string[] = [];
      const done = (name: string) => (error?: Error) => void order.push(error ? `${name} failed` : name);
      const received = messages(to, 5);
      const drained = once(from, "drain");
      const texts = [prose(400_000), "small", prose(2_000), prose(400_001), "last"];
      expect(texts.map((text, i) => from.send(text, done(String(i))))).toEqual(texts.map(() => false));
      expect(from.bufferedAmount).toBeGreaterThan(800_000);
      from.ping("ping", undefined, done("ping"));
      expect(await received).toEqual(texts);
      await drained;
      expect(order).toEqual(["0", "1", "2", "3", "4", "ping"]);
      expect(from.bufferedAmount).toBe(0);
    }
  });

  test("`close` waits for what was sent before; what was sent is there", async () => {
    const { server, client } = await connectPair({
      server: { perMessageDeflate: true },
      client: { perMessageDeflate: true },
    });
    const lines = record(client);
    const ended = closed(client);
    server.send("x".repeat(300_000));
    server.close(4000, "bye");
    expect(await ended).toEqual([4000, "bye"]);
    expect(lines.map((line) => line.slice(0, 12))).toEqual(["message xxxx", "close 4000 b"]);
  });

  test("the callbacks of what never left are told so", async () => {
    const { server } = await connectPair({
      server: { perMessageDeflate: true },
      client: { perMessageDeflate: true },
    });
    const told: (string | undefined)[] = [];
    server.send(prose(400_000), (error) => told.push(Reflect.get(error ?? {}, "code")));
    server.send("behind", (error) => told.push(Reflect.get(error ?? {}, "code")));
    server.terminate();
    await closed(server);
    expect(told).toEqual(["BW_WS_ABNORMAL", "BW_WS_ABNORMAL"]);
  });

  test("who sends faster than can be compressed meets maxBufferedAmount", async () => {
    const { server } = await connectPair({
      server: { perMessageDeflate: true, maxBufferedAmount: 500_000 },
      client: { perMessageDeflate: true },
    });
    const failed = once(server, "error");
    const ended = closed(server);
    for (let i = 0; i < 4; i++) server.send(prose(300_000));
    expect((await failed)[0]).toMatchObject({ code: "BW_SLOW_CONSUMER" });
    expect((await ended)[0]).toBe(1006);
  });
});

describe("what comes compressed", () => {
  test("a bomb ends in 1009 at the limit, before memory grows, on either side", async () => {
    const bomb = Buffer.alloc(60 * 1_048_576);
    const small = compress(bomb);
    const before = process.memoryUsage.rss();
    const { server, client } = await connectRaw({ perMessageDeflate: true, maxPayload: 1_000_000 });
    const failed = once(server, "error");
    client.socket.write(frame(2 | compressed, small));
    expect((await failed)[0]).toMatchObject({ code: "BW_MESSAGE_TOO_LARGE" });
    expect(await client.ended()).toContain("\x88\x02\x03\xf1");
    const pair = await connectPair({
      server: { perMessageDeflate: true },
      client: { perMessageDeflate: true, maxPayload: 1_000_000 },
      names: ["ws", "ours"],
    });
    const atServer = closed(pair.server);
    pair.server.send(bomb);
    expect((await atServer)[0]).toBe(1009);
    expect(process.memoryUsage.rss() - before).toBeLessThan(40 * 1_048_576);
  });

  test.each([
    ["garbage", Buffer.from([0xff, 0xff, 0xff]), "BW_WS_INFLATE"],
    ["what is cut off", compress(prose(1_000)).subarray(0, 100), "BW_WS_INFLATE"],
    ["text that is no UTF-8", compress(Buffer.from([0x61, 0xff])), "BW_WS_UTF8"],
    ["much text that is no UTF-8", compress(Buffer.alloc(900_000, 0xff)), "BW_WS_UTF8"],
  ])("RFC7692-7.2.2-1 %s fails the connection", async (_name, payload, code) => {
    const { server, client } = await connectRaw({ perMessageDeflate: true });
    const failed = once(server, "error");
    client.socket.write(frame(1 | compressed, payload));
    expect((await failed)[0]).toMatchObject({ code });
    client.socket.end();
    expect((await closed(server))[0]).toBe(1006);
  });

  test("RFC7692-6.1-3 compressed fragments with control frames between them", async () => {
    const { server, client } = await connectRaw({ perMessageDeflate: true });
    const lines = record(server);
    const payload = compress("hello, ".repeat(20));
    client.socket.write(
      Buffer.concat([
        frame(1 | compressed, payload.subarray(0, 3), false),
        frame(9, "p"),
        frame(0, "", false),
        frame(10, "q"),
        frame(0, payload.subarray(3)),
        frame(8),
      ]),
    );
    client.socket.end();
    await closed(server);
    expect(lines).toEqual([
      "ping p (1)",
      "pong q (1)",
      `message ${"hello, ".repeat(20)} false (1)`,
      "close 1005  (3)",
    ]);
  });

  test("what is behind a message that is decompressed on a thread waits; `pause` and the end of TCP too", async () => {
    const { server, client } = await connectRaw({ perMessageDeflate: true });
    const lines = record(server);
    const large = compress(noise(60_000));
    client.socket.end(Buffer.concat([frame(2 | compressed, large), frame(1, "behind"), frame(9, "p")]));
    await once(server, "message");
    expect(server.isPaused).toBe(false);
    expect((await closed(server))[0]).toBe(1006);
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["message", "message", "ping", "close"]);
  });

  test("after `terminate()` no message comes, though one is being decompressed; `close` comes once", async () => {
    const { server, client } = await connectRaw({ perMessageDeflate: true });
    const lines = record(server);
    client.socket.write(Buffer.concat([frame(9, "now"), frame(2 | compressed, compress(noise(60_000)))]));
    await once(server, "ping");
    server.terminate();
    await closed(server);
    expect(lines).toEqual(["ping now (1)", "close 1006  (3)"]);
  });
});
