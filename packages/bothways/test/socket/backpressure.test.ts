/** What waits on the server, who is made to wait for it, and what is given up where it is too much. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { connect, type Socket as NetSocket } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { ServerOptions } from "../../src/server/index.ts";
import {
  httpTechniques,
  next,
  nextReason,
  Rig,
  type ServerSocket,
  techniques,
  untilConnected,
} from "../suites/rig.ts";
import { hello, protocols, send, type Upgraded, upgrade } from "./strangers.ts";

const kilobyte = "k".repeat(1_024);
/** Clients by hand that vanish are soon forgotten. */
const brief: ServerOptions = { resumeWindow: 300 };
const limits: ServerOptions = {
  ...brief,
  windowBytes: 65_536,
  highWaterMark: 16_384,
  maxBufferedBytes: 65_536,
};
const nodeTechniques = techniques.filter(({ platform }) => platform === "Node");
const [webSocket, longPolling] = nodeTechniques;
const [stream] = httpTechniques;
if (webSocket === undefined || longPolling === undefined || stream === undefined)
  throw new Error("no technique");

/** A client by hand: it joined, and reads no more unless it is told to. */
async function stall(rig: Rig, changes: object = {}): Promise<{ server: ServerSocket; client: Upgraded }> {
  const connection = next<[ServerSocket]>(rig.io.sockets, "connection");
  const client = await upgrade(
    `${rig.url}/bothways/`,
    protocols(hello({ credit: [9_999, 1e9], ...changes })),
  );
  client.socket.on("message", () => {
    const got = client.messages.filter((text) => text.startsWith("m")).length;
    client.socket.send(`a${got},9999,999999999`);
  });
  client.socket.send("a0,9999,999999999");
  const [server] = await connection;
  client.socket.pause();
  onTestFinished(() => client.socket.terminate());
  return { server, client };
}

/** Emits numbers with a kilobyte each. */
function emitMany(server: ServerSocket, count: number): void {
  for (let number = 0; number < count; number++) server.emit("n", number, kilobyte);
}

