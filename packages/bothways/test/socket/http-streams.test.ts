/** docs/protocol/bothways-1.md, "HTTP streams", on the wire: by hand against the server, and through a proxy that gathers. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect as connectTcp, type Socket as NetSocket } from "node:net";
import { buffer } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { longPolling, multipart, sse, stream, webSocket } from "../../src/client/transports.node.ts";
import { REQUEST_OVERHEAD_BYTES } from "../../src/model/account.ts";
import type { ServerOptions, Socket } from "../../src/server/index.ts";
import { ServerSession } from "../../src/session/server-session.ts";
import { createHonoFront } from "../fixtures/fetch-fronts.ts";
import { next, nextReason, Rig, type Technique, untilConnected } from "../suites/rig.ts";
import { hello, send, upgrade } from "./strangers.ts";

const technique: Technique = { platform: "Node", name: "stream", create: stream, other: longPolling };
const names = ["stream", "sse", "multipart"] as const;

/** What strangers leave behind is not waited for. */
async function openRig(given: Technique, options: ServerOptions = {}): Promise<Rig> {
  const rig = await Rig.open(given, options);
  onTestFinished(() => rig.io.close());
  return rig;
}

/** A link by hand: its hello was answered. */
async function attach(rig: Rig, name: string): Promise<{ url: string; key: string }> {
  const url = `${rig.url}/bothways/`;
  const { status, body } = await send(url, `${hello()}\nt${name}`);
  expect(status).toBe(200);
  expect(body).not.toContain("\n");
  return { url, key: JSON.parse(body.slice(1)).key };
}

/** The head of a stream's answer, and what it has said by its first frame. */
async function start(
  url: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ response: IncomingMessage; first: string }> {
  const outgoing = request(url, { method: body ? "POST" : "GET", headers, agent: false });
  onTestFinished(() => void outgoing.destroy());
  outgoing.on("error", () => {});
  outgoing.end(body);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  response.on("error", () => {});
  let first = "";
  response.on("data", (chunk) => {
    first += chunk;
  });
  await vi.waitFor(() => expect(first).toMatch(/a0,|c4/));
  return { response, first };
}

function inQuery(url: string, frame: string): string {
  return `${url}?a=1&bothways=${encodeURIComponent(frame)}`;
}

describe.each([
  ["stream", "application/octet-stream", /^\0\0\0\0.a0,/],
  ["sse", "text/event-stream; charset=utf-8", /^retry: \d+\n\ndata:a0,\S+\n\n/],
  [
    "multipart",
    "multipart/x-mixed-replace;boundary=bothways",
    /^--bothways\r\n[\s\S]*\r\n\r\na0,[\s\S]*\r\n--bothways\r\n/,
  ],
])("%s", (name, contentType, beginning) => {
  test("the stream begins at once, and nothing on the way is to keep or change it", async () => {
    const rig = await openRig(technique);
    const { url, key } = await attach(rig, name);
    const { response, first } = await start(url, `s${key},1`);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      "content-type": contentType,
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      vary: "Origin",
    });
    expect(response.headers["content-encoding"]).toBeUndefined();
    // its end is that of the connection, and no chunk has a frame of its own
    expect(response.headers).not.toHaveProperty("transfer-encoding");
    expect(response.headers.connection).toBe("close");
    expect(first).toMatch(beginning);
    response.destroy();
  });

  test("a request that is repeated gets 204, and steals nothing", async () => {
    const rig = await openRig(technique);
    const { url, key } = await attach(rig, name);
    const { response } = await start(url, `s${key},1`);
    const again = await send(inQuery(url, `s${key},1`), "", {}, "GET");
    expect(again).toMatchObject({ status: 204, body: "" });
    expect(again.headers["content-type"]).toBeUndefined();
    expect(response.readableEnded).toBe(false);
    const ended = once(response, "end");
    await start(url, `s${key},2\na0,100,1000`);
    await ended;
    await send(url, `k${key},1\nc4000,bye`);
  });

  test("what has left a stream that is silent is nobody's any more", async () => {
    const rig = await openRig(technique);
    const { url, key } = await attach(rig, name);
    const { response } = await start(url, `s${key},1`);
    const joined = next(rig.io, "connection");
    // the answer to the join leaves on the stream, and is acknowledged
    await send(url, `k${key},1\nn1\nm0`);
    await joined;
    await send(url, `k${key},2\na1,1000,100000`);
    const open = { connections: 1, openRequests: 1, bufferedBytes: REQUEST_OVERHEAD_BYTES };
    await expect.poll(() => rig.io.stats()).toMatchObject(open);
    const ended = once(response, "end");
    await send(url, `k${key},3\nc4000,bye`);
    await ended;
  });
});

