/** `io.fetch` without a server in front: requests of the web in, responses of the web out, whatever is asked. */
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Server, type ServerOptions, type Socket } from "../../src/server/index.ts";
import { hello } from "../socket/strangers.ts";

const origin = "http://example.com";
const path = `${origin}/bothways/`;
const nothing = { sessions: 0, connections: 0, openRequests: 0, bufferedBytes: 0 };

interface Place {
  readonly io: Server;
  readonly errors: unknown[];
  /** Posts a body, and waits for the whole answer. */
  post(body: string, init?: RequestInit): Promise<{ status: number; body: string; headers: Headers }>;
}

/** A body may be a stream, of which the DOM's types know nothing. */
function posting(body: BodyInit): Request {
  return new Request(path, { method: "POST", body, duplex: "half" } as RequestInit);
}

function serve(options: ServerOptions = {}): Place {
  const errors: unknown[] = [];
  const io = new Server({ onError: (error) => errors.push(error), ...options });
  onTestFinished(async () => {
    await io.close();
    await vi.waitFor(() => expect(io.stats()).toMatchObject(nothing));
  });
  return {
    io,
    errors,
    async post(body, init) {
      const response = await io.fetch(new Request(path, { method: "POST", body, ...init }));
      return { status: response.status, body: await response.text(), headers: response.headers };
    },
  };
}

/** A link by hand whose hello was answered. */
async function attach({ post }: Place, technique: string, hint: object = {}): Promise<string> {
  const { status, body } = await post(`${hello(hint)}\nt${technique}`);
  expect(status).toBe(200);
  return JSON.parse(body.split("\n")[0]?.slice(1) ?? "").key;
}

/** A link of streams that has joined, its stream begun, and what reads it. */
async function join(
  place: Place,
  technique = "stream",
): Promise<{
  server: Socket;
  key: string;
  response: Response;
  reader: ReadableStreamDefaultReader<Uint8Array>;
}> {
  const connection = new Promise<Socket>((resolve) => place.io.once("connection", resolve));
  const key = await attach(place, technique, { credit: [99_999, 1e9] });
  const response = await place.io.fetch(new Request(path, { method: "POST", body: `s${key},1` }));
  expect(response.status).toBe(200);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await place.post(`k${key},1\na0,99999,1000000000`);
  return { server: await connection, key, response, reader };
}

async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, text: string): Promise<string> {
  let heard = "";
  while (!heard.includes(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`no ${text} in ${heard}`);
    heard += Buffer.from(value).toString("latin1");
  }
  return heard;
}