describe.each(nodeTechniques)("policies over $name", (technique) => {
  test("block: emit throws, ready() waits, and nothing is lost", async () => {
    const rig = await Rig.open(technique, { ...limits, slowConsumer: "block" });
    const { client, server } = await rig.join();
    const heard: number[] = [];
    client.on("n", (number: number) => heard.push(number));
    let refusals = 0;
    for (let number = 0; number < 500; ) {
      try {
        server.emit("n", number, kilobyte);
        number++;
      } catch (error) {
        expect(error).toMatchObject({ code: "BW_BACKPRESSURE" });
        expect(server.bufferedBytes).toBeLessThanOrEqual(65_536);
        refusals++;
        await server.ready();
        expect(server.bufferedBytes).toBeLessThanOrEqual(16_384);
      }
    }
    expect(refusals).toBeGreaterThan(2);
    await expect.poll(() => heard).toEqual(Array.from({ length: 500 }, (_, number) => number));
    expect(rig.io.stats()).toMatchObject({ dropped: 0 });
  });

  test("drop-oldest, chosen for one client: what is dropped is counted and told, and makes no hole", async () => {
    const rig = await Rig.open(technique, limits);
    const { client, server } = await rig.join();
    const heard: number[] = [];
    client.on("n", (number: number) => heard.push(number));
    let dropped = 0;
    server.on("dropped", (count) => {
      dropped += count;
    });
    server.slowConsumer = "drop-oldest";
    emitMany(server, 400);
    await expect.poll(() => heard.at(-1)).toBe(399);
    expect(heard.length).toBe(400 - dropped);
    expect(heard).toEqual(heard.toSorted((a, b) => a - b));
    expect(dropped).toBeGreaterThan(100);
    expect([server.conn.dropped, rig.io.stats().dropped]).toEqual([dropped, dropped]);
  });

  test("latest-by-key, chosen by the emit: the newest of each key arrives, and everything else", async () => {
    const rig = await Rig.open(technique, limits);
    const { client, server } = await rig.join();
    const latest: Record<string, number> = {};
    let prices = 0;
    const said: number[] = [];
    client.on("price", (key: string, number: number) => {
      expect(number).toBeGreaterThan(latest[key] ?? -1);
      latest[key] = number;
      prices++;
    });
    client.on("said", (number: number) => said.push(number));
    for (let number = 0; number < 1_000; number++) {
      const key = `key${number % 5}`;
      server.policy("latest-by-key", key).emit("price", key, number, kilobyte);
      if (number % 100 === 0) server.emit("said", number);
    }
    await expect.poll(() => latest).toEqual({ key0: 995, key1: 996, key2: 997, key3: 998, key4: 999 });
    expect(prices).toBeLessThan(200);
    expect(prices + server.conn.dropped).toBe(1_000);
    expect(said).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  test("a client that talks faster than it is handled runs out of credit, and loses nothing", async () => {
    const rig = await Rig.open(technique, { ...limits, windowMessages: 64 });
    const { client, server } = await rig.join();
    const heard: number[] = [];
    server.on("n", (number: number) => heard.push(number));
    server.pause();
    let sent = 0;
    while (client.emit("n", sent++, kilobyte)) expect(sent).toBeLessThan(10_000);
    // answers are handled in their turn too
    await expect(server.timeout(200).emitWithAck("ping")).rejects.toMatchObject({ code: "BW_ACK_TIMEOUT" });
    await expect.poll(() => rig.io.stats().bufferedBytes).toBeGreaterThan(50_000);
    expect(heard).toEqual([]);
    expect(client.report()).toMatchObject({ sent: 64 });
    expect(rig.io.stats().bufferedBytes).toBeLessThan(150_000);
    server.resume();
    const drained = next(client, "drain");
    await drained;
    await expect.poll(() => heard).toEqual(Array.from({ length: sent }, (_, number) => number));
  });
});

describe("a room with one reader that stalls", () => {
  test("block, chosen by the emit: all get it, or nobody, and ready() waits for all", async () => {
    const rig = await Rig.open(webSocket, limits);
    const { client: good } = await rig.join();
    const { client: bad } = await stall(rig);
    const heard: number[] = [];
    good.on("n", (number: number) => heard.push(number));
    const room = rig.io.policy("block");
    let sent = 0;
    // what the kernel takes varies
    expect(() => {
      for (;;) room.emit("n", sent++, kilobyte.repeat(32));
    }).toThrow(expect.objectContaining({ code: "BW_BACKPRESSURE" }));
    const ready = room.ready();
    await expect.poll(() => heard.length).toBe(sent - 1);
    bad.socket.resume();
    await ready;
    room.emit("n", sent - 1, "the one that was refused");
    await expect.poll(() => heard.length).toBe(sent);
    expect(rig.io.stats()).toMatchObject({ connections: 2, dropped: 0 });
  });

  test("a room's own policy spares those who are merely slow", async () => {
    const rig = await Rig.open(webSocket, limits);
    const { server } = await stall(rig);
    for (let number = 0; number < 500; number++) {
      rig.io.policy("drop-oldest").emit("tick", number, kilobyte.repeat(16));
    }
    expect(server.connected).toBe(true);
    expect(server.conn.dropped).toBeGreaterThan(10);
    // an event that may not be dropped takes the place of those that may
    expect(server.emit("said", "hello")).toBe(false);
    expect(server.connected).toBe(true);
  });
});

describe("accounts", () => {
  test("all that waits for one client has a limit of its own (option: maxClientBytes)", async () => {
    const rig = await Rig.open(webSocket, { ...brief, maxClientBytes: 200_000 });
    const { client: good, server } = await rig.join();
    const { server: bad } = await stall(rig);
    const reason = nextReason(bad);
    for (let sent = 0; bad.connected && sent < 1_000; sent++) bad.emit("n", kilobyte.repeat(16));
    expect(await reason).toBe("overflow");
    expect(server.connected).toBe(true);
    expect(good.connected).toBe(true);
  });

  test("a paused client that goes on without credit is no exception", async () => {
    const rig = await Rig.open(webSocket, { ...brief, maxClientBytes: 200_000 });
    const { server, client } = await stall(rig);
    const reason = nextReason(server);
    server.pause();
    client.socket.send("n1");
    for (let sent = 0; sent < 300; sent++) client.socket.send(`m2["n","${kilobyte}"]`);
    expect(await reason).toBe("overflow");
  });

  test("a message that is still arriving is charged, and given back", async () => {
    const rig = await Rig.open(webSocket, brief);
    const { client } = await stall(rig);
    client.socket.send("m2[", { fin: false });
    client.socket.send(kilobyte.repeat(100), { fin: false });
    await expect.poll(() => rig.io.stats().bufferedBytes).toBeGreaterThan(100_000);
    client.socket.terminate();
  });

  test("when all is full, who is away goes first, then who has most (option: maxTotalBufferedBytes)", async () => {
    const rig = await Rig.open(webSocket, { maxTotalBufferedBytes: 1_000_000 });
    const { client: good, server } = await rig.join();
    const { server: most } = await stall(rig);
    const { server: less } = await stall(rig);
    const { server: away, client: gone } = await stall(rig);
    const lost = next(away, "away");
    gone.socket.terminate();
    await lost;
    const order: string[] = [];
    for (const [name, socket] of Object.entries({ away, most, less })) {
      socket.on("disconnect", (reason) => order.push(`${name}: ${reason}`));
    }
    less.emit("n", kilobyte.repeat(300));
    for (let sent = 0; most.connected && sent < 100; sent++) most.emit("n", kilobyte.repeat(16));
    expect(order).toEqual(["away: overflow", "most: overflow"]);
    expect(rig.io.stats().bufferedBytes).toBeLessThan(1_000_000);
    expect([less.connected, server.connected, good.connected]).toEqual([true, true, true]);
    less.disconnect(true);
  });

  test("bodies that no session answers for are refused before they take the room of sessions", async () => {
    const rig = await Rig.open(webSocket, {
      ...brief,
      maxTotalBufferedBytes: 200_000,
      connectTimeout: 60_000,
    });
    const { client } = await rig.join();
    expect(await send(`${rig.url}/bothways/`, "x".repeat(150_000))).toMatchObject({
      status: 507,
      body: expect.stringContaining("c4507,"),
    });
    const slow = Array.from({ length: 40 }, () => slowRequest(rig.port));
    await expect.poll(() => rig.io.stats().bufferedBytes).toBeGreaterThan(80_000);
    expect(rig.io.stats().bufferedBytes).toBeLessThan(110_000);
    expect(await send(`${rig.url}/bothways/`, "x")).toMatchObject({ status: 507 });
    expect(client.connected).toBe(true);
    for (const socket of slow) socket.destroy();
    await vi.waitFor(() => expect(rig.io.stats()).toMatchObject({ openRequests: 0, bufferedBytes: 0 }));
    expect(await send(`${rig.url}/bothways/`, "x")).toMatchObject({ status: 400 });
  });

  test("an answer that is not read is charged until its client is gone", async () => {
    const rig = await Rig.open(webSocket, { ...brief, windowBytes: 1e7, maxBufferedBytes: 1e7 });
    rig.io.on("connection", (socket) => emitMany(socket, 8_000));
    const greeting = hello({ credit: [99_999, 1e9] });
    const { body } = await send(`${rig.url}/bothways/`, greeting);
    const key = /"key":"([^"]+)"/.exec(body)?.[1];
    const reader = connect(rig.port, "127.0.0.1");
    onTestFinished(() => void reader.destroy());
    const poll = `q${key},1\na0,99999,999999999`;
    reader.pause();
    reader.write(
      `POST /bothways/ HTTP/1.1\r\nHost: 127.0.0.1:${rig.port}\r\nContent-Length: ${poll.length}\r\n\r\n${poll}`,
    );
    await expect.poll(() => rig.io.stats().bufferedBytes).toBeGreaterThan(8_000_000);
    reader.destroy();
    for (const socket of rig.io.sockets.sockets.values()) socket.disconnect(true);
  });
});

