/** The WebSocket transport's server half: the `ws` client for what is right, raw sockets for what is not. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Data, Message } from "../../src/model/message.ts";
import type { LinkHandler } from "../../src/model/transport.ts";
import { nodePrimitives } from "../../src/platform/node.ts";
import { isAtPath } from "../../src/transport/node/handshake.ts";
import { checkOrigin } from "../../src/transport/node/origin.ts";
import { acceptUpgrade, guardSocket, readUpgrade, refuseUpgrade } from "../../src/transport/node/upgrade.ts";
import { createLinkOptions, WebSocketLink } from "../../src/transport/node/websocket.ts";

const options = createLinkOptions(nodePrimitives, 4_000_000, (error) => Promise.reject(error), 300);
const key = "dGhlIHNhbXBsZSBub25jZQ==";

/** One link as a driver sees it, and the socket under it. */
class Served implements LinkHandler {
  readonly link: WebSocketLink;
  readonly socket: Duplex;
  readonly hello: string | undefined;
  readonly frames: Data[] = [];
  readonly events: string[] = [];
  onReceived: () => void = () => {};

  constructor(link: WebSocketLink, socket: Duplex, hello: string | undefined) {
    this.link = link;
    this.socket = socket;
    this.hello = hello;
    link.bind(this);
  }

  receive(data: Data): void {
    this.frames.push(typeof data === "string" ? data : data.slice());
  }

  received(): void {
    this.events.push("received");
    this.onReceived();
  }

  writable(): void {
    this.events.push("writable");
  }

  blocked(): void {
    this.events.push("blocked");
  }

  position(): string {
    return "a0,0,0";
  }

  lost(code: string, closeCode?: number, reason?: string): void {
    this.events.push([`lost ${code}`, closeCode, reason].filter((part) => part !== undefined).join(" "));
  }

  say(...frames: readonly Data[]): void {
    for (const data of frames) this.link.send({ data });
    this.link.flush();
  }
}

const server = createServer((_, response) => response.end("page"));
let served: Served[] = [];
let port = 0;
let prepare: (served: Served) => void = () => {};
let authenticate: () => Promise<void> = async () => {};

server.on("upgrade", async (request, socket, head) => {
  if (!isAtPath(request.url, "/bothways/")) return;
  guardSocket(socket);
  const verdict = checkOrigin(request, { origins: "same-origin", trustProxy: false });
  if (!verdict.isAllowed) return refuseUpgrade(socket, { code: "BW_ORIGIN", detail: verdict.reason });
  const upgrade = readUpgrade(request, head, nodePrimitives);
  if (!upgrade.ok) return refuseUpgrade(socket, upgrade);
  await authenticate();
  const answer = acceptUpgrade(socket, upgrade, undefined, nodePrimitives);
  const one = new Served(new WebSocketLink(socket, answer, options), socket, upgrade.hello);
  served.push(one);
  prepare(one);
  one.link.open();
  one.link.flush();
});

// Another library on the same server.
server.on("upgrade", (request, socket) => {
  if (request.url === "/other/")
    socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
});

beforeEach(async () => {
  served = [];
  prepare = () => {};
  authenticate = async () => {};
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  for (const { socket } of served) socket.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

function url(): string {
  return `ws://127.0.0.1:${port}/bothways/`;
}

function encodeHello(hello: string): string {
  return Buffer.from(hello).toString("base64url");
}

async function openClient(protocols: string[] = ["bothways.1"]): Promise<[WebSocket, Served]> {
  const client = new WebSocket(url(), protocols, { perMessageDeflate: false });
  await once(client, "open");
  return [client, served.at(-1) as Served];
}

function head(fields: Record<string, string | undefined> = {}): string {
  const base = {
    Host: `127.0.0.1:${port}`,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": "bothways.1",
  };
  const lines = Object.entries({ ...base, ...fields }).filter(([, value]) => value !== undefined);
  return `GET /bothways/ HTTP/1.1\r\n${lines.map((line) => `${line.join(": ")}\r\n`).join("")}\r\n`;
}

async function openRaw(text: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

/** A raw connection behind its handshake. */
async function openBehindHandshake(): Promise<[Socket, Served]> {
  const socket = await openRaw(head());
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 101 /);
  return [socket, served.at(-1) as Served];
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk.toString("latin1");
  return text;
}

/** A masked frame; with the key zero masking changes nothing. */
function maskedFrame(first: number, payload: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Uint8Array.of(first, 0x80 | bytes.length, 0, 0, 0, 0), bytes]);
}