describe("requests that a link of streams refuses", () => {
  test.each([
    ["a key nobody has", (_key: string) => "sK,1", 410],
    ["a poll", (key: string) => `q${key},1\na0,1,1`, 400],
    ["a number that is none", (key: string) => `s${key},x`, 400],
  ])("%s", async (_, body, status) => {
    const rig = await openRig(technique);
    const { url, key } = await attach(rig, "stream");
    expect(await send(url, body(key))).toMatchObject({ status });
  });

  test("a poll's link starts no stream", async () => {
    const rig = await openRig(technique);
    const { body } = await send(`${rig.url}/bothways/`, hello());
    const { key } = JSON.parse(body.split("\n")[0]?.slice(1) ?? "");
    expect(await send(`${rig.url}/bothways/`, `s${key},1`)).toMatchObject({ status: 400 });
  });
});

describe("a GET", () => {
  test.each([
    ["of the same origin", { "Sec-Fetch-Site": "same-origin", Cookie: "a=1" }, 200],
    ["of no browser", {}, 200],
    ["of another site", { "Sec-Fetch-Site": "cross-site" }, 403],
    ["of a page of another origin", { Origin: "https://evil.example" }, 403],
    ["with cookies, of a browser that says nothing of its origin", { Cookie: "a=1" }, 403],
  ])("%s", async (_, headers, status) => {
    const rig = await openRig(technique);
    const { url, key } = await attach(rig, "sse");
    const { response } = await start(inQuery(url, `s${key},1`), "", headers);
    expect(response.statusCode).toBe(status);
    response.destroy();
  });

  test.each(["", "?bothways=", `?bothways=${encodeURIComponent(hello())}`, "?bothways=kK,1%0Amx"])(
    "that is no start is refused: %s",
    async (query) => {
      const rig = await Rig.open(technique);
      expect(await send(`${rig.url}/bothways/${query}`, "", {}, "GET")).toMatchObject({ status: 405 });
    },
  );
});

describe("what the server offers (option: transports)", () => {
  test.each([
    ["stream", ["long-polling"]],
    ["long-polling", ["stream", "websocket"]],
    ["no-such", undefined],
  ] as const)("no %s: BW_TRANSPORT", async (name, transports) => {
    const rig = await Rig.open(technique, transports ? { transports } : {});
    expect(await send(`${rig.url}/bothways/`, `${hello()}\nt${name}`)).toMatchObject({
      status: 406,
      body: "c4406,the transport is not one of those the server offers",
    });
  });

  test("no WebSocket, no stream: the client goes on to the next", async () => {
    const rig = await Rig.open(technique, { transports: ["long-polling"] });
    expect((await upgrade(`${rig.url}/bothways/`, ["bothways.1"])).status).toBe(406);
    const client = rig.client("/", { transports: [webSocket(), stream(), sse(), longPolling()] });
    await untilConnected(client);
    expect(client.io.transport).toBe("long-polling");
    expect(client.report().attempts).toMatchObject([
      { transport: "websocket", outcome: "failed" },
      { transport: "stream", outcome: "failed", code: 4406 },
      { transport: "sse", outcome: "failed", code: 4406 },
      { transport: "long-polling", outcome: "open" },
    ]);
  });
});

/** A reader by hand that has joined, and reads no more. */
async function stall(rig: Rig, name: string): Promise<{ server: Socket; raw: NetSocket }> {
  const connection = next<[Socket]>(rig.io.sockets, "connection");
  const url = `${rig.url}/bothways/`;
  const { body } = await send(url, `${hello({ credit: [99_999, 1e9] })}\nt${name}`);
  const { key } = JSON.parse(body.slice(1));
  const raw = connectTcp({ port: rig.port, host: "127.0.0.1" });
  onTestFinished(() => void raw.destroy());
  raw.on("error", () => {});
  const start = `s${key},1`;
  raw.write(`POST /bothways/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${start.length}\r\n\r\n${start}`);
  await once(raw, "data");
  raw.pause();
  await send(url, `k${key},1\na0,99999,1000000000`);
  const [server] = await connection;
  return { server, raw };
}

const text = "x".repeat(16_384);