describe("strangers", () => {
  test("of those who never show themselves only the newest are kept (option: maxUnconfirmedSessions)", async () => {
    const rig = await Rig.open(webSocket, { ...brief, maxUnconfirmedSessions: 2, connectTimeout: 60_000 });
    const visitors: Upgraded[] = [];
    for (let index = 0; index < 3; index++) {
      visitors.push(await upgrade(`${rig.url}/bothways/`, protocols(hello())));
    }
    expect(await visitors[0]?.closed).toMatchObject({ code: 4507 });
    expect(rig.io.stats()).toMatchObject({ sessions: 2, unconfirmed: 2, connections: 0 });
    const { client } = await rig.join();
    expect(rig.io.stats()).toMatchObject({ unconfirmed: 1, connections: 1 });
    expect(client.connected).toBe(true);
    for (const { socket } of visitors) socket.send("c4000,");
  });
});

describe.each([longPolling, stream])("a paused reader over $name", (technique) => {
  test("what came is asked for once, however long it rests, and credit follows when it goes on", async () => {
    const rig = await Rig.open(technique, { ...brief, windowBytes: 65_536 });
    const { client, server } = await rig.join();
    const heard: number[] = [];
    server.on("n", (number: number) => void heard.push(number));
    // nothing is under way that a request is owed for
    await expect(client.emitWithAck("nobody listens")).rejects.toMatchObject({ code: "BW_ACK_REFUSED" });
    server.pause();
    const requests: string[] = [];
    const count = (message: unknown): void => {
      const { request: started } = message as { request: IncomingMessage };
      if (started.headers["user-agent"] !== "bystander") requests.push(started.method ?? "");
    };
    subscribe("http.server.request.start", count);
    onTestFinished(() => void unsubscribe("http.server.request.start", count));
    for (let number = 0; number < 200; number++) client.emit("n", number, kilobyte);
    // one that was sent again at the speed of its answers would be sent as often as these are
    for (let count = 0; count < 30; count++)
      await send(`${rig.url}/bothways/`, "q?,1", { "user-agent": "bystander" });
    // the batch, and on long polling the poll that follows the last answer
    expect(requests.length).toBeLessThanOrEqual(2);
    expect(heard).toEqual([]);
    server.resume();
    await vi.waitFor(() => expect(heard).toHaveLength(200));
    expect(heard).toEqual(Array.from({ length: 200 }, (_, number) => number));
    expect(client.report().replayed).toBe(0);
  });
});

