/** permessage-deflate with `ws` on the other side, both ways, with every kind of parameter; and against each other. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { constants, deflateRawSync } from "node:zlib";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer, type PerMessageDeflateOptions as WsOptions } from "ws";
import { io as connect } from "../../src/client/index.node.ts";
import type { Data, Message } from "../../src/model/message.ts";
import { Server, type ServerOptions } from "../../src/server/index.ts";
import type { PerMessageDeflateOptions } from "../../src/transport/node/per-message-deflate.ts";
import { webSocket } from "../../src/transport/web/websocket.ts";
import type { DeflateParameters } from "../../src/wire/websocket/permessage-deflate.ts";
import { closeDeflatePeers, DeflateClient, openDeflateServer } from "./deflate-peers.ts";

const clients: (WebSocket | WebSocketServer)[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client instanceof WebSocket ? client.terminate() : client.close();
  closeDeflatePeers();
});

async function openWs(url: string, perMessageDeflate: WsOptions | boolean = {}): Promise<WebSocket> {
  const client = new WebSocket(url, ["bothways.1"], { perMessageDeflate });
  clients.push(client);
  await once(client, "open");
  return client;
}

function prose(length: number): string {
  let text = "";
  for (let i = 1; text.length < length; i++) text += `{"id":${i},"name":"user ${(i * 7919) % 1009}"},`;
  return text.slice(0, length);
}

/** Bytes that do not compress. */
function noise(length: number): Uint8Array {
  let seed = 11;
  return new Uint8Array(length).map(() => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed >> 7;
  });
}

const samples: Data[] = [
  ...["", "a", "안녕하세요 🙂", prose(1_023), prose(1_024), prose(16_000), prose(33_000), prose(64_000)],
  ...[prose(70_000), prose(300_000), "짧은 문장".repeat(30_000), "x".repeat(2_000_000), "after"],
  ...[new Uint8Array(0), noise(10), noise(5_000), noise(200_000), new Uint8Array(100_000), noise(3)],
];

async function echo(client: WebSocket): Promise<Data[]> {
  const echoes: Data[] = [];
  client.on("message", (data: Buffer, isBinary) =>
    echoes.push(isBinary ? new Uint8Array(data) : data.toString()),
  );
  for (const sample of samples) client.send(sample);
  await vi.waitFor(() => expect(echoes.length).toBe(samples.length));
  return echoes;
}