describe("a conversation", () => {
  test("by polls and batches", async () => {
    const place = serve();
    const connection = new Promise<Socket>((resolve) => place.io.once("connection", resolve));
    const key = await attach(place, "long-polling");
    let sequence = 0;
    const poll = () => place.post(`q${key},${++sequence}\na0,100,100000`);
    let held = poll();
    const server = await connection;
    server.emit("said", "üß");
    // it may have been answered with what the joining said
    if (!(await held).body.includes("said")) held = poll();
    const { body, headers } = await held;
    expect(body).toContain('["said","üß"]');
    expect(headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
    expect(headers.get("cache-control")).toBe("no-store");
    const asked = new Promise((resolve) => server.once("ask", resolve));
    expect(await place.post(`k${key},1\nn1\nm2["ask",7]`)).toMatchObject({ status: 200 });
    expect(await asked).toBe(7);
    server.disconnect(true);
  });

  test.each([
    ["stream", "application/octet-stream"],
    ["sse", "text/event-stream; charset=utf-8"],
    ["multipart", "multipart/x-mixed-replace;boundary=bothways"],
  ])("down a %s", async (technique, contentType) => {
    const place = serve();
    const { server, reader, response } = await join(place, technique);
    expect(Object.fromEntries(response.headers)).toEqual({
      "cache-control": "no-store, no-transform",
      "content-type": contentType,
      vary: "Origin",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    server.emit("said", 1);
    await readUntil(reader, '["said",1]');
    server.disconnect(true);
    await readUntil(reader, "c4000");
    expect(await reader.read()).toMatchObject({ done: true });
  });

  test("that a page starts by a GET alone", async () => {
    const place = serve();
    const key = await attach(place, "sse");
    const url = `${path}?bothways=${encodeURIComponent(`s${key},1`)}`;
    const start = (headers: Record<string, string>) => place.io.fetch(new Request(url, { headers }));
    expect((await start({ "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await start({ cookie: "a=1" })).status).toBe(403);
    const started = await start({ "sec-fetch-site": "same-origin", cookie: "a=1" });
    expect(started.status).toBe(200);
    await started.body?.cancel();
    await place.post(`k${key},1\nc4000,bye`);
  });

  test("of plain clients: what is published reaches those who listen", async () => {
    const place = serve({ dialects: ["plain"], publishKeys: ["k"], allowRoom: () => true });
    const left = new AbortController();
    const listening = new Request(`${path}events?room=AAPL`, { signal: left.signal });
    const stream = await place.io.fetch(listening);
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    await readUntil(reader, "event: connect");
    const publish = (authorization: string) => {
      const body = JSON.stringify({ rooms: ["AAPL"], event: "tick", args: [187.5] });
      return place.io.fetch(new Request(`${path}emit`, { method: "POST", body, headers: { authorization } }));
    };
    const refused = await publish("Bearer wrong");
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(await (await publish("Bearer k")).json()).toEqual({ ok: true });
    await readUntil(reader, "data: [187.5]");
    left.abort();
    await expect.poll(() => place.io.stats()).toMatchObject(nothing);
  });

  test("the browser's client is served (option: serveClient)", async () => {
    const get = (place: Place) => place.io.fetch(new Request(`${path}client.js`));
    // built or not
    expect([200, 404]).toContain((await get(serve())).status);
    const without = await get(serve({ serveClient: false }));
    expect([without.status, await without.text()]).toEqual([404, "c4404,nothing is served at this path"]);
  });
});

describe("a client that goes away", () => {
  test("while its poll is held: by the request's signal", async () => {
    const place = serve();
    const connection = new Promise<Socket>((resolve) => place.io.once("connection", resolve));
    const key = await attach(place, "long-polling");
    // answered with the joining, which the next acknowledges
    await place.post(`q${key},1\na0,100,100000`);
    const server = await connection;
    const left = new AbortController();
    const held = place.post(`q${key},2\na1,100,100000`, { signal: left.signal });
    await expect.poll(() => place.io.stats().openRequests).toBe(1);
    left.abort();
    expect(await held).toMatchObject({ status: 499, body: "" });
    await expect.poll(() => place.io.stats()).toMatchObject({ openRequests: 0, sessions: 1 });
    server.disconnect(true);
  });

  test.each(["signal", "body"])("in the middle of a stream: by its %s", async (what) => {
    const place = serve();
    const connection = new Promise<Socket>((resolve) => place.io.once("connection", resolve));
    const key = await attach(place, "stream");
    const left = new AbortController();
    const start = { method: "POST", body: `s${key},1`, signal: left.signal };
    const { body } = await place.io.fetch(new Request(path, start));
    await place.post(`k${key},1\na0,100,100000`);
    const server = await connection;
    if (what === "body") await body?.cancel();
    else left.abort();
    await expect.poll(() => place.io.stats()).toMatchObject({ openRequests: 0, sessions: 1 });
    // what was aborted ends without an error
    if (what === "signal") expect(await body?.getReader().read()).toMatchObject({ done: true });
    server.disconnect(true);
  });

  test("before anybody looked", async () => {
    const place = serve();
    expect(await place.post(hello(), { signal: AbortSignal.abort() })).toMatchObject({ status: 499 });
    expect(place.io.stats()).toMatchObject(nothing);
  });

  test("while its body is sent", async () => {
    const place = serve();
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("gone"));
      },
    });
    const request = posting(body);
    expect((await place.io.fetch(request)).status).toBe(500);
    expect(place.errors).toEqual([]);
  });
});

describe("what is not for it", () => {
  test.each(["/", "/bothways", "/bothways/client.js/x", "/bothways/events", "/other/bothways/"])(
    "%s",
    async (pathname) => {
      const { io } = serve({ serveClient: false });
      const response = await io.fetch(new Request(origin + pathname, { method: "PUT" }));
      expect(response.status).toBe(pathname === "/bothways" ? 405 : 404);
    },
  );

  test.each([[["websocket"] as const], [undefined]])(
    "a WebSocket, whatever is offered",
    async (transports) => {
      const place = serve(transports ? { transports } : {});
      const headers = { upgrade: "WebSocket", connection: "Upgrade", "sec-websocket-version": "13" };
      const response = await place.io.fetch(new Request(path, { headers }));
      expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
      expect(await response.text()).toBe("c4426,WebSockets cannot be opened by io.fetch");
    },
  );

  test("a technique that is not offered", async () => {
    const place = serve({ transports: ["long-polling"] });
    expect(await place.post(`${hello()}\ntstream`)).toMatchObject({ status: 406 });
  });
});

describe("pages of other origins (option: origins)", () => {
  test.each([
    ["the URL's", "https://example.com", {}, 200],
    ["the URL's, but for the scheme", "http://example.com", {}, 403],
    ["Host's, which a URL may lack", "https://front.example", { host: "front.example" }, 200],
    ["another", "https://evil.example", {}, 403],
    ["one a stranger claims", "https://evil.example", { "x-forwarded-host": "evil.example" }, 403],
  ])("own origin is %s", async (_, from, headers, status) => {
    const place = serve({ connectTimeout: 300 });
    const request = new Request("https://example.com/bothways/", {
      method: "POST",
      body: hello(),
      headers: { origin: from, ...headers } as Record<string, string>,
    });
    expect((await place.io.fetch(request)).status).toBe(status);
    if (status === 200) place.io.disconnectSockets(true);
  });

  test("are let in, and asked for nothing but the headers they name", async () => {
    const place = serve({ origins: ["https://page.example"], connectTimeout: 300 });
    const headers = { origin: "https://page.example", "access-control-request-headers": "x-token" };
    const preflight = await place.io.fetch(new Request(path, { method: "OPTIONS", headers }));
    expect([preflight.status, await preflight.text()]).toEqual([204, ""]);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      "access-control-allow-origin": "https://page.example",
      "access-control-allow-credentials": "true",
      "access-control-allow-headers": "x-token",
    });
    const refused = await place.post("?", { headers });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
      400,
      "https://page.example",
    ]);
  });
});