/** Counts the writes that reach the system. */
function watchWrites(socket: Duplex): string[] {
  const writes: string[] = [];
  const { _write, _writev } = socket;
  socket._write = (...args) => {
    writes.push("write");
    _write.apply(socket, args);
  };
  socket._writev = (...args) => {
    writes.push("writev");
    _writev?.apply(socket, args);
  };
  return writes;
}

/** Sends until the link is blocked and returns how many bytes that took. */
function fill(one: Served): number {
  const block = new Uint8Array(1_000_000);
  for (let count = 1; count <= 100; count++) {
    one.say(block);
    if (one.events.includes("blocked")) return count * (block.length + 10);
  }
  throw new Error("the link never blocked");
}

describe("opening", () => {
  test("RFC6455-4.2.2-1 the hello comes with the request; the answer and the first frames leave in one write", async () => {
    let writes: string[] = [];
    prepare = ({ link, socket }) => {
      writes = watchWrites(socket);
      link.send({ data: "w{}" });
      link.send({ data: Uint8Array.of(109, 1) });
    };
    const client = new WebSocket(url(), ["bothways.1", encodeHello('h{"한":1}')]);
    const messages: string[] = [];
    client.on("message", (data) => messages.push(data.toString()));
    await once(client, "open");
    await vi.waitFor(() => expect(messages).toEqual(["w{}", "m\u0001"]));
    expect(client.protocol).toBe("bothways.1");
    expect(served[0]?.hello).toBe('h{"한":1}');
    expect(served[0]?.events).toEqual([]);
    expect(writes).toEqual(["write"]);
    client.terminate();
  });

  test("without a hello in the request the answer leaves alone", async () => {
    const [client, { hello, frames }] = await openClient();
    expect(hello).toBeUndefined();
    client.send("h{}");
    await vi.waitFor(() => expect(frames).toEqual(["h{}"]));
    client.terminate();
  });

  test("a request that arrives byte by byte", async () => {
    const socket = await openRaw("");
    for (const byte of head()) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\n$/s);
    expect(String(answer)).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    socket.destroy();
  });

  test("a client that leaves before it was authenticated", async () => {
    let admit = () => {};
    let isAsked = false;
    authenticate = () =>
      new Promise((resolve) => {
        isAsked = true;
        admit = resolve;
      });
    const socket = await openRaw(head());
    await vi.waitFor(() => expect(isAsked).toBe(true));
    const left = once(socket, "close");
    socket.resetAndDestroy();
    await left;
    admit();
    await vi.waitFor(() => expect(served[0]?.events.at(-1)).toBe("lost BW_WS_ABNORMAL"));
  });

  test("a link made of a socket that is already destroyed is lost, but not before it is open", async () => {
    let order = "";
    prepare = (one) => {
      one.socket.destroy();
      one.lost = () => {
        order += "lost";
      };
      queueMicrotask(() => {
        order += "opened, ";
      });
    };
    await openRaw(head());
    await vi.waitFor(() => expect(order).toBe("opened, lost"));
  });
});