describe("our server, a client of ws", () => {
  test.each<[PerMessageDeflateOptions, WsOptions, string]>([
    [{}, {}, "server_no_context_takeover; client_no_context_takeover"],
    [{ threshold: 0 }, { threshold: 0 }, "server_no_context_takeover; client_no_context_takeover"],
    [{ threshold: 0 }, { threshold: 1_000_000 }, "server_no_context_takeover; client_no_context_takeover"],
    [{ threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false }, { threshold: 0 }, ""],
    [{ threshold: 0, clientNoContextTakeover: false }, { threshold: 0 }, "server_no_context_takeover"],
    [{ threshold: 0, serverNoContextTakeover: false }, { threshold: 0 }, "client_no_context_takeover"],
    [
      { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false },
      { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
      "server_no_context_takeover; client_no_context_takeover",
    ],
    ...[8, 9, 12, 15].map((bits): [PerMessageDeflateOptions, WsOptions, string] => [
      {
        threshold: 0,
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        serverMaxWindowBits: bits,
      },
      { threshold: 0 },
      bits < 15 ? `server_max_window_bits=${bits}` : "",
    ]),
    ...[9, 15].map((bits): [PerMessageDeflateOptions, WsOptions, string] => [
      {
        threshold: 0,
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        clientMaxWindowBits: bits,
      },
      { threshold: 0 },
      bits < 15 ? `client_max_window_bits=${bits}` : "",
    ]),
    [
      { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false },
      { threshold: 0, serverMaxWindowBits: 10, clientMaxWindowBits: 11 },
      "server_max_window_bits=10; client_max_window_bits=11",
    ],
    [
      { threshold: 0, zlibDeflateOptions: { level: 1, memLevel: 1 } },
      { threshold: 0 },
      "server_no_context_takeover; client_no_context_takeover",
    ],
  ])("RFC6455-9.1-3 %j with %j", async (settings, wsOptions, parameters) => {
    const server = await openDeflateServer(settings);
    const client = new WebSocket(server.url, ["bothways.1"], { perMessageDeflate: wsOptions });
    clients.push(client);
    const [[answer]] = await Promise.all([once(client, "upgrade"), once(client, "open")]);
    expect(answer.headers["sec-websocket-extensions"]).toBe(
      ["permessage-deflate", ...(parameters ? [parameters] : [])].join("; "),
    );
    expect(await echo(client)).toEqual(samples);
  });

  test("RFC6455-4.2.2-9 without an offer nothing is compressed", async () => {
    const server = await openDeflateServer({ threshold: 0 });
    const client = await openWs(server.url, false);
    expect(client.extensions).toBe("");
    expect(await echo(client)).toEqual(samples);
  });

  test("RFC6455-9.1-1 a malformed offer is refused", async () => {
    const server = await openDeflateServer();
    const client = new WebSocket(server.url, ["bothways.1"], {
      perMessageDeflate: false,
      headers: { "Sec-WebSocket-Extensions": "permessage-deflate; =" },
    });
    const [, response] = await once(client, "unexpected-response");
    expect(response.statusCode).toBe(400);
    client.on("error", () => {});
    client.terminate();
  });

  test("from the threshold on messages take less room", async () => {
    const server = await openDeflateServer();
    const client = await openWs(server.url, { threshold: 0 });
    await vi.waitFor(() => expect(server.served).toHaveLength(1));
    const [one] = server.served;
    const socket = one?.socket as Socket;
    const costOf = async (data: Data): Promise<number> => {
      const before = socket.bytesWritten;
      const message = once(client, "message");
      one?.say(data);
      await message;
      return socket.bytesWritten - before;
    };
    expect(await costOf(prose(1_023))).toBe(1_027);
    expect(await costOf(prose(1_024))).toBeLessThan(600);
    expect(await costOf(prose(100_000))).toBeLessThan(40_000);
    expect(await costOf(noise(50_000))).toBe(50_004);
  });

  test("a broadcast is compressed once: everyone gets the same bytes, also who keeps a window", async () => {
    const server = await openDeflateServer({
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
    });
    const messages: string[][] = [];
    for (const wsOptions of [{}, { serverNoContextTakeover: true }, { serverMaxWindowBits: 10 }, false, {}]) {
      const client = await openWs(server.url, wsOptions);
      const heard: string[] = [];
      client.on("message", (data) => heard.push(data.toString()));
      messages.push(heard);
    }
    await vi.waitFor(() => expect(server.served).toHaveLength(5));
    const broadcasts = [5_000, 200_000, 20, 2_000, 100_000].map((length) => prose(length));
    for (const [index, data] of broadcasts.entries()) {
      const message: Message = { data };
      for (const { link } of server.served) {
        link.send({ data: `own ${index} ${prose(3_000)}` });
        link.send(message);
      }
      for (const { link } of server.served) link.flush();
    }
    const expected = broadcasts.flatMap((data, index) => [`own ${index} ${prose(3_000)}`, data]);
    for (const heard of messages) await vi.waitFor(() => expect(heard).toEqual(expected));
  });

  test("a large message blocks the link until it is compressed, and what follows keeps its place", async () => {
    const server = await openDeflateServer();
    const client = await openWs(server.url);
    const heard: string[] = [];
    client.on("message", (data) => heard.push(data.toString()));
    await vi.waitFor(() => expect(server.served).toHaveLength(1));
    const [one] = server.served;
    one?.say(prose(500_000), "small");
    expect(one?.events).toEqual(["blocked"]);
    one?.say("after");
    await vi.waitFor(() => expect(heard).toEqual([prose(500_000), "small", "after"]));
    expect(one?.events).toEqual(["blocked", "writable"]);
  });

  test("closing behind a large message lets it go first", async () => {
    const server = await openDeflateServer();
    const client = await openWs(server.url);
    const heard: number[] = [];
    client.on("message", (data: Buffer) => heard.push(data.length));
    await vi.waitFor(() => expect(server.served).toHaveLength(1));
    const closed = once(client, "close");
    server.served[0]?.say(prose(500_000));
    server.served[0]?.link.close(4000, "bye");
    const [code, reason] = await closed;
    expect([code, String(reason), heard]).toEqual([4000, "bye", [500_000]]);
  });

  test.each([
    [
      "a bomb",
      deflateRawSync(Buffer.alloc(50_000_000), { finishFlush: constants.Z_SYNC_FLUSH }),
      1009,
      "BW_MESSAGE_TOO_LARGE",
    ],
    [
      "a small bomb",
      deflateRawSync(Buffer.alloc(5_000_000), { finishFlush: constants.Z_SYNC_FLUSH }),
      1009,
      "BW_MESSAGE_TOO_LARGE",
    ],
    ["what is no stream", Buffer.alloc(200, 0xff), 1007, "BW_WS_INFLATE"],
    ["what is cut off", deflateRawSync(prose(50_000)).subarray(0, 5_000), 1007, "BW_WS_INFLATE"],
  ])("RFC6455-10.4-1 %s ends its own connection and no other", async (_name, payload, code, error) => {
    const server = await openDeflateServer();
    const honest = await openWs(server.url, { threshold: 0 });
    const client = await openWs(server.url);
    await vi.waitFor(() => expect(server.served).toHaveLength(2));
    const closed = once(client, "close");
    const { _socket: socket } = client as unknown as { _socket: NodeJS.WritableStream };
    const header = Buffer.alloc(8);
    header.set([0xc1, 0xfe]);
    header.writeUInt16BE(payload.length, 2);
    socket.write(Buffer.concat([header, payload]));
    expect((await closed)[0]).toBe(code);
    expect(server.served[1]?.events).toContain(`lost ${error}`);
    const message = once(honest, "message");
    honest.send(prose(2_000));
    expect(String((await message)[0])).toBe(prose(2_000));
  });
});

describe("our client, a server of ws", () => {
  async function openWsServer(perMessageDeflate: WsOptions | boolean): Promise<number> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate });
    clients.push(server);
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await once(server, "listening");
    return (server.address() as { port: number }).port;
  }

  const keeping = { serverNoContextTakeover: false, clientNoContextTakeover: false };

  test.each<[Partial<DeflateParameters>, WsOptions]>([
    [{}, { threshold: 0 }],
    [keeping, { threshold: 0 }],
    [keeping, { threshold: 0, serverNoContextTakeover: true }],
    [keeping, { threshold: 0, clientNoContextTakeover: true }],
    [keeping, { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 }],
    [keeping, { threshold: 0, clientMaxWindowBits: 8 }],
    [{ ...keeping, serverMaxWindowBits: 10, clientMaxWindowBits: 12 }, { threshold: 0 }],
    [{ serverMaxWindowBits: 9, clientMaxWindowBits: 9 }, { threshold: 0 }],
    [{ ...keeping, clientMaxWindowBits: 8 }, { threshold: 0 }],
  ])("RFC6455-9.1-3 RFC6455-9.1-5 RFC7692-5.1-2 %j with %j", async (wish, wsOptions) => {
    const client = new DeflateClient(await openWsServer(wsOptions), wish);
    const connection = await client.opened();
    for (const sample of samples) {
      if (typeof sample === "string") connection.sendText(sample);
      else connection.sendBinary(sample);
    }
    const echoes: Data[] = [];
    while (echoes.length < samples.length) echoes.push(await client.next());
    expect(echoes).toEqual(samples);
    connection.close(4321, "done");
    expect(await client.ended()).toMatchObject({ code: 4321, wasClean: true });
  });

  test("RFC7692-5-6 a server that declines", async () => {
    await expect(new DeflateClient(await openWsServer(false)).opened()).rejects.toThrow("declined");
  });
});