describe("who asks", () => {
  async function handshakeOf(
    place: Place,
    init: RequestInit,
    options?: object,
  ): Promise<Socket["handshake"]> {
    const connection = new Promise<Socket>((resolve) => place.io.once("connection", resolve));
    const request = new Request(`${path}?room=blue`, { method: "POST", body: hello(), ...init });
    const response = await place.io.fetch(request, options);
    const key = JSON.parse((await response.text()).split("\n")[0]?.slice(1) ?? "").key;
    await place.post(`k${key},1\na0,100,100000`);
    const { handshake } = await connection;
    place.io.disconnectSockets(true);
    return handshake;
  }

  test.each([
    [{ address: "192.0.2.7" }, "192.0.2.7"],
    [undefined, ""],
    // what Bun hands its handlers
    [{ address: { address: "::", port: 80 } }, ""],
  ])("has the address %j", async (options, address) => {
    const handshake = await handshakeOf(serve(), { headers: { "x-seen": "yes" } }, options);
    expect(handshake).toMatchObject({ address, secure: false, xdomain: false, url: "/bothways/?room=blue" });
    expect(handshake.headers).toMatchObject({ host: "example.com", "x-seen": "yes" });
    expect({ ...handshake.query }).toEqual({ room: "blue" });
  });

  test("has what the proxy tells (option: trustProxy)", async () => {
    const headers = { "x-forwarded-for": "1.1.1.1, 192.0.2.8", "x-forwarded-proto": "https" };
    const place = serve({ trustProxy: 1 });
    expect(await handshakeOf(place, { headers }, { address: "127.0.0.1" })).toMatchObject({
      address: "192.0.2.8",
      secure: true,
    });
  });

  test("has a limit (option: maxConnectionsPerAddress)", async () => {
    const place = serve({ maxConnectionsPerAddress: 1, connectTimeout: 300 });
    const visit = async (address: string) =>
      (await place.io.fetch(new Request(path, { method: "POST", body: hello() }), { address })).status;
    expect(await visit("192.0.2.7")).toBe(200);
    expect(await visit("192.0.2.7")).toBe(429);
    expect(await visit("192.0.2.8")).toBe(200);
  });

  test("is judged by the request as it is (option: authenticateFetch)", async () => {
    const place = serve({
      authenticateFetch(request) {
        const user = request.headers.get("x-user");
        if (request.url !== path || user === null) throw new Error("who are you?");
        return { user };
      },
    });
    expect(await place.post(hello())).toMatchObject({ status: 401, body: "c4401,who are you?" });
    const connection = new Promise<Socket>((resolve) => place.io.once("connection", resolve));
    const { body } = await place.post(hello(), { headers: { "x-user": "ada" } });
    const { key } = JSON.parse(body.split("\n")[0]?.slice(1) ?? "");
    await place.post(`k${key},1\na0,100,100000`);
    const server = await connection;
    expect(server.identity).toEqual({ user: "ada" });
    server.disconnect(true);
  });

  test("is let in by no way that was forgotten (options: authenticate, authenticateFetch)", async () => {
    const place = serve({ authenticate: () => ({ user: "ada" }) });
    expect(await place.post(hello())).toMatchObject({
      status: 401,
      body: expect.stringContaining("authenticateFetch"),
    });
  });
});

