/** Every limit is reached once, from below and from above, on either side where it has two. */
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { WebSocket } from "../../src/websocket/index.ts";
import {
  closed,
  connectPair,
  connectRaw,
  frame,
  messages,
  open,
  portOf,
  RawClient,
  record,
  serve,
  urlOf,
} from "./rig.ts";

function errorOf(socket: WebSocket): Promise<{ code: string }> {
  return new Promise((resolve) =>
    socket.once("error", (error) => resolve(error as Error & { code: string })),
  );
}

describe("maxPayload", () => {
  test.each(["server", "client"] as const)(
    "of the %s: as long passes, longer ends with 1009",
    async (side) => {
      const pair = await connectPair({ [side]: { maxPayload: 1_000 } });
      const [judge, peer] = side === "server" ? [pair.server, pair.client] : [pair.client, pair.server];
      const received = messages(judge, 1);
      peer.send("x".repeat(1_000));
      await received;
      const error = errorOf(judge);
      const end = closed(peer);
      peer.send("x".repeat(1_001));
      expect([(await error).code, (await end)[0]]).toEqual(["BW_MESSAGE_TOO_LARGE", 1009]);
    },
  );

  test("the default is 1 MiB, and 0 is none", async () => {
    for (const [maxPayload, code] of [
      [undefined, 1009],
      [0, 1000],
    ] as const) {
      const { server, client } = await connectPair({ server: { maxPayload } });
      server.on("message", () => server.close(1000));
      const end = closed(client);
      client.send(Buffer.alloc(1_048_577));
      expect((await end)[0]).toBe(code);
    }
  });

  test("is judged by what a header declares, 2^53 - 1 too", async () => {
    const { server, client } = await connectRaw({ closeTimeout: 50 });
    const error = errorOf(server);
    client.socket.write(Buffer.from([0x82, 0xff, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
    expect((await error).code).toBe("BW_MESSAGE_TOO_LARGE");
  });
});

describe("maxFragments", () => {
  const parts = (count: number, payload: string): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, i) => frame(i === 0 ? 1 : 0, payload, i === count - 1)));

  test.each([
    ["fragments", "x"],
    ["empty fragments", ""],
  ])("as many %s pass, and again; one more ends with 1008", async (_, payload) => {
    const { server, client } = await connectRaw({ maxFragments: 100, closeTimeout: 50 });
    const received = messages(server, 2);
    client.socket.write(Buffer.concat([parts(100, payload), parts(100, payload)]));
    expect(await received).toEqual([payload.repeat(100), payload.repeat(100)]);
    const error = errorOf(server);
    client.socket.write(parts(101, payload));
    expect((await error).code).toBe("BW_WS_FRAGMENTS");
    expect(await client.receive(closeFrame1008)).toMatch(closeFrame1008);
  });

  test("the default is 16,384", async () => {
    const { server, client } = await connectRaw({ closeTimeout: 50 });
    const received = messages(server, 1);
    client.socket.write(parts(16_384, ""));
    expect(await received).toEqual([""]);
    const error = errorOf(server);
    client.socket.write(
      Buffer.concat([frame(1, "", false), ...Array.from({ length: 16_384 }, () => frame(0, "", false))]),
    );
    expect((await error).code).toBe("BW_WS_FRAGMENTS");
  });
});

const closeFrame1008 = new RegExp(Buffer.from([0x88, 2, 0x03, 0xf0]).toString("latin1"));

test("maxBufferedAmount: a peer that leaves more unread is given up at the next message", async () => {
  const { server, client } = await connectPair({ server: { maxBufferedAmount: 1_000_000 } });
  client.pause();
  // One message of any size may be sent where nothing waits.
  server.send(Buffer.alloc(30_000_000));
  await new Promise(setImmediate);
  const error = errorOf(server);
  const end = closed(server);
  const told = new Promise((resolve) => server.send("one more", resolve));
  expect([(await error).code, await end]).toEqual(["BW_SLOW_CONSUMER", [1006, ""]]);
  expect(await told).toMatchObject({ code: "BW_SLOW_CONSUMER" });
});

