/** Clients from before the RFC, on real sockets: taken only by option, and beside others. */
import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { PreparedMessage, type WebSocket, type WebSocketServer } from "../../src/websocket/index.ts";
import type { ServerOptions } from "../../src/websocket/options.ts";
import { closed, open, portOf, RawClient, record, serve, urlOf } from "./rig.ts";

const key = "^n:ds[4U";
const digest = "8jKS'y:G*Co,Wxa-";

function head(lines: Readonly<Record<string, string | undefined>> = {}): string {
  const headers: Record<string, string | undefined> = {
    Host: "example.com",
    Connection: "Upgrade",
    "Sec-WebSocket-Key2": "12998 5 Y3 1  .P00",
    Upgrade: "WebSocket",
    "Sec-WebSocket-Key1": "4 @1  46546xW%0l 1 5",
    Origin: "http://example.com",
    ...lines,
  };
  const text = Object.entries(headers).map(([name, value]) => (value ? `${name}: ${value}\r\n` : ""));
  return `GET /demo HTTP/1.1\r\n${text.join("")}\r\n`;
}

const frame = (text: string): Buffer => Buffer.concat([Buffer.of(0), Buffer.from(text), Buffer.of(0xff)]);

interface Old {
  wss: WebSocketServer;
  server: WebSocket;
  client: RawClient;
}

async function connectOld(options: ServerOptions = {}): Promise<Old> {
  const wss = await serve({ hixie76: true, ...options });
  const client = new RawClient(portOf(wss), head() + key);
  const [server] = (await once(wss, "connection")) as [WebSocket];
  server.on("error", () => {});
  await client.receive(/Wxa-$/);
  client.received = Buffer.alloc(0);
  return { wss, server, client };
}

test("the handshake is answered as in the draft (option: hixie76)", async () => {
  const wss = await serve({ hixie76: true });
  const client = new RawClient(portOf(wss), head({ "Sec-WebSocket-Protocol": "sample" }) + key);
  expect(await client.receive(/\r\n\r\n.{16}/s)).toBe(
    [
      "HTTP/1.1 101 WebSocket Protocol Handshake",
      "Upgrade: WebSocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Origin: http://example.com",
      "Sec-WebSocket-Location: ws://example.com/demo",
      "Sec-WebSocket-Protocol: sample",
      "",
      digest,
    ].join("\r\n"),
  );
});

test("the last eight bytes may come late, and one by one", async () => {
  const wss = await serve({ hixie76: true });
  const client = new RawClient(portOf(wss), head());
  client.socket.setNoDelay(true);
  for (const byte of key) {
    await new Promise((resolve) => client.socket.write(byte, resolve));
    await new Promise(setImmediate);
  }
  expect(await client.receive(/Wxa-$/)).toContain("101 WebSocket Protocol Handshake");
});