/** A body that says what it is given, and does not end. */
function endless(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
    },
  });
}

describe("a body", () => {
  test.each([
    ["that is too long", () => "x".repeat(2_000)],
    ["that becomes too long", () => endless("x".repeat(800), "x".repeat(800))],
  ])("%s is refused (option: maxHttpBufferSize)", async (_, make) => {
    const place = serve({ maxHttpBufferSize: 100, connectTimeout: 50 });
    const request = posting(make());
    const response = await place.io.fetch(request);
    expect([response.status, await response.text()]).toEqual([413, expect.stringMatching(/^c1009,/)]);
  });

  test("that does not end is refused in time, and then let go (option: connectTimeout)", async () => {
    const place = serve({ connectTimeout: 20 });
    let cancel = (): void => {};
    const cancelled = new Promise<void>((resolve) => {
      cancel = resolve;
    });
    const { status, headers } = await place.io.fetch(posting(new ReadableStream({ cancel })));
    expect([status, headers.get("connection")]).toEqual([408, null]);
    await cancelled;
  });

  test("that others have read is a mistake of theirs", async () => {
    const place = serve();
    const request = new Request(path, { method: "POST", body: hello() });
    await request.text();
    expect((await place.io.fetch(request)).status).toBe(500);
    expect(place.errors).toMatchObject([{ message: "the body of the request was read already" }]);
  });
});

const text = "x".repeat(16_384);

describe("a reader that stands still", () => {
  const limits: ServerOptions = { windowBytes: 1e9, windowMessages: 99_999, resumeWindow: 300 };

  async function fill(server: Socket): Promise<number> {
    let emitted = 0;
    while (server.connected && emitted < 2_000) {
      server.emit("n", text);
      if (++emitted % 4 === 0) await new Promise(setImmediate);
    }
    return emitted;
  }

  test.each([
    ["slow consumer", { maxBufferedBytes: 524_288 }],
    ["overflow", { maxClientBytes: 524_288, maxBufferedBytes: 1e9 }],
  ])("is disconnected, %s (options: maxBufferedBytes, maxClientBytes)", async (reason, options) => {
    const place = serve({ ...limits, ...options });
    const { server, reader } = await join(place);
    const reasons: string[] = [];
    server.on("disconnect", (why) => reasons.push(why));
    // nothing is hidden in a socket: each byte counts
    expect(await fill(server)).toBeLessThan(60);
    expect(reasons).toEqual([reason]);
    await expect.poll(() => place.io.stats()).toMatchObject(nothing);
    await expect(reader.read().then(() => reader.read())).rejects.toThrow("cut off");
  });

  test("is cut off after a while, which is not the end of the session (option: writeTimeout)", async () => {
    const place = serve({ ...limits, writeTimeout: 50, maxBufferedBytes: 1e9, maxClientBytes: 1e9 });
    const { server, reader } = await join(place);
    for (let emitted = 0; emitted < 20; emitted++) server.emit("n", text);
    await expect.poll(() => place.io.stats().openRequests).toBe(0);
    expect(server.connected).toBe(true);
    await expect(reader.read().then(() => reader.read())).rejects.toThrow("cut off");
    server.disconnect(true);
  });

  test("and reads again goes on where it stopped", async () => {
    const place = serve(limits);
    const { server, reader } = await join(place);
    let emitted = 0;
    while (server.emit("n", emitted++, text)) await new Promise(setImmediate);
    const drained = new Promise<void>((resolve) => server.once("drain", resolve));
    const all = readUntil(reader, '["last"]');
    await drained;
    server.emit("last");
    const numbers = [...(await all).matchAll(/m2\["n",(\d+),/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: emitted }, (_, index) => index));
    server.disconnect(true);
    await readUntil(reader, "c4000");
    await reader.read();
  });

  test("before a long answer to a poll: it waits here, and is charged until it is given up", async () => {
    const place = serve({ ...limits, writeTimeout: 50 });
    const connection = new Promise<Socket>((resolve) => place.io.once("connection", resolve));
    const key = await attach(place, "long-polling", { credit: [99_999, 1e9] });
    await place.post(`k${key},1\na0,99999,1000000000`);
    const server = await connection;
    server.emit("n", "x".repeat(200_000));
    const request = new Request(path, { method: "POST", body: `q${key},1\na0,99999,1000000000` });
    const response = await place.io.fetch(request);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(200_000);
    expect(place.io.stats().bufferedBytes).toBeGreaterThan(400_000);
    await expect(response.text()).resolves.toHaveLength(Number(response.headers.get("content-length")));
    await expect.poll(() => place.io.stats().bufferedBytes).toBeLessThan(300_000);
    server.disconnect(true);
  });
});