describe("maxControlRate", () => {
  const controls = (kind: number, count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, () => frame(kind, "x")));

  test.each([
    ["pings", 9],
    ["pongs nobody asked for", 10],
  ])("as many %s in a second pass, one more ends it", async (_, kind) => {
    vi.spyOn(performance, "now").mockReturnValue(1_000);
    onTestFinished(() => void vi.restoreAllMocks());
    const { server, client } = await connectRaw({ maxControlRate: 10 });
    const told = record(server);
    const received = messages(server, 1);
    client.socket.write(Buffer.concat([controls(kind, 10), frame(1, "between")]));
    await received;
    vi.spyOn(performance, "now").mockReturnValue(2_000);
    const next = messages(server, 1);
    client.socket.write(Buffer.concat([controls(kind, 10), frame(1, "a second later")]));
    await next;
    const error = errorOf(server);
    client.socket.write(Buffer.concat([controls(kind, 3), frame(1, "lost")]));
    expect((await error).code).toBe("BW_WS_CONTROL_RATE");
    expect(told.filter((line) => !line.startsWith("p"))).toEqual([
      "message between false (1)",
      "message a second later false (1)",
      "error (2)",
    ]);
    expect(told.filter((line) => line.startsWith("p"))).toHaveLength(20);
  });

  test("of a client, too", async () => {
    const { server, client } = await connectPair({ client: { maxControlRate: 5 } });
    const error = errorOf(client);
    const ended = closed(client);
    // Whatever the second they come in, there are more than five of them in one.
    for (let i = 0; i < 11; i++) server.ping();
    expect([(await error).code, (await ended)[0]]).toEqual(["BW_WS_CONTROL_RATE", 1006]);
  });

  test("the default is 1,000, and 0 is none", async () => {
    vi.spyOn(performance, "now").mockReturnValue(1_000);
    onTestFinished(() => void vi.restoreAllMocks());
    const unlimited = await connectRaw({ maxControlRate: 0 });
    const received = messages(unlimited.server, 1);
    unlimited.client.socket.write(Buffer.concat([controls(9, 5_000), frame(1, "all there")]));
    expect(await received).toEqual(["all there"]);
    const limited = await connectRaw();
    const first = messages(limited.server, 1);
    limited.client.socket.write(Buffer.concat([controls(9, 1_000), frame(1, "all there")]));
    expect(await first).toEqual(["all there"]);
    const error = errorOf(limited.server);
    limited.client.socket.write(controls(9, 1));
    expect((await error).code).toBe("BW_WS_CONTROL_RATE");
  });
});

describe("maxConnectionsPerAddress", () => {
  test("one more is refused with 429, until one has left", async () => {
    const wss = await serve({ maxConnectionsPerAddress: 2 });
    const [first, second] = [open(urlOf(wss)), open(urlOf(wss))];
    await Promise.all([once(first, "open"), once(second, "open")]);
    const refused = await new RawClient(portOf(wss)).ended();
    expect(refused).toMatch(/^HTTP\/1.1 429 Too Many Requests\r\n/);
    expect(refused).toMatch(/\r\n\r\nBW_TOO_MANY_CONNECTIONS: /);
    const [server] = wss.clients ?? [];
    first.close();
    await closed(server as WebSocket);
    await vi.waitFor(() => once(open(urlOf(wss)), "open"));
    expect(wss.clients?.size).toBe(2);
  });

  test("who is being judged counts, and who was refused does not", async () => {
    const verdicts: ((isAccepted: boolean) => void)[] = [];
    const verifyClient = (_: unknown, callback: (isAccepted: boolean) => void) =>
      void verdicts.push(callback);
    const wss = await serve({ maxConnectionsPerAddress: 1, verifyClient });
    const judged = new RawClient(portOf(wss));
    await vi.waitFor(() => expect(verdicts).toHaveLength(1));
    expect(await new RawClient(portOf(wss)).ended()).toMatch(/^HTTP\/1.1 429 /);
    verdicts[0]?.(false);
    expect(await judged.ended()).toMatch(/^HTTP\/1.1 401 /);
    judged.socket.destroy();
    const next = vi.waitFor(async () => {
      const client = new RawClient(portOf(wss));
      await vi.waitFor(() => expect(verdicts).toHaveLength(2));
      return client;
    });
    const client = await next;
    verdicts[1]?.(true);
    await client.receive(/^HTTP\/1.1 101 /);
  });

  test("behind a proxy the address is the one it tells (trustProxy)", async () => {
    const wss = await serve({ maxConnectionsPerAddress: 1, trustProxy: 1 });
    const connect = (address: string): WebSocket =>
      open(urlOf(wss), { headers: { "X-Forwarded-For": `9.9.9.9, ${address}` } });
    await Promise.all(["1.1.1.1", "2.2.2.2"].map((address) => once(connect(address), "open")));
    expect(String((await errorOf(connect("1.1.1.1"))) as unknown)).toContain("429");
  });

  test("the default is none", async () => {
    const wss = await serve();
    const clients = Array.from({ length: 50 }, () => open(urlOf(wss)));
    await Promise.all(clients.map((client) => once(client, "open")));
  });
});