describe.each([
  ...names.map((name) => ({ ...technique, name, title: name })),
  { ...technique, createFront: createHonoFront, title: "stream through Hono" },
])("a reader of $title that stands still", (technique) => {
  const { name } = technique;
  const limits: ServerOptions = { windowBytes: 1e9, windowMessages: 99_999 };

  test("is disconnected at the limit, and nothing of it is kept (option: maxBufferedBytes)", async () => {
    const rig = await Rig.open(technique, limits);
    const { server } = await stall(rig, name);
    const reason = nextReason(server);
    let emitted = 0;
    while (server.connected && emitted < 2_000) {
      server.emit("n", text);
      if (++emitted % 16 === 0) await new Promise(setImmediate);
    }
    expect(await reason).toBe("slow consumer");
    expect(emitted).toBeLessThan(1_500);
    await expect.poll(() => rig.io.stats()).toMatchObject({ sessions: 0, bufferedBytes: 0, openRequests: 0 });
  });

  test("what waits in its connection is charged (option: maxClientBytes)", async () => {
    const rig = await Rig.open(technique, { ...limits, maxClientBytes: 262_144, maxBufferedBytes: 1e9 });
    const { server } = await stall(rig, name);
    const reason = nextReason(server);
    for (let emitted = 0; server.connected && emitted < 2_000; emitted++) {
      server.emit("n", text);
      await new Promise(setImmediate);
    }
    expect(await reason).toBe("overflow");
    await expect.poll(() => rig.io.stats()).toMatchObject({ sessions: 0, bufferedBytes: 0, openRequests: 0 });
  });

  test("is cut off after a while, which ends the exchange and not the session (option: writeTimeout)", async () => {
    const rig = await Rig.open(technique, {
      ...limits,
      writeTimeout: 100,
      maxBufferedBytes: 1e9,
      maxClientBytes: 1e9,
    });
    const { server, raw } = await stall(rig, name);
    for (let emitted = 0; emitted < 1_000; emitted++) server.emit("n", text);
    const closed = once(raw, "close");
    await expect.poll(() => rig.io.stats().openRequests).toBe(0);
    expect(server.connected).toBe(true);
    raw.resume();
    await closed;
    server.disconnect(true);
  });

  test("that reads again goes on where it stopped", async () => {
    const rig = await Rig.open(technique, limits);
    const { server, raw } = await stall(rig, name);
    for (let emitted = 0; emitted < 500; emitted++) {
      if (!server.emit("n", emitted, text)) break;
      await new Promise(setImmediate);
    }
    server.emit("last");
    let heard = "";
    raw.setEncoding("latin1");
    raw.on("data", (chunk) => {
      heard += chunk;
    });
    raw.resume();
    await vi.waitFor(() => expect(heard).toContain('["last"]'));
    const numbers = [...heard.matchAll(/m2\["n",(\d+),/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(numbers.length).toBeGreaterThan(10);
    // the first one came with the first message: nothing began anew
    expect(heard.split(/\W/).filter((word) => /^n\d+$/.test(word))).toEqual([]);
    server.disconnect(true);
  });
});

test.each(["reads again", "leaves"])(
  "a fault of our own when a reader %s ends its session and nothing else",
  async (what) => {
    const rig = await Rig.open(technique, { windowBytes: 1e9, windowMessages: 99_999 });
    const { server, raw } = await stall(rig, "stream");
    for (let emitted = 0; server.emit("n", text) && emitted < 500; emitted++) await new Promise(setImmediate);
    const planted = new Error("a fault of our own");
    vi.spyOn(ServerSession.prototype, "handle").mockImplementationOnce(() => {
      throw planted;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    if (what === "leaves") raw.destroy();
    else raw.resume();
    await expect.poll(() => rig.io.stats().sessions).toBe(0);
    expect(rig.errors).toEqual([planted]);
  },
);

/** A proxy that hands an answer on when it has ended, and knows no upgrade. */
async function openGatheringProxy(port: number): Promise<string> {
  const proxy = createServer(async (incoming, response) => {
    const body = await buffer(incoming);
    const { method, url, headers } = incoming;
    const outgoing = request({
      port,
      host: "127.0.0.1",
      method,
      path: url,
      headers: { ...headers, host: `127.0.0.1:${port}` },
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    outgoing.end(body);
    outgoing.on("response", async (answer) => {
      answer.on("error", () => {});
      const bytes = await buffer(answer).catch(() => Buffer.alloc(0));
      response.writeHead(answer.statusCode ?? 502, answer.headers).end(bytes);
    });
  });
  proxy.on("upgrade", (_request, socket) => void socket.destroy());
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

test.each([
  ["stream", stream],
  ["sse", sse],
  ["multipart", multipart],
])(
  "a proxy that gathers answers: %s is given up before the session trusts it, and no other stream is tried",
  async (name, create) => {
    const rig = await openRig(technique);
    const url = await openGatheringProxy(rig.port);
    const { io } = await import("../../src/client/index.node.ts");
    const client = io(url, {
      forceNew: true,
      transports: [create({ firstFrameTimeout: 150 }), stream(), sse(), multipart(), longPolling()],
      hedgeDelay: 20_000,
      upgrade: false,
    });
    const events: string[] = [];
    client.on("disconnect", () => events.push("disconnect"));
    await untilConnected(client);
    expect(client.io.transport).toBe("long-polling");
    expect(client.report().attempts).toMatchObject([
      {
        transport: name,
        outcome: "failed",
        verdict: "buffered",
        reason: "buffered: the stream did not begin",
      },
      { transport: "long-polling", outcome: "open", verdict: "ok" },
    ]);
    expect(events).toEqual([]);
    client.disconnect();
  },
);