describe("always an answer", () => {
  test("whatever is asked", async () => {
    const { io, errors } = serve({
      maxHttpBufferSize: 200,
      connectTimeout: 5,
      dialects: ["plain"],
      publishKeys: ["k"],
    });
    const anyRequest = fc.record({
      method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY"),
      path: fc.oneof(
        fc.constantFrom("/bothways/", "/bothways", "/bothways/emit", "/bothways/events", "/"),
        fc.webPath(),
      ),
      query: fc.oneof(
        fc.constantFrom("bothways=sK,1", "bothways=qK,1", "ns=/x&room=y"),
        fc.webQueryParameters(),
      ),
      headers: fc.dictionary(
        fc.constantFrom(
          "origin",
          "host",
          "cookie",
          "upgrade",
          "content-length",
          "authorization",
          "x-forwarded-for",
        ),
        fc.constantFrom(
          "",
          "null",
          "websocket",
          "http://example.com",
          "-1",
          "Bearer k",
          "a=b",
          "9".repeat(30),
        ),
      ),
      body: fc.oneof(
        fc.string(),
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom("qK,1", "h{}", "kK,1\nmx", "{"),
      ),
    });
    await fc.assert(
      fc.asyncProperty(anyRequest, async ({ method, path: pathname, query, headers, body }) => {
        const hasBody = method !== "GET" && method !== "HEAD";
        const init = { method, headers, ...(hasBody ? { body: body as BodyInit } : {}) };
        const response = await io.fetch(new Request(`${origin}${pathname}?${query}`, init));
        expect(response).toBeInstanceOf(Response);
        expect(response.status).not.toBe(500);
        await response.body?.cancel();
      }),
      { numRuns: 100 },
    );
    expect(errors).toEqual([]);
  });

  test("where our own code fails", async () => {
    const planted = new Error("a fault of our own");
    const place = serve({
      origins: "*",
      publishKeys: () => {
        throw planted;
      },
    });
    const request = new Request(`${path}emit`, { method: "POST", headers: { authorization: "Bearer k" } });
    expect((await place.io.fetch(request)).status).toBe(500);
    expect(place.errors).toEqual([planted]);
  });

  test("where the server has closed", async () => {
    const place = serve();
    await place.io.close();
    expect(await place.post(hello())).toMatchObject({ status: 503 });
  });
});

test("the method needs no `this`, and minds no second argument of another kind", async () => {
  const { fetch } = serve({ serveClient: false }).io;
  for (const more of [undefined, null, {}]) {
    const response = await Reflect.apply(fetch, undefined, [new Request(origin), more]);
    expect(response.status).toBe(404);
  }
});
