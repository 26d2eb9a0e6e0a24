/** The server among others on one HTTP server, and before strangers who send what they like. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { io as connect, type IoOptions } from "../../src/client/index.node.ts";
import { Server, type ServerOptions } from "../../src/server/index.ts";
import { FaultProxy } from "../../src/testing/index.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { type Client, empty, next, nextReason, type ServerSocket, untilConnected } from "../suites/rig.ts";
import { hello, protocols, rawAnswer, send, upgrade, visit } from "./strangers.ts";

const transports = ["websocket", "long-polling"] as const;

/** Closed when the test is over; then nobody may be left. */
function watch(io: Server): Server {
  onTestFinished(async () => {
    await vi.waitFor(() => expect(io.stats().openRequests).toBe(0));
    await io.close();
    await vi.waitFor(() => expect(io.stats()).toMatchObject(empty));
  });
  return io;
}

/** Far from what else would end what is awaited, such as connectTimeout, and from what a slow machine takes. */
const soonMs = 8_000;

async function closeSoon(io: Server): Promise<void> {
  const startedAt = performance.now();
  await io.close();
  expect(performance.now() - startedAt).toBeLessThan(soonMs);
}

async function listen(server: Server["httpServer"]): Promise<string> {
  if (server === undefined) throw new Error("no server");
  if (!server.listening) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(options: ServerOptions = {}): Promise<{ io: Server; url: string; errors: unknown[] }> {
  const errors: unknown[] = [];
  const io = watch(new Server({ onError: (error) => errors.push(error), ...options }));
  const httpServer = createServer();
  io.attach(httpServer);
  return { io, url: await listen(httpServer), errors };
}

function client(url: string, options: IoOptions = {}): Client {
  const socket = connect(url, { forceNew: true, reconnectionDelay: 20, ...options }) as unknown as Client;
  // before the server is looked at
  onTestFinished(() => void socket.disconnect());
  return socket;
}

async function joined(url: string, options: IoOptions = {}): Promise<Client> {
  const socket = client(url, options);
  await untilConnected(socket);
  return socket;
}

async function joinedBoth(url: string, options: IoOptions = {}): Promise<void> {
  for (const name of transports) {
    const socket = await joined(url, { ...options, transports: [name] });
    expect(socket.io.transport).toBe(name);
  }
}

describe("on a server that others use", () => {
  test("other request listeners, added before and after, see neither our requests nor lose theirs", async () => {
    const httpServer = createServer();
    const seen: string[] = [];
    httpServer.on("request", (request, response) => {
      seen.push(`${request.url}`);
      if (request.url === "/page") response.end("page");
      else response.writeHead(404).end("theirs");
    });
    watch(new Server(httpServer));
    httpServer.on("request", (request) => seen.push(`later ${request.url}`));
    const url = await listen(httpServer);
    await joinedBoth(url);
    expect((await send(`${url}/page`, "", {}, "GET")).body).toBe("page");
    expect((await send(`${url}/bothways/deeper`, "")).body).toBe("theirs");
    expect((await send(`${url}/bothwaysnot`, "")).body).toBe("theirs");
    expect((await send(`${url}/bothways`, "x")).status).toBe(400);
    expect(seen).toEqual(
      ["/page", "/bothways/deeper", "/bothwaysnot"].flatMap((path) => [path, `later ${path}`]),
    );
  });

  test.each(["before", "after"])("a WebSocketServer of ws on another path, attached %s", async (order) => {
    const httpServer = createServer();
    const others = (): WebSocketServer => new WebSocketServer({ server: httpServer, path: "/ws" });
    const early = order === "before" ? others() : undefined;
    watch(new Server(httpServer));
    const sockets = early ?? others();
    sockets.on("connection", (socket) => socket.send("theirs"));
    const url = await listen(httpServer);
    await joinedBoth(url);
    const theirs = await upgrade(`${url}/ws`, []);
    expect(theirs.status).toBe(101);
    await expect.poll(() => theirs.messages).toEqual(["theirs"]);
    // ws itself answers those at a path nobody has
    expect((await upgrade(`${url}/nowhere`, [])).status).toBe(400);
    theirs.socket.close();
    await theirs.closed;
  });

  test("two of ours on two paths (options: path, client path)", async () => {
    const httpServer = createServer();
    const one = watch(new Server(httpServer));
    const two = watch(new Server(httpServer, { path: "/two" }));
    const url = await listen(httpServer);
    await joinedBoth(url);
    await joinedBoth(url, { path: "/two/" });
    expect([one.stats().sessions, two.stats().sessions]).toEqual([2, 2]);
  });

  test("RFC6455-4.2.2-5 a stray upgrade is answered, where nobody else would", async () => {
    const { url } = await open();
    expect(await upgrade(`${url}/elsewhere`, [])).toMatchObject({
      status: 404,
      body: expect.stringContaining("/bothways/"),
    });
  });

  test("RFC6455-4.2.2-2 RFC6455-10.6-1 over TLS (option: client tls)", async () => {
    const io = watch(new Server());
    const httpsServer = createHttpsServer({ cert: certificate, key: privateKey });
    io.attach(httpsServer);
    const url = (await listen(httpsServer)).replace("http:", "https:");
    const seen: boolean[] = [];
    io.on("connection", (socket) => seen.push(socket.handshake.secure));
    await joinedBoth(url, { tls: { ca: certificate } });
    await vi.waitFor(() => expect(seen).toEqual([true, true]));
    const [error] = await next(client(url, { reconnection: false }), "connect_error");
    expect(error).toMatchObject({ message: expect.stringContaining("self-signed") });
  });

  test("made with a port, or with options and told to listen later", async () => {
    const one = watch(new Server(0, { path: "/one" }));
    if (one.httpServer) await once(one.httpServer, "listening");
    const url = await listen(one.httpServer);
    await joinedBoth(url, { path: "/one/" });
    expect(await send(url, "")).toMatchObject({ status: 404, body: "" });

    const two = watch(new Server({ path: "/two/" }));
    expect(two.httpServer).toBeUndefined();
    two.listen(0, "127.0.0.1");
    if (two.httpServer) await once(two.httpServer, "listening");
    await joinedBoth(await listen(two.httpServer), { path: "/two/" });
  });
});

describe("the client it serves", () => {
  test("is a module with all that a page needs", async () => {
    const { url } = await open();
    const answer = await send(`${url}/bothways/client.js?v=1`, "", {}, "GET");
    expect(answer).toMatchObject({
      status: 200,
      headers: { "content-type": "text/javascript; charset=utf-8" },
    });
    const module = await import(`data:text/javascript,${encodeURIComponent(answer.body)}`);
    expect(Object.keys(module).toSorted()).toEqual(["io", "longPolling", "sse", "stream", "webSocket"]);
    const socket: Client = module.io(url, { forceNew: true });
    await untilConnected(socket);
    socket.disconnect();
  });

  test("is left to others where that is wished (option: serveClient)", async () => {
    const httpServer = createServer((_request, response) => response.end("theirs"));
    watch(new Server(httpServer, { serveClient: false }));
    const url = await listen(httpServer);
    expect((await send(`${url}/bothways/client.js`, "", {}, "GET")).body).toBe("theirs");
  });
});

describe.each(transports)("authenticate, %s", (name) => {
  const only = { transports: [name] };

  test("its result is the identity (option: authenticate)", async () => {
    const { io, url } = await open({
      authenticate: async ({ headers }) => ({ user: headers["x-user"], rank: 1 }),
    });
    const connection = next<[ServerSocket]>(io.sockets, "connection");
    await joined(url, { ...only, extraHeaders: { "X-User": "ann" } });
    expect((await connection)[0].identity).toEqual({ user: "ann", rank: 1 });
  });

  test.each([
    ["an error", new Error("bad token"), "bad token"],
    ["a text", "bad token", "bad token"],
    ["a long message", new Error("가".repeat(200)), /^가{20}/],
    ["a message of two lines", new Error("one\ntwo"), /^one.two$/],
  ])("what it throws is told, and nothing tried again: %s", async (_what, thrown, message) => {
    const authenticate = vi.fn(async () => {
      throw thrown;
    });
    const { url } = await open({ authenticate });
    const socket = client(url, only);
    const [error] = await next<[Error]>(socket, "connect_error");
    expect(error).toMatchObject({ code: 4401 });
    expect(error.message).toMatch(message);
    expect(socket.active).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(authenticate).toHaveBeenCalledTimes(1);
  });

  test("a refusal is told by its reason though another transport is being tried", async () => {
    let both = (): void => {};
    const areJudged = new Promise<void>((resolve) => {
      both = resolve;
    });
    let judged = 0;
    const { url } = await open({
      async authenticate() {
        if (++judged === 2) both();
        await areJudged;
        throw new Error("bad token");
      },
    });
    const socket = client(url, {
      transports: [name, ...transports.filter((other) => other !== name)],
      hedgeDelay: 20,
    });
    const [error] = await next(socket, "connect_error");
    expect(error).toMatchObject({ code: 4401, message: "bad token" });
    expect(socket.active).toBe(false);
  });

  test("one that hangs is not waited for", async () => {
    const { io, url } = await open({ authenticate: () => new Promise(() => {}), connectTimeout: 100 });
    const socket = client(url, { ...only, reconnection: false });
    const [error] = await next(socket, "connect_error");
    expect(error).toMatchObject({ code: "BW_LINK_LOST" });
    expect(socket.report().attempts).toMatchObject([{ outcome: "failed", code: 4408 }]);
    expect(io.stats()).toMatchObject(empty);
  });

  test("nobody else may resume a session", async () => {
    let user = "ann";
    const { io, url } = await open({ authenticate: () => user });
    const proxy = await FaultProxy.listen({ target: { port: Number(new URL(url).port) } });
    onTestFinished(() => proxy.close());
    const connection = next<[ServerSocket]>(io.sockets, "connection");
    const socket = await joined(proxy.url, only);
    await connection;
    user = "bob";
    const refused = next(socket, "connect_error");
    proxy.cut();
    expect((await refused)[0]).toMatchObject({ code: 4403 });
    expect(socket.active).toBe(false);
  });

  test("the same user may", async () => {
    const { io, url } = await open({ authenticate: () => ({ user: 7 }) });
    const proxy = await FaultProxy.listen({ target: { port: Number(new URL(url).port) } });
    onTestFinished(() => proxy.close());
    const connection = next<[ServerSocket]>(io.sockets, "connection");
    const socket = await joined(proxy.url, only);
    await connection;
    const connected = next(socket, "connect");
    proxy.cut();
    await connected;
    expect(socket.recovered).toBe(true);
  });
});

describe("origins", () => {
  const page = { Origin: "https://page.example" };

  test.each<[string, ServerOptions, Record<string, string>, boolean]>([
    ["same-origin: no origin", {}, {}, true],
    ["same-origin: another one", {}, page, false],
    ["same-origin: cross-site without an origin", {}, { "Sec-Fetch-Site": "cross-site" }, false],
    ["same-origin: an opaque one", {}, { Origin: "null" }, false],
    ["a list: on it", { origins: ["https://page.example"] }, page, true],
    ["a list: not on it", { origins: ["https://other.example"] }, page, false],
    ["a function: yes", { origins: (origin) => origin.endsWith(".example") }, page, true],
    ["a function: no", { origins: () => false }, page, false],
    ["a function that throws", { origins: (origin) => new URL(`${origin}x y`).host === "" }, page, false],
    ["everyone", { origins: "*" }, page, true],
    [
      "forwarded, trusted",
      { trustProxy: true },
      { ...page, "X-Forwarded-Host": "page.example", "X-Forwarded-Proto": "https" },
      true,
    ],
    [
      "forwarded, not trusted",
      {},
      { ...page, "X-Forwarded-Host": "page.example", "X-Forwarded-Proto": "https" },
      false,
    ],
  ])("%s", async (_what, options, headers, isAllowed) => {
    const { io, url } = await open(options);
    const answer = await send(`${url}/bothways/`, hello(), headers);
    expect(answer.status).toBe(isAllowed ? 200 : 403);
    const upgraded = await upgrade(`${url}/bothways/`, protocols(hello()), headers);
    expect(upgraded.status).toBe(isAllowed ? 101 : 403);
    if (!isAllowed) expect(answer.body).toMatch(/^c4403,/);
    expect(io.stats().openRequests).toBe(0);
  });

  test("CORS: what a page of an allowed origin may read, and its preflight (option: origins)", async () => {
    const { url } = await open({ origins: ["https://page.example"] });
    const cors = { "access-control-allow-origin": "https://page.example", vary: "Origin" };
    expect(await send(`${url}/bothways/`, hello(), page)).toMatchObject({ status: 200, headers: cors });
    expect(await send(`${url}/bothways/`, "garbage", page)).toMatchObject({ status: 400, headers: cors });
    const preflight = await send(`${url}/bothways/`, "", page, "OPTIONS");
    expect(preflight).toMatchObject({
      status: 204,
      headers: { ...cors, "access-control-allow-methods": "POST, OPTIONS" },
    });
  });

  test("behind a proxy the handshake tells where the client is (option: trustProxy)", async () => {
    const { io, url } = await open({ trustProxy: 1 });
    for (const name of transports) {
      const connection = next<[ServerSocket]>(io.sockets, "connection");
      await joined(url, {
        transports: [name],
        extraHeaders: { "X-Forwarded-For": "6.6.6.6, 9.9.9.9", "X-Forwarded-Proto": "https" },
      });
      expect((await connection)[0].handshake).toMatchObject({ address: "9.9.9.9", secure: true });
    }
  });
});

describe("one address has as many connections as it may (option: maxConnectionsPerAddress)", () => {
  const from = (address: string): Record<string, string> => ({ "X-Forwarded-For": address });

  test("whatever the transport; others are let in, and so is the next when one has left", async () => {
    const { io, url } = await open({ maxConnectionsPerAddress: 2, trustProxy: true });
    const first = await joined(url, { transports: ["websocket"], extraHeaders: from("1.1.1.1") });
    const second = await joined(url, { transports: ["long-polling"], extraHeaders: from("1.1.1.1") });
    expect(await upgrade(`${url}/bothways/`, protocols(hello()), from("1.1.1.1"))).toMatchObject({
      status: 429,
      body: expect.stringMatching(/^BW_TOO_MANY_CONNECTIONS: /),
    });
    expect(await send(`${url}/bothways/`, hello(), from("1.1.1.1"))).toMatchObject({
      status: 429,
      body: expect.stringMatching(/^c4429,/),
    });
    await joined(url, { transports: ["websocket"], extraHeaders: from("2.2.2.2") });
    for (const [left, transport] of [
      [first, "long-polling"],
      [second, "websocket"],
    ] as const) {
      const told: unknown[] = [];
      const next = client(url, { transports: [transport], extraHeaders: from("1.1.1.1") });
      next.on("connect_error", (error) => told.push((error as { code?: string }).code));
      await vi.waitFor(() => expect(told).not.toEqual([]));
      left.disconnect();
      await untilConnected(next);
    }
    expect(io.stats().sessions).toBe(3);
  });

  test("who is not let in leaves at once", async () => {
    const authenticate = ({ headers }: IncomingMessage): void => {
      if (headers.authorization === undefined) throw new Error("who are you?");
    };
    const { url } = await open({ maxConnectionsPerAddress: 1, authenticate });
    for (let i = 0; i < 3; i++) {
      expect(await send(`${url}/bothways/`, hello())).toMatchObject({ status: 401 });
      const refused = await upgrade(`${url}/bothways/`, protocols(hello()));
      expect((await refused.closed).code).toBe(4401);
    }
    await joined(url, { transports: ["long-polling"], extraHeaders: { Authorization: "me" } });
  });
});

describe("strangers", () => {
  const limits = { maxHttpBufferSize: 10_000 };
  /** Who says nothing is waited for no longer, and there is time to say something on a slow machine. */
  const impatient = { ...limits, connectTimeout: 1_000 };

  test.each([
    ["nothing", ""],
    ["text", "hello?"],
    ["a hello that is no JSON", "h{"],
    ["a hello without a credit", hello({ credit: undefined })],
    [
      "a hello with too many namespaces",
      hello({ join: Array.from({ length: 33 }, (_, index) => [`/${index}`]) }),
    ],
    ["a namespace that is none", hello({ join: [["no-slash"]] })],
    ["broken UTF-8", Uint8Array.of(0x71, 0xff, 0xfe)],
    ["a broken list of frames", Uint8Array.of(0, 0, 0, 0, 99, 1)],
    ["a poll without a number", "qkey"],
    ["a key that is too long", `k${"x".repeat(300)}`],
  ])("garbage: %s", async (_what, body) => {
    const { url } = await open(limits);
    const answer = await send(`${url}/bothways/`, body);
    // the answer to a hello is that of a link, which was in order until it ended
    const status = String(body).startsWith("h") ? 200 : 400;
    expect(answer).toMatchObject({ status, body: expect.stringMatching(/^c4400,/) });
  });

  test("a message that is too long ends the session, which nobody will resume (option: maxHttpBufferSize)", async () => {
    const { io, url } = await open({ maxHttpBufferSize: 10_000 });
    const connection = next<[ServerSocket]>(io, "connection");
    const socket = await joined(url, { transports: ["websocket"] });
    const [server] = await connection;
    const reasons = Promise.all([nextReason(server), nextReason(socket)]);
    socket.emit("long", "x".repeat(20_000));
    expect(await reasons).toEqual(["transport error", "io server disconnect"]);
    expect([socket.active, io.stats().sessions]).toEqual([false, 0]);
  });

  test("requests that are refused by their head, length, or pace (option: maxHttpBufferSize)", async () => {
    const { url } = await open(impatient);
    const path = `${url}/bothways/`;
    expect((await send(path, "", {}, "GET")).status).toBe(405);
    expect((await send(path, "", {}, "PUT")).status).toBe(405);
    expect((await send(path, "x".repeat(200_000))).status).toBe(413);
    expect((await send(path, hello({ version: 2 }))).body).toMatch(/^c4426,.*1/);
    const { port } = new URL(url);
    const slow = await rawAnswer(
      Number(port),
      "POST /bothways/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel",
    );
    expect(slow).toMatch(/^HTTP\/1.1 408 /);
  });

  test("keys that are unknown, fenced, or of a session that ended", async () => {
    const { io, url } = await open();
    const path = `${url}/bothways/`;
    for (const body of ["qnobody~x,1", "knobody,1", "q~,1"]) {
      expect(await send(path, body)).toMatchObject({ status: 410, body: expect.stringMatching(/^c4410,/) });
    }
    const frame = hello();
    const first = JSON.parse((await send(path, frame)).body.split("\n")[0]?.slice(1) ?? "");
    const held = send(path, `q${first.key},1\na1,100,100000`);
    await vi.waitFor(() => expect(io.stats().connections).toBe(1));
    const again = hello({ generation: 2, sid: first.sid, secret: first.secret });
    const second = JSON.parse((await send(path, again)).body.split("\n")[0]?.slice(1) ?? "");
    expect(second.sid).toBe(first.sid);
    expect((await held).body).toMatch(/^c4409,/);
    expect((await send(path, `q${first.key},2\na0,100,100000`)).status).toBe(409);
    expect((await send(path, `k${first.key},1\nm2["x"]`)).status).toBe(409);
    // a forged key of a session that is there
    expect((await send(path, `k${first.sid}~guess,1`)).status).toBe(410);
    for (const socket of io.sockets.sockets.values()) socket.disconnect(true);
    expect(await send(path, `k${second.key},1`)).toMatchObject({ body: expect.stringMatching(/^c4000,/) });
  });

  test("a poll that comes twice, and one that is older, get nothing", async () => {
    const { io, url } = await open();
    const path = `${url}/bothways/`;
    const welcome = JSON.parse((await send(path, hello())).body.split("\n")[0]?.slice(1) ?? "");
    const poll = (number: number) => send(path, `q${welcome.key},${number}\na1,100,100000`);
    const first = poll(1);
    await vi.waitFor(() => expect(io.stats().connections).toBe(1));
    const third = poll(3);
    expect(await first).toMatchObject({ status: 200, body: "" });
    expect(await poll(3)).toMatchObject({ status: 200, body: "" });
    expect(await poll(2)).toMatchObject({ status: 200, body: "" });
    io.emit("news", 1);
    expect((await third).body).toContain('["news",1]');
    for (const socket of io.sockets.sockets.values()) socket.disconnect(true);
  });

  test("a batch that comes twice says nothing twice", async () => {
    const { io, url } = await open();
    const path = `${url}/bothways/`;
    const heard: unknown[] = [];
    io.on("connection", (socket) => socket.onAny((...args) => heard.push(args)));
    const welcome = JSON.parse((await send(path, hello())).body.split("\n")[0]?.slice(1) ?? "");
    const batch = `k${welcome.key},1\nn1\nm2["sure",1]\nv2["maybe",2]`;
    const position = { status: 200, body: expect.stringMatching(/^a1,/) };
    expect(await send(path, batch)).toMatchObject(position);
    expect(await send(path, batch)).toMatchObject(position);
    expect(heard).toEqual([
      ["sure", 1],
      ["maybe", 2],
    ]);
    for (const socket of io.sockets.sockets.values()) socket.disconnect(true);
  });

  test("a forged session id whose signature is as long as a true one, but not in bytes", async () => {
    const { url } = await open(impatient);
    const forged = hello({ sid: `epoch.id.${"é".repeat(22)}`, secret: "é".repeat(22) });
    const answer = await fetch(`${url}/bothways/`, { method: "POST", body: forged });
    expect(await answer.text()).toMatch(/^w.*"lost":"server-lost"/);
    const { closed } = await upgrade(`${url}/bothways/`, protocols(forged));
    expect(await closed).toMatchObject({ code: 4410 });
  });

  test("a WebSocket without a hello, with a broken one, or of another version", async () => {
    const { url } = await open(impatient);
    const path = `${url}/bothways/`;
    const silent = await upgrade(path, ["bothways.1"]);
    expect(await silent.closed).toMatchObject({ code: 4408 });
    const malformed = await upgrade(path, protocols("h{}"));
    expect(await malformed.closed).toMatchObject({ code: 4400 });
    const late = await upgrade(path, ["bothways.1"]);
    late.socket.send("what?");
    expect(await late.closed).toMatchObject({ code: 4400 });
    const newer = await upgrade(path, protocols(hello({ version: 7 })));
    expect(await newer.closed).toEqual({ code: 4426, reason: "versions 1" });
    expect((await upgrade(path, ["chat"])).status).toBe(400);
    expect((await upgrade(path, ["bothways.1", "%%%"].map(encodeURIComponent))).status).toBe(400);
    const chatty = await upgrade(path, protocols(hello()));
    chatty.socket.send("x".repeat(10_001));
    expect(await chatty.closed).toMatchObject({ code: 1009 });
    const liar = await upgrade(path, protocols(hello()));
    liar.socket.send("a99,100,100000");
    expect(await liar.closed).toMatchObject({ code: 4400 });
  });

  test("who never shows that it was welcomed is forgotten (option: connectTimeout)", async () => {
    const { io, url } = await open(impatient);
    const { socket, closed } = await upgrade(`${url}/bothways/`, protocols(hello()));
    expect(io.stats().sessions).toBe(1);
    expect(await closed).toMatchObject({ code: 4410 });
    expect(socket.readyState).toBe(socket.CLOSED);
    expect((await send(`${url}/bothways/`, hello())).status).toBe(200);
    await vi.waitFor(() => expect(io.stats().sessions).toBe(0));
  });

  test.each(["reset", "end"] as const)("those who vanish while they are judged, by %s", async (how) => {
    let [asked, judged] = [0, 0];
    let decide = (): void => {};
    const decision = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const { io, url } = await open({
      async authenticate() {
        asked++;
        await decision;
        judged++;
      },
    });
    const { port } = new URL(url);
    const head = "HTTP/1.1\r\nHost: x\r\n";
    const body = hello();
    const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n";
    const offer = `Sec-WebSocket-Protocol: ${protocols(hello()).join(", ")}\r\n`;
    const visitors = [
      `POST /bothways/ ${head}Content-Length: ${body.length}\r\n\r\n${body}`,
      `GET /bothways/ ${head}Connection: Upgrade\r\nUpgrade: websocket\r\n${key}${offer}\r\n`,
    ].map((bytes) => visit(Number(port), bytes));
    await vi.waitFor(() => expect(asked).toBe(2));
    for (const vanish of visitors) vanish(how);
    await vi.waitFor(() => expect(io.stats().openRequests).toBe(0));
    decide();
    await vi.waitFor(() => expect(judged).toBe(2));
    await closeSoon(io);
    expect(io.stats()).toMatchObject(empty);
  });
});

describe("the application's own mistakes", () => {
  test("whatever throws is told to onError, and the server goes on (option: onError)", async () => {
    const { io, url, errors } = await open();
    const boom = (what: string) => () => {
      throw new Error(what);
    };
    io.of("/guarded").use(boom("middleware"));
    io.on("connection", boom("connection"));
    io.on("connection", (socket) => {
      socket.on("disconnect", boom("disconnect"));
      socket.on("event", boom("event"));
      socket.onAny(boom("any"));
      socket.emit("ask", boom("answer"));
    });
    const socket = await joined(url);
    socket.on("ask", () => true);
    await expect(socket.emitWithAck("event")).rejects.toMatchObject({ code: "BW_ACK_REFUSED" });
    const [refusal] = await next(client(`${url}/guarded`), "connect_error");
    expect(refusal).toMatchObject({ message: "internal error" });
    socket.disconnect();
    const seen = () => errors.map((error) => (error as Error).message).toSorted();
    await expect.poll(seen).toEqual(["answer", "any", "connection", "disconnect", "event", "middleware"]);
  });

  test("middleware that never decides keeps its own namespace waiting, and no other", async () => {
    const { io, url } = await open();
    io.of("/never").use((_socket, _proceed) => {});
    for (const name of transports) {
      const options = { transports: [name], forceNew: false, query: { name } };
      const never = client(`${url}/never`, options);
      const fine = await joined(url, options);
      expect(never.io).toBe(fine.io);
      expect([fine.connected, never.connected]).toEqual([true, false]);
    }
  });
});

describe("closing", () => {
  test.each(transports)("who is being judged is told to come back, %s", async (name) => {
    let decide = (): void => {};
    const judging = new Promise<void>((resolve) => {
      decide = resolve;
    });
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { io, url } = await open({
      async authenticate() {
        asked();
        await judging;
      },
    });
    const socket = client(url, { transports: [name], reconnection: false });
    await isAsked;
    const refused = next(socket, "connect_error");
    const closed = io.close();
    decide();
    expect((await refused)[0]).toMatchObject({ code: "BW_LINK_LOST" });
    expect(socket.report().attempts).toMatchObject([{ code: 4503 }]);
    expect(socket.active).toBe(true);
    await closed;
    expect(io.stats().sessions).toBe(0);
  });

  test("a callback is called when it is done", async () => {
    const { io } = await open();
    const steps: string[] = [];
    await io.close(() => steps.push(`listening: ${io.httpServer?.listening}`));
    expect(steps).toEqual(["listening: false"]);
  });

  test("is done soon though clients do not read, and a second time is nothing", async () => {
    const { io, url } = await open();
    const stuck = await upgrade(`${url}/bothways/`, protocols(hello()));
    stuck.socket.send("a0,100,100000");
    await joinedBoth(url, { reconnection: false });
    await vi.waitFor(() => expect(io.stats().connections).toBe(3));
    await Promise.all([closeSoon(io), io.close()]);
    expect((await stuck.closed).code).toBe(4503);
  });

  const tls = { cert: certificate, key: privateKey };
  const kinds = [
    ["HTTP", () => createServer()],
    ["HTTPS", () => createHttpsServer(tls)],
    ["HTTP/2 with allowHTTP1", () => createSecureServer({ ...tls, allowHTTP1: true })],
  ] as const;

  describe.each(kinds)("over %s", (kind, create) => {
    test.each([
      ["nothing", ""],
      ["half a head", "GET /elsewhere HTTP/1.1\r\nHo"],
      ["a request that was answered, and half a head", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"],
    ])("who has sent %s is not waited for", async (_, sent) => {
      const httpServer = create();
      httpServer.on("request", (_request: unknown, response: ServerResponse) => void response.end("theirs"));
      const io = watch(new Server(httpServer));
      const port = Number(new URL(await listen(httpServer)).port);
      const came = once(httpServer, kind === "HTTP" ? "connection" : "secureConnection");
      const stranger =
        kind === "HTTP" ? connectTcp(port, "127.0.0.1") : connectTls({ port, ca: certificate });
      stranger.on("error", () => {});
      stranger.write(sent);
      const [socket] = (await came) as [Socket];
      await vi.waitFor(() => expect(socket.bytesRead).toBe(sent.length));
      if (sent.startsWith("GET / ")) await once(stranger, "data");
      await closeSoon(io);
      stranger.destroy();
    });
  });

  test.each(kinds.slice(1))("over %s: who has not done with TLS is not waited for", async (_, create) => {
    const httpServer = create();
    const io = watch(new Server(httpServer));
    const port = Number(new URL(await listen(httpServer)).port);
    const came = once(httpServer, "connection");
    const stranger = connectTcp(port, "127.0.0.1");
    await came;
    await closeSoon(io);
    stranger.destroy();
  });

  test("who waits for an answer of somebody else's gets it", async () => {
    const httpServer = createServer();
    const asked = once(httpServer, "request") as Promise<[unknown, ServerResponse]>;
    const io = watch(new Server(httpServer));
    const answered = fetch(`${await listen(httpServer)}/elsewhere`).then((response) => response.text());
    const [, response] = await asked;
    const closed = io.close();
    response.write("slow, ");
    // longer than it takes to look for connections that nobody uses
    setTimeout(() => response.end("but whole"), 150);
    expect(await answered).toBe("slow, but whole");
    await closed;
  });

  /** The program of draining-server.ts, and the lines it prints. */
  async function startDraining(): Promise<{
    child: ReturnType<typeof spawn>;
    exited: Promise<unknown[]>;
    nextLine(): Promise<string>;
    url: string;
  }> {
    const script = new URL("draining-server.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const exited = once(child, "exit");
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const nextLine = async (): Promise<string> => (await lines.next()).value;
    return { child, exited, nextLine, url: `http://127.0.0.1:${await nextLine()}` };
  }

  test("on SIGTERM, where that is wished (option: drainOnSigterm)", async () => {
    const { child, exited, nextLine, url } = await startDraining();
    const sockets = [];
    for (const name of transports) {
      sockets.push(await joined(url, { transports: [name], reconnection: false }));
      expect(await nextLine()).toBe(`connected by ${name}`);
    }
    const reasons = Promise.all(sockets.map(nextReason));
    child.kill("SIGTERM");
    expect(await reasons).toEqual(["transport close", "transport close"]);
    expect([await nextLine(), await nextLine()]).toEqual(
      Array.from({ length: 2 }, () => "server shutting down"),
    );
    expect(await exited).toEqual([0, null]);
  });

  test("SIGTERM that comes twice, to a process and to its group, cuts nobody off", async () => {
    const { child, exited, nextLine, url } = await startDraining();
    const socket = await joined(url, { transports: ["websocket"], reconnection: false });
    expect(await nextLine()).toBe("connected by websocket");
    const answered = fetch(`${url}/elsewhere`).then((response) => response.text());
    expect(await nextLine()).toBe("asked");
    const reason = nextReason(socket);
    child.kill("SIGTERM");
    expect(await reason).toBe("transport close");
    child.kill("SIGTERM");
    child.kill("SIGUSR2");
    expect(await answered).toBe("answered");
    expect(await exited).toEqual([0, null]);
  });
});