describe("refusals", () => {
  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ["no key", { "Sec-WebSocket-Key": undefined }, /^HTTP\/1\.1 400 .*BW_WS_HANDSHAKE: Sec-WebSocket-Key/s],
    [
      "version 8",
      { "Sec-WebSocket-Version": "8" },
      /^HTTP\/1\.1 426 .*Sec-WebSocket-Version: 13\r\n.*BW_WS_VERSION/s,
    ],
    ["other protocol", { "Sec-WebSocket-Protocol": "chat" }, /^HTTP\/1\.1 400 .*BW_BAD_REQUEST: /s],
    ["no protocol", { "Sec-WebSocket-Protocol": undefined }, /^HTTP\/1\.1 400 .*BW_BAD_REQUEST: /s],
    ["bad hello", { "Sec-WebSocket-Protocol": "bothways.1, x.y" }, /^HTTP\/1\.1 400 .*BW_BAD_REQUEST: /s],
    ["a body", { "Content-Length": "5" }, /^HTTP\/1\.1 400 .*BW_WS_HANDSHAKE: a body/s],
    [
      "other origin",
      { Origin: "http://evil.com" },
      /^HTTP\/1\.1 403 .*BW_ORIGIN: origin "http:\/\/evil.com"/s,
    ],
  ])(
    "RFC6455-4.2.2-3..4 RFC6455-7.2.2-1 RFC6455-10.2-1..2 RFC6455-10.7-3 %s: says why and closes",
    async (_, fields, answer) => {
      const socket = await openRaw(head(fields));
      const text = await readAll(socket);
      expect(text).toMatch(answer);
      expect(text).toContain("Connection: close\r\n");
      expect(served).toEqual([]);
      socket.destroy();
    },
  );

  test("early bytes", async () => {
    const socket = await openRaw(head() + Buffer.from(maskedFrame(0x81, "h")).toString("latin1"));
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 400 .*bytes came before/s);
    socket.destroy();
  });

  test("one who does not close is cut off", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const upgrade = once(server, "upgrade");
      const socket = await openRaw(head({ Origin: "http://evil.com" }));
      const [, serverSocket] = await upgrade;
      await once(socket.resume(), "end");
      expect(serverSocket.destroyed).toBe(false);
      vi.runAllTimers();
      expect(serverSocket.destroyed).toBe(true);
      socket.destroy();
    } finally {
      vi.useRealTimers();
    }
  });

  test("another path is left to others", async () => {
    const request = httpRequest({
      port,
      path: "/other/",
      headers: { Connection: "Upgrade", Upgrade: "other" },
    });
    request.end();
    const [response] = await once(request, "upgrade");
    expect(response.headers.upgrade).toBe("other");
    expect(served).toEqual([]);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toBe("page");
  });
});