describe("handshakeTimeout", () => {
  test("of a server: a request that does not come, or comes slowly, is cut off", async () => {
    const wss = await serve({ handshakeTimeout: 100 });
    const silent = new RawClient(portOf(wss), "");
    const slow = new RawClient(portOf(wss), "GET / HTTP/1.1\r\nHost: x\r\n");
    expect((await Promise.all([silent.ended(), slow.ended()])).map((text) => text.slice(0, 12))).toEqual([
      "HTTP/1.1 408",
      "HTTP/1.1 408",
    ]);
  });

  test("of a server: a verdict that does not come", async () => {
    const wss = await serve({ handshakeTimeout: 50, verifyClient: (_, _callback) => {} });
    expect(await new RawClient(portOf(wss)).ended()).toMatch(/^HTTP\/1.1 408 /);
  });

  test("of a client: an answer that does not come", async () => {
    const server = createServer((socket) => void socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const client = open(`ws://127.0.0.1:${portOf(server)}`, { handshakeTimeout: 50 });
    const [error, end] = await Promise.all([errorOf(client), closed(client)]);
    expect([error.code, end]).toEqual(["BW_WS_HANDSHAKE_TIMEOUT", [1006, ""]]);
  });

  test("does not touch who is open", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { server, client } = await connectPair({
      server: { handshakeTimeout: 50 },
      client: { handshakeTimeout: 50 },
    });
    vi.advanceTimersByTime(150);
    await new Promise(setImmediate);
    expect([server.readyState, client.readyState]).toEqual([1, 1]);
  });
});

describe("maxHeaderSize", () => {
  test("of a server: a longer head is refused with 431", async () => {
    const wss = await serve({ maxHeaderSize: 1_000 });
    const client = open(urlOf(wss), { headers: { "X-Long": "x".repeat(1_100) } });
    expect(String((await errorOf(client)) as unknown)).toContain("Unexpected server response: 431");
    await once(open(urlOf(wss), { headers: { "X-Short": "x".repeat(500) } }), "open");
  });

  test("of a client: a longer answer is not read", async () => {
    const wss = await serve();
    wss.on("headers", (headers) => headers.push(`X-Long: ${"x".repeat(1_100)}`));
    const client = open(urlOf(wss), { maxHeaderSize: 1_000 });
    expect((await errorOf(client)).code).toBe("HPE_HEADER_OVERFLOW");
    await once(open(urlOf(wss)), "open");
  });
});

describe("heartbeatInterval", () => {
  test("a silent peer is pinged, and given up when it stays silent", async () => {
    const { server, client } = await connectRaw({ heartbeatInterval: 40 });
    const error = errorOf(server);
    const end = closed(server);
    expect([(await error).code, (await end)[0]]).toEqual(["BW_SILENT", 1006]);
    expect(client.received.toString("latin1")).toContain(Buffer.of(0x89, 0).toString("latin1"));
  });

  test("who answers lives on, on clients too", async () => {
    const { server, client } = await connectPair({
      server: { heartbeatInterval: 200 },
      client: { heartbeatInterval: 200 },
    });
    let pings = 0;
    const many = new Promise<void>((resolve) => client.on("ping", () => ++pings === 3 && resolve()));
    await many;
    expect([server.readyState, client.readyState]).toEqual([1, 1]);
  });

  test("nobody is given up because its messages are not read", async () => {
    const { server } = await connectRaw({ heartbeatInterval: 20 });
    server.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(server.readyState).toBe(1);
  });

  test("who has closed is left alone", async () => {
    const { server, client } = await connectPair({ server: { heartbeatInterval: 200 } });
    const told = record(server);
    client.close(4000);
    await closed(server);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect(told.filter((line) => !line.startsWith("pong"))).toEqual(["close 4000  (3)"]);
  });

  test("0 never pings", async () => {
    const { server, client } = await connectRaw({ heartbeatInterval: 0 });
    vi.useFakeTimers();
    try {
      vi.advanceTimersByTime(3_600_000);
      expect([server.readyState, client.received.toString("latin1").endsWith("\r\n\r\n")]).toEqual([1, true]);
    } finally {
      vi.useRealTimers();
    }
  });
});
