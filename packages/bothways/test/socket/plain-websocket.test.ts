/** WebSockets without a library: the same rooms, events and answers as everyone. docs/protocol/plain.md §1, §2. */
import { once } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket as Ws } from "ws";
import { io as connectNative } from "../../src/client/index.node.ts";
import type { Socket } from "../../src/server/index.ts";
import { next } from "../suites/rig.ts";
import { connect, type Place, serve } from "./plain-rig.ts";

/** A client that has joined, with the server's half. */
async function join({ io, url }: Place, query = "") {
  const joined = next<[Socket]>(io, "connection");
  const client = await connect(url + query);
  const [socket] = await joined;
  expect(await client.next()).toMatchObject({ event: "connect", args: [{ sid: socket.id }] });
  return { client, socket };
}

describe("a plain WebSocket", () => {
  test("is in the same rooms as everyone, and each hears the other", async () => {
    const place = await serve();
    place.io.on("connection", (socket) => {
      socket.join("lobby");
      socket.on("say", (text) => socket.to("lobby").emit("said", text));
    });
    const { client } = await join(place);
    const native = connectNative(place.url.replace("/bothways/", ""), { forceNew: true });
    onTestFinished(() => void native.disconnect());
    await next(native, "connect");
    await vi.waitFor(() => expect(place.io.stats().connections).toBe(2));
    const heard = next(native, "said");
    client.say({ event: "say", args: ["from plain \u2028 😀"] });
    expect(await heard).toEqual(["from plain \u2028 😀"]);
    native.emit("say", { from: "native", bytes: new Uint8Array([255]) });
    expect(await client.next()).toEqual({
      event: "said",
      args: [{ from: "native", bytes: { $binary: "/w==" } }],
    });
  });

  test("asks and is asked", async () => {
    const place = await serve();
    place.io.on("connection", (socket) => {
      socket.on("add", (a, b) => a + b);
      socket.on("size", (bytes: Uint8Array) => bytes.length);
      socket.on("fail", () => {
        throw Object.assign(new Error("no"), { data: { hint: 1 } });
      });
    });
    const { client, socket } = await join(place);
    client.say({ event: "add", args: [1, 2], id: 7 });
    expect(await client.next()).toEqual({ id: 7, ack: [3] });
    client.say({ event: "size", args: [{ $binary: "AQID" }], id: 8 });
    expect(await client.next()).toEqual({ id: 8, ack: [3] });
    client.say({ event: "fail", id: 9 });
    expect(await client.next()).toEqual({ id: 9, error: { message: "no", data: { hint: 1 } } });
    const answer = socket.emitWithAck("well?", 1);
    const { event, args, id } = await client.next();
    expect([event, args]).toEqual(["well?", [1]]);
    client.say({ id, ack: ["fine"] });
    expect(await answer).toBe("fine");
    const refused = socket.emitWithAck("well?");
    client.say({ id: (await client.next()).id, error: { message: "busy", data: 1 } });
    await expect(refused).rejects.toMatchObject({ code: "BW_ACK_REFUSED", detail: "busy", data: 1 });
  });

  test("may be in rooms from the start, and be told what it missed there", async () => {
    const place = await serve({ allowRoom: (room) => room === "AAPL" });
    place.io.history();
    const { client } = await join(place, "?room=AAPL");
    place.io.to("AAPL").emit("tick", 1);
    const { event, args, position } = await client.next();
    expect([event, args]).toEqual(["tick", [1]]);
    place.io.to("AAPL").emit("tick", 2);
    const again = await connect(`${place.url}?room=AAPL&since=${position}`);
    expect((await again.next()).event).toBe("connect");
    expect(await again.next()).toMatchObject({ event: "tick", args: [2] });
    const lost = await connect(`${place.url}?room=AAPL&since=made-up`);
    expect(await lost.next()).toEqual({ event: "gap", args: [{ since: "made-up" }] });
    const refused = await connect(`${place.url}?room=MSFT`);
    expect(await refused.closed).toMatchObject({
      code: 4403,
      reason: expect.stringContaining("BW_ROOM_REFUSED"),
    });
  });

  test("what it says before it is in waits for that", async () => {
    const place = await serve();
    place.io.use((_socket, next) => setTimeout(next, 20));
    place.io.on("connection", (socket) => socket.on("hello", (name) => `hello ${name}`));
    const client = await connect(place.url);
    client.say({ event: "hello", args: ["ada"], id: 1 });
    client.say({ event: "hello", args: ["bob"], id: 2 });
    expect((await client.next()).event).toBe("connect");
    expect(await client.next()).toEqual({ id: 1, ack: ["hello ada"] });
    expect(await client.next()).toEqual({ id: 2, ack: ["hello bob"] });
  });

  test("rests while the application pauses it", async () => {
    const place = await serve();
    const { client, socket } = await join(place);
    const heard: number[] = [];
    socket.on("n", (number) => void heard.push(number));
    socket.pause();
    const block = "x".repeat(100_000);
    for (let number = 1; number <= 20; number++) client.say({ event: "n", args: [number, block] });
    // so much is not held here: the rest waits on the network
    await vi.waitFor(() => expect(place.io.stats().bufferedBytes).toBeGreaterThan(262_144));
    expect(heard).toEqual([]);
    socket.resume();
    await vi.waitFor(() => expect(heard).toEqual(Array.from({ length: 20 }, (_, index) => index + 1)));
    expect(place.io.stats().bufferedBytes).toBe(0);
  });

  test("may be compressed (option: perMessageDeflate)", async () => {
    const place = await serve({ perMessageDeflate: true });
    place.io.on("connection", (socket) => socket.on("echo", (text) => text));
    const { client } = await join(place);
    expect(client.socket.extensions).toContain("permessage-deflate");
    const text = "all the same ".repeat(1000);
    client.say({ event: "echo", args: [text], id: 1 });
    expect(await client.next()).toEqual({ id: 1, ack: [text] });
  });

  test.each([
    ["asks for no subprotocol: others are not its own", "", "chat", 400],
    ["connects to no other path", "events", [], 404],
  ])("%s", async (_what, path, subprotocols, status) => {
    const { url } = await serve();
    const socket = new Ws(url.replace("http", "ws") + path, subprotocols);
    const [, response] = await once(socket, "unexpected-response");
    expect(response.statusCode).toBe(status);
    response.destroy();
  });
});