describe("maxRate", () => {
  /** One at once, and the next in a quarter of an hour, whatever the machine. */
  const rare = 0.001;

  test("refuses what is too much, on the answer that is awaited (option: maxRate)", async () => {
    const rig = await Rig.open(webSocket, { ...brief, maxRate: { perEvent: { ask: rare } } });
    const { client, server } = await rig.join();
    let asked = 0;
    server.on("ask", () => ++asked);
    server.on("other", () => "fine");
    const answers = await Promise.allSettled([1, 2].map(() => client.emitWithAck("ask")));
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(answers[1]).toMatchObject({ reason: { message: expect.stringContaining("BW_RATE_LIMIT") } });
    expect(await client.emitWithAck("other")).toBe("fine");
    expect([asked, rig.io.stats().refused]).toEqual([1, 1]);
  });

  test("ends who goes on, and nobody else", async () => {
    const rig = await Rig.open(webSocket, { ...brief, maxRate: { perClient: 3 } });
    const { server: other } = await rig.join();
    const { client, server } = await rig.join();
    const reason = nextReason(server);
    for (let sent = 0; sent < 100; sent++) client.emit("n", sent);
    expect(await reason).toBe("rate limit");
    expect(other.connected).toBe(true);
    await untilConnected(client);
  });
});

/** A POST that says it is long, sends a part, and waits. */
function slowRequest(port: number): NetSocket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(
    `POST /bothways/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 4000\r\n\r\n${kilobyte}`,
  );
  return socket;
}