describe("messages", () => {
  test("RFC6455-6.1-8 come and go as they are, text and binary, short and long", async () => {
    const [client, one] = await openClient();
    one.onReceived = () => one.say(...one.frames.splice(0));
    const samples: Data[] = ["", "m한국어🙂", "x".repeat(200), "é".repeat(70_000), new Uint8Array(0)];
    for (const length of [1, 125, 126, 65_535, 65_536, 1_000_000]) {
      samples.push(new Uint8Array(length).map((_, index) => index * 7));
    }
    const echoes: Data[] = [];
    client.on("message", (data: Buffer, isBinary) =>
      echoes.push(isBinary ? new Uint8Array(data) : data.toString()),
    );
    for (const sample of samples) client.send(sample);
    await vi.waitFor(() => expect(echoes.length).toBe(samples.length));
    expect(echoes).toEqual(samples);
    client.terminate();
  });

  test("RFC6455-5.4-4 in fragments, with pings between them", async () => {
    const [socket, one] = await openBehindHandshake();
    const frames = [
      maskedFrame(0x01, "a"),
      maskedFrame(0x89, "p"),
      maskedFrame(0x00, "b"),
      maskedFrame(0x80, "c"),
    ];
    const answer = once(socket, "data");
    for (const byte of Buffer.concat(frames)) socket.write(Uint8Array.of(byte));
    await vi.waitFor(() => expect(one.frames).toEqual(["abc"]));
    const [pong] = await answer;
    expect([...pong]).toEqual([0x8a, 1, 0x70]);
    socket.destroy();
  });

  test("that come together are answered in one write", async () => {
    const [socket, one] = await openBehindHandshake();
    const writes = watchWrites(one.socket);
    one.onReceived = () => one.say(...one.frames.splice(0));
    const frames = [
      maskedFrame(0x81, "a"),
      maskedFrame(0x89, "p"),
      maskedFrame(0x82, "b"),
      maskedFrame(0x81, "c"),
    ];
    socket.write(Buffer.concat(frames));
    const [answer] = await once(socket, "data");
    expect([...answer]).toEqual([0x8a, 1, 0x70, 0x81, 1, 0x61, 0x82, 1, 0x62, 0x81, 1, 0x63]);
    expect(one.events).toEqual(["received"]);
    expect(writes).toEqual(["write"]);
    socket.destroy();
  });

  test("of one batch leave in one write though another link's came between", async () => {
    const [client, one] = await openClient();
    const [otherClient, other] = await openClient();
    const messages: string[] = [];
    client.on("message", (data) => messages.push(data.toString()));
    const writes = watchWrites(one.socket);
    const large = "x".repeat(100_000);
    one.link.send({ data: "1" });
    other.link.send({ data: "!" });
    one.link.send({ data: "2" });
    one.link.send({ data: large });
    one.link.send({ data: "3" });
    expect(writes).toEqual([]);
    one.link.flush();
    other.link.flush();
    expect(writes).toEqual(["writev"]);
    await vi.waitFor(() => expect(messages).toEqual(["1", "2", large, "3"]));
    client.terminate();
    otherClient.terminate();
  });

  test.each<[string, Data]>([
    ["text", "m한국어"],
    ["bytes", Uint8Array.of(109, 1, 2)],
    ["long text", "x".repeat(10_000)],
    ["long bytes", new Uint8Array(100_000).fill(7)],
  ])("sent to many are framed once: %s", async (_, data) => {
    const message: Message = { data };
    const frames: (Uint8Array | undefined)[] = [];
    const echoes: Data[] = [];
    const clients: WebSocket[] = [];
    for (let i = 0; i < 4; i++) {
      const [client, one] = await openClient();
      clients.push(client);
      client.on("message", (data: Buffer, isBinary) =>
        echoes.push(isBinary ? new Uint8Array(data) : data.toString()),
      );
      one.link.send(message);
      one.link.flush();
      frames.push(message.framed);
    }
    expect(frames[1]?.length).toBeGreaterThan(data.length);
    expect(frames[2]).toBe(frames[1]);
    expect(frames[3]).toBe(frames[1]);
    await vi.waitFor(() => expect(echoes).toEqual([data, data, data, data]));
    for (const client of clients) client.terminate();
  });

  test("to a peer that does not read block the link until it does", async () => {
    const [socket, one] = await openBehindHandshake();
    socket.pause();
    const sent = fill(one);
    expect(one.events).toEqual(["blocked"]);
    // Pings of a peer that does not read its pongs: they must not pile up.
    const waiting = one.socket.writableLength;
    socket.write(Buffer.concat(Array.from({ length: 1_000 }, (_, i) => maskedFrame(0x89, `ping ${i}`))));
    socket.write(maskedFrame(0x81, "end"));
    await vi.waitFor(() => expect(one.frames).toEqual(["end"]));
    expect(one.socket.writableLength).toBe(waiting);
    let read = 0;
    let tail = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      read += chunk.length;
      tail = Buffer.concat([tail, chunk]).subarray(-10);
    });
    socket.resume();
    await vi.waitFor(() => expect(one.events.filter((event) => event === "writable").length).toBe(1));
    await vi.waitFor(() => expect(read).toBe(sent + 10));
    expect(tail.toString("latin1")).toBe("\x8a\x08ping 999");
    socket.destroy();
  });
});