describe("who gets in", () => {
  test("is asked for `auth` where the URL says so", async () => {
    const place = await serve();
    place.io.use((socket, next) =>
      next(socket.handshake.auth.token === "t" ? undefined : new Error("not you")),
    );
    const client = await connect(`${place.url}?auth`);
    client.say({ auth: { token: "t" } });
    expect((await client.next()).event).toBe("connect");
    const wrong = await connect(`${place.url}?auth`);
    wrong.say({ auth: { token: "u" } });
    expect(await wrong.next()).toEqual({ event: "connect_error", args: [{ message: "not you" }] });
    expect(await wrong.closed).toEqual({ code: 4403, reason: "not you" });
    const none = await connect(`${place.url}?auth`);
    none.say({ event: "hello" });
    expect((await none.closed).code).toBe(4400);
    expect((await (await connect(place.url)).closed).code).toBe(4403);
  });

  test("in time, and with an auth that is not too long (options: connectTimeout, maxHelloSize)", async () => {
    const hasty = await serve({ connectTimeout: 50 });
    const silent = await connect(`${hasty.url}?auth`);
    expect(await silent.closed).toMatchObject({ code: 4408 });
    const { url } = await serve({ maxHelloSize: 100 });
    const long = await connect(`${url}?auth`);
    long.say({ auth: "x".repeat(100) });
    expect(await long.closed).toMatchObject({ code: 4413 });
  });

  test("whom authenticate knows, and nobody else", async () => {
    const { url } = await serve({
      authenticate: () => {
        throw new Error("who are you?");
      },
    });
    expect(await (await connect(url)).closed).toEqual({ code: 4401, reason: "who are you?" });
  });

  test("may renew who it is", async () => {
    const place = await serve({
      authenticate: () => ({ user: "ada", expiresAt: Date.now() + 10_000 }),
      authWarning: 60_000,
      refreshAuth: () => ({ user: "ada", expiresAt: Date.now() + 600_000 }),
    });
    const { client, socket } = await join(place);
    expect((await client.next()).event).toBe("auth_expiring");
    client.say({ event: "refresh_auth", args: ["new token"], id: 1 });
    expect(await client.next()).toMatchObject({ id: 1, ack: expect.anything() });
    expect(socket.conn.expiresAt).toBeGreaterThan(Date.now() + 300_000);
  });
});