describe("the whole server, with the WebSocket of Node's own", () => {
  async function openServer(
    perMessageDeflate: ServerOptions["perMessageDeflate"],
  ): Promise<[Server, string]> {
    const http = createServer();
    const io = new Server(http, perMessageDeflate === undefined ? {} : { perMessageDeflate });
    onTestFinished(() => io.close());
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    return [io, `http://127.0.0.1:${(http.address() as AddressInfo).port}`];
  }

  test.each([
    undefined,
    false,
    true,
    { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false },
  ])("RFC6455-4.2.2-8 with perMessageDeflate %j (option: perMessageDeflate)", async (perMessageDeflate) => {
    const [io, url] = await openServer(perMessageDeflate);
    const probe = new globalThis.WebSocket(`${url}/bothways/`, "bothways.1");
    await once(probe, "open");
    expect(probe.extensions.startsWith("permessage-deflate")).toBe(Boolean(perMessageDeflate));
    probe.close();
    io.on("connection", (socket) => socket.on("echo", (value: unknown) => value));
    const client = connect(url, { forceNew: true, transports: [webSocket()] });
    for (const value of [prose(10), prose(5_000), prose(400_000), new Uint8Array(50_000), prose(2_000)])
      expect(await client.emitWithAck("echo", value)).toEqual(value);
    const heard = new Promise((resolve) => client.once("news", resolve));
    io.emit("news", prose(100_000));
    expect(await heard).toBe(prose(100_000));
    client.disconnect();
  });

  test.each([
    { threshold: -1 },
    { serverMaxWindowBits: 7 },
    { clientMaxWindowBits: 16 },
    { serverMaxWindowBits: 9.5 },
    { zlibDeflateOptions: { level: 10 } },
    { zlibDeflateOptions: { memLevel: 0 } },
  ])("what cannot be is refused at once: %j", (perMessageDeflate) => {
    expect(() => new Server({ perMessageDeflate })).toThrow(RangeError);
  });
});