describe("the end", () => {
  test("closed by us: the peer hears code and reason, and we say nothing more", async () => {
    const [client, one] = await openClient();
    const closed = once(client, "close");
    one.link.send({ data: "last" });
    const [message] = await Promise.all([once(client, "message"), one.link.close(4409, "taken over")]);
    expect(String(message[0])).toBe("last");
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4409, "taken over"]);
    await vi.waitFor(() => expect(one.socket.destroyed).toBe(true));
    expect(one.events).toEqual([]);
  });

  test("closed by us, and the peer never answers", async () => {
    const [socket, one] = await openBehindHandshake();
    one.link.close(4000, "bye");
    one.link.close(4000, "again");
    socket.write(maskedFrame(0x81, "late"));
    const [chunk] = await once(socket, "data");
    expect(chunk.subarray(4).toString()).toBe("bye");
    await once(one.socket, "close");
    expect(one.frames).toEqual([]);
    socket.destroy();
  });

  test("closed by us while the peer does not read", async () => {
    const [socket, one] = await openBehindHandshake();
    socket.pause();
    fill(one);
    one.link.close(4000, "bye");
    await once(one.socket, "close");
    expect(one.events).toEqual(["blocked"]);
    socket.destroy();
  });

  test.each<[number | undefined, string, string]>([
    [4000, "bye", "lost BW_TRANSPORT_CLOSED 4000 bye"],
    [1001, "", "lost BW_TRANSPORT_CLOSED 1001 "],
    [undefined, "", "lost BW_TRANSPORT_CLOSED"],
  ])("closed by the peer with %s", async (code, reason, event) => {
    const [client, one] = await openClient();
    client.close(code, reason);
    await vi.waitFor(() => expect(one.events).toEqual([event]));
    await vi.waitFor(() => expect(one.socket.destroyed).toBe(true));
    expect(client.readyState).toBe(WebSocket.CLOSED);
  });

  test.each<[string, (socket: Socket) => void]>([
    ["reset", (socket) => socket.resetAndDestroy()],
    ["half-closed", (socket) => socket.end()],
    ["cut inside a frame", (socket) => socket.end(Uint8Array.of(0x81, 0xfe, 0x01))],
  ])("%s", async (_, end) => {
    const [socket, one] = await openBehindHandshake();
    end(socket);
    await vi.waitFor(() =>
      expect(one.events.filter((event) => event !== "received")).toEqual(["lost BW_WS_ABNORMAL"]),
    );
    await vi.waitFor(() => expect(one.socket.destroyed).toBe(true));
    socket.destroy();
  });

  test.each<[string, Uint8Array, number, string]>([
    ["an unmasked frame", Uint8Array.of(0x81, 1, 0x61), 1002, "BW_WS_MASK"],
    ["an unknown opcode", maskedFrame(0x83, "x"), 1002, "BW_WS_OPCODE"],
    ["invalid text", maskedFrame(0x81, Uint8Array.of(0xff)), 1007, "BW_WS_UTF8"],
    [
      "a huge length",
      Uint8Array.of(0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4),
      1009,
      "BW_MESSAGE_TOO_LARGE",
    ],
  ])("%s ends its own connection and no other", async (_, bytes, code, error) => {
    const [client, honest] = await openClient();
    const [socket, one] = await openBehindHandshake();
    socket.write(bytes);
    const [answer] = await once(socket, "data");
    expect([...answer]).toEqual([0x88, 2, code >> 8, code & 0xff]);
    expect(one.events).toEqual([`lost ${error}`]);
    await once(one.socket, "close");
    client.send("alive");
    await vi.waitFor(() => expect(honest.frames).toEqual(["alive"]));
    socket.destroy();
    client.terminate();
  });

  test("a reset while we write ends the link and not the process", async () => {
    const [socket, one] = await openBehindHandshake();
    socket.resetAndDestroy();
    while (!one.events.some((event) => event.startsWith("lost"))) {
      one.say("x".repeat(1_000));
      await new Promise(setImmediate);
    }
    one.say("late");
    expect(one.events.at(-1)).toBe("lost BW_WS_ABNORMAL");
  });
});