describe("refused", () => {
  test("where the option is off, with a line that names it; the RFC's clients are taken", async () => {
    const wss = await serve();
    const answer = await new RawClient(portOf(wss), head() + key).ended();
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*hixie-76[\s\S]*option hixie76/);
    await once(open(urlOf(wss)), "open");
  });

  test("where the option is off, whoever listens for it is told the same", async () => {
    const wss = await serve();
    const told = once(wss, "wsClientError");
    new RawClient(portOf(wss), head() + key);
    const [error, socket] = await told;
    expect([error.code, error.message]).toEqual(["BW_WS_HANDSHAKE", expect.stringContaining("hixie76")]);
    socket.destroy();
  });

  test.each([
    ["a key that hides no number", head({ "Sec-WebSocket-Key1": "1234" }) + key, /hides no number/],
    ["bytes behind the challenge", `${head()}${key}more`, /not eight bytes/],
  ])("%s", async (_, request, expected) => {
    const wss = await serve({ hixie76: true });
    const answer = await new RawClient(portOf(wss), request).ended();
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(expected);
  });

  test("a challenge that does not come, and one cut off", async () => {
    const wss = await serve({ hixie76: true, handshakeTimeout: 50 });
    expect(await new RawClient(portOf(wss), `${head()}half`).ended()).toMatch(/^HTTP\/1\.1 408 /);
    const short = new RawClient(portOf(wss), `${head()}half`);
    short.socket.end();
    expect(await short.ended()).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("by path and by verifyClient, as any other", async () => {
    const wss = await serve({ hixie76: true, path: "/other" });
    expect(await new RawClient(portOf(wss), head() + key).ended()).toMatch(/^HTTP\/1\.1 400 /);
    const strict = await serve({
      hixie76: true,
      verifyClient: ({ origin }: { origin: string }) => origin !== "http://example.com",
    });
    expect(await new RawClient(portOf(strict), head() + key).ended()).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe("open", () => {
  test("texts go both ways, whole or byte by byte", async () => {
    const { server, client } = await connectOld();
    server.on("message", (data, isBinary) => server.send(data as Buffer, { binary: isBinary }));
    client.socket.setNoDelay(true);
    client.socket.write(frame("hello"));
    for (const byte of frame("grüße")) {
      await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve));
    }
    await client.receive(/\xff.*\xff/s);
    expect(client.received).toEqual(Buffer.concat([frame("hello"), frame("grüße")]));
  });

  test("a prepared text reaches both kinds of clients, prepared bytes throw", async () => {
    const { wss, server, client } = await connectOld();
    const other = open(urlOf(wss));
    await once(other, "open");
    const news = new PreparedMessage("news");
    const told = once(other, "message");
    for (const one of wss.clients ?? []) one.send(news);
    expect(String((await told)[0])).toBe("news");
    await client.receive(/\xff/);
    expect(client.received).toEqual(frame("news"));
    const bytes = new PreparedMessage(Buffer.of(1));
    expect(() => server.send(bytes)).toThrow(expect.objectContaining({ code: "BW_WS_TEXT_ONLY" }));
  });

  test.each<[string, (server: WebSocket) => void]>([
    ["bytes", (server) => server.send(Buffer.of(1))],
    ["a ping", (server) => server.ping()],
    ["a pong", (server) => server.pong()],
    ["a fragment", (server) => server.send("a", { fin: false })],
  ])("%s cannot be sent: an error says so, and the connection stays", async (_, send) => {
    const { server, client } = await connectOld();
    expect(() => send(server)).toThrow(
      expect.objectContaining({ code: "BW_WS_TEXT_ONLY", message: expect.stringContaining("hixie-76") }),
    );
    server.send("still here");
    await client.receive(/\xff/);
    expect(client.received).toEqual(frame("still here"));
  });

  test("the closing handshake, begun by either", async () => {
    const one = await connectOld();
    const told = record(one.server);
    one.client.socket.write(Buffer.of(0xff, 0));
    expect(await one.client.ended()).toBe("\xff\0");
    one.client.socket.end();
    if (one.server.readyState !== 3) await closed(one.server);
    expect(told).toEqual(["close 1005  (3)"]);
    const other = await connectOld();
    const end = closed(other.server);
    other.server.close(4000, "not told");
    await other.client.receive(/\xff\0/);
    other.client.socket.end(Buffer.of(0xff, 0));
    expect(await end).toEqual([1005, ""]);
  });

  test.each([
    ["a length-prefixed frame", Buffer.of(0x80, 1, 0x61), "BW_WS_OPCODE"],
    ["a text that is too long", frame("x".repeat(101)), "BW_MESSAGE_TOO_LARGE"],
    ["a text that is not UTF-8", Buffer.of(0, 0xc0, 0xff), "BW_WS_UTF8"],
  ])("%s ends it", async (_, bytes, code) => {
    const { server, client } = await connectOld({ maxPayload: 100, closeTimeout: 50 });
    const error = new Promise((resolve) => server.once("error", resolve));
    client.socket.write(bytes);
    expect(await error).toMatchObject({ code });
    expect(await client.ended()).toBe("");
  });

  test("nobody is pinged, or given up for silence", async () => {
    const setInterval = vi.spyOn(globalThis, "setInterval");
    try {
      await connectOld({ heartbeatInterval: 20 });
      expect(setInterval).not.toHaveBeenCalled();
    } finally {
      setInterval.mockRestore();
    }
  });
});