describe("it is ended with a code", () => {
  test.each([
    ["no JSON", "hello", 4400],
    ["no message", "{}", 4400],
    ["an array", '["chat"]', 4400],
    ["nesting", `{"event":"x","args":${"[".repeat(200)}${"]".repeat(200)}}`, 4400],
    ["bytes", new Uint8Array([1, 2, 3]), 4415],
    ["too long", "x".repeat(1_000_001), 1009],
  ])("%s", async (_what, message, code) => {
    const place = await serve();
    const { client, socket } = await join(place);
    client.socket.send(message);
    expect((await client.closed).code).toBe(code);
    await vi.waitFor(() => expect(socket.connected).toBe(false));
  });

  test("where it says more than it may (option: maxRate)", async () => {
    // one at once, and the next in a quarter of an hour, whatever the machine
    const place = await serve({ maxRate: { perClient: 0.001 } });
    place.io.on("connection", (socket) => socket.on("x", () => {}));
    const { client, socket } = await join(place);
    const reason = next(socket, "disconnect");
    for (let id = 0; id < 2; id++) client.say({ event: "x", id });
    expect(await client.next()).toMatchObject({
      id: 1,
      error: { message: expect.stringContaining("BW_RATE_LIMIT") },
    });
    for (let id = 2; id < 40; id++) client.say({ event: "x", id });
    expect((await client.closed).code).toBe(4429);
    expect(await reason).toEqual(["rate limit"]);
  });

  test("where it leaves, or is made to", async () => {
    const place = await serve();
    const first = await join(place);
    const left = next(first.socket, "disconnect");
    first.client.socket.close();
    expect(await left).toEqual(["transport close"]);
    const second = await join(place);
    second.socket.emit("bye");
    second.socket.disconnect();
    expect(await second.client.next()).toMatchObject({ event: "bye" });
    expect(await second.client.closed).toEqual({ code: 4000, reason: "closed" });
  });

  test("where it does not answer pings (options: pingInterval, pingTimeout)", async () => {
    const place = await serve({ pingInterval: 40, pingTimeout: 1_000 });
    const joined = next<[Socket]>(place.io, "connection");
    const lively = await connect(place.url);
    await joined;
    const dead = new Ws(place.url.replace("http", "ws"), { autoPong: false });
    const [socket] = await next<[Socket]>(place.io, "connection");
    expect(await next(socket, "disconnect")).toEqual(["ping timeout"]);
    const [code] = await once(dead, "close");
    expect(code).toBe(4408);
    // it came first
    expect(lively.socket.readyState).toBe(WebSocket.OPEN);
  });

  test("where it does not read (option: slowConsumer)", async () => {
    const place = await serve({ maxBufferedBytes: 100_000 });
    const joined = next<[Socket]>(place.io, "connection");
    const dead = new Ws(place.url.replace("http", "ws"));
    onTestFinished(() => dead.terminate());
    dead.on("error", () => {});
    await once(dead, "open");
    dead.pause();
    const [socket] = await joined;
    const block = "x".repeat(50_000);
    for (let sent = 0; socket.connected; sent++) {
      socket.emit("block", block);
      expect(sent).toBeLessThan(1000);
      await new Promise(setImmediate);
    }
    await vi.waitFor(() => expect(place.io.stats()).toMatchObject({ sessions: 0, bufferedBytes: 0 }));
  });
});

test.each([
  ["of its own", { maxClientBytes: 400_000 }],
  ["of all clients", { maxTotalBufferedBytes: 400_000 }],
])(
  "what waits counts in the account %s (options: maxClientBytes, maxTotalBufferedBytes)",
  async (_whose, options) => {
    const place = await serve({ ...options, highWaterMark: 1_000_000 });
    const { client, socket } = await join(place);
    socket.on("n", () => {});
    socket.pause();
    const reason = next(socket, "disconnect");
    for (let number = 0; number < 6; number++) client.say({ event: "n", args: ["x".repeat(100_000)] });
    expect(await reason).toEqual(["overflow"]);
    expect((await client.closed).code).toBe(4507);
  },
);

test("what is emitted in one turn beyond all limits does not pile up", async () => {
  const place = await serve({ slowConsumer: "drop-oldest" });
  const { client, socket } = await join(place);
  const block = "x".repeat(10_000);
  for (let number = 1; number <= 1000; number++) socket.emit("n", number, block);
  expect(place.io.stats().bufferedBytes).toBeLessThan(1_500_000);
  expect(socket.conn.dropped).toBeGreaterThan(800);
  const numbers: unknown[] = [];
  while (numbers.at(-1) !== 1000) numbers.push((await client.next()).args?.[0]);
  expect(numbers).toEqual([...numbers].sort((one, other) => Number(one) - Number(other)));
});
