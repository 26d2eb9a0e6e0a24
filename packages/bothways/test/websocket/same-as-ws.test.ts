/**
 * What programs written for `ws` rely on beyond the events of a connection, tried with `ws` and with ours: options, the
 * request, redirects, servers, what is left of a WebSocket that has closed. What differs is in docs/migrate/from-ws.md.
 */
import { once } from "node:events";
import { type ClientRequest, createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClientOptions, ServerOptions, WebSocket } from "../../src/websocket/index.ts";
import {
  closed,
  connectPair,
  implementations,
  type Name,
  open,
  portOf,
  RawClient,
  serve,
  upgradeHead,
  urlOf,
} from "./rig.ts";

const bothWays: readonly Name[] = ["ws", "ours"];

/** What would be sent, where nothing is. */
function requestOf(name: Name, url: string, options: ClientOptions = {}): ClientRequest {
  const requests: ClientRequest[] = [];
  open(
    url,
    {
      createConnection: () => new Socket(),
      finishRequest: (request) => requests.push(request),
      ...options,
    },
    name,
  );
  return requests[0] as ClientRequest;
}

async function listening(server: Server = createServer()): Promise<Server> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server;
}

/** Open or closed. */
function settled(socket: WebSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("open", () => resolve("open"));
    socket.once("close", () => resolve("close"));
  });
}

describe.each(bothWays)("the request of %s", (name) => {
  test.each([
    ["wss://localhost:443", "localhost"],
    ["wss://localhost:8443", "localhost:8443"],
    ["ws://localhost:80", "localhost"],
    ["ws://localhost:88", "localhost:88"],
    ["ws://[::1]:80", "[::1]"],
  ])("to %s has Host %s", (url, host) => {
    expect(requestOf(name, url).getHeader("host")).toBe(host);
  });

  test("takes user and password of the URL before those of the option", () => {
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    const found = [
      ["ws://a:b@host", {}],
      ["ws://host", { auth: "c:d" }],
      ["ws://a:b@host", { auth: "c:d" }],
    ] as const;
    expect(found.map(([url, options]) => requestOf(name, url, options).getHeader("authorization"))).toEqual([
      basic("a:b"),
      basic("c:d"),
      basic("a:b"),
    ]);
  });

  test("takes the option origin before the header, and none that is empty", () => {
    const headers = { origin: "http://header" };
    const origins = [
      requestOf(name, "ws://host", { headers, origin: "http://option" }),
      requestOf(name, "ws://host", { headers, origin: "" }),
      requestOf(name, "ws://host", { origin: "" }),
    ].map((request) => request.getHeader("origin"));
    expect(origins).toEqual(["http://option", "http://header", undefined]);
  });

  test.each([["a"], [["a", "b"]]])(
    "offers the subprotocols of the option: %o (option: protocols)",
    (protocols) => {
      const request = requestOf(name, "ws://host", { protocols });
      expect(request.getHeader("sec-websocket-protocol")).toBe([protocols].flat().join());
    },
  );

  test.each([
    { hostname: "nowhere.invalid" },
    { host: "nowhere.invalid" },
    { port: 1 },
    { path: "/elsewhere" },
    { method: "POST" },
    { protocol: "mqtt" },
    { socketPath: "/nowhere" },
    { agent: null, headers: null, auth: null, origin: null, finishRequest: null, perMessageDeflate: null },
  ])("goes where the address says, whatever else options have: %o", async (options) => {
    const wss = await serve({}, name);
    const connected = once(wss, "connection");
    expect(await settled(open(urlOf(wss, "/here"), options as ClientOptions, name))).toBe("open");
    const [, request] = (await connected) as [WebSocket, IncomingMessage];
    expect([request.method, request.url]).toEqual(["GET", "/here"]);
  });

  test("to a Unix socket may have colons in its path", async () => {
    const path = join(tmpdir(), `bothways-${name}-${process.pid}.sock`);
    const http = createServer().listen(path);
    await once(http, "listening");
    onTestFinished(() => void http.close());
    const wss = await serve({ server: http }, name);
    open(`ws+unix:${path}:/a:b?c=d:e`, {}, name);
    const [, request] = (await once(wss, "connection")) as [WebSocket, IncomingMessage];
    expect([request.url, request.headers.host]).toEqual(["/a:b?c=d:e", "localhost"]);
  });
});

describe.each(bothWays)("redirects of %s", (name) => {
  /** What is asked of the first server and, where `to` leads there, of the second. */
  async function follow(
    to: (one: string, two: string) => string,
    options: ClientOptions,
    user = "",
  ): Promise<IncomingMessage[]> {
    const asked: IncomingMessage[] = [];
    const [one, two] = [await listening(), await listening()];
    const urls = [one, two].map((server) => `ws://127.0.0.1:${portOf(server)}`) as [string, string];
    const answer = (request: IncomingMessage, socket: Duplex): void => {
      asked.push(request);
      const [status, location] = request.url === "/" ? [302, to(...urls)] : [404, ""];
      socket.end(
        `HTTP/1.1 ${status} \r\nLocation: ${location}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    };
    for (const server of [one, two]) server.on("upgrade", answer);
    await closed(open(urls[0].replace("//", `//${user}`), { followRedirects: true, ...options }, name));
    return asked;
  }

  test("leave Host behind with the credentials where another host is next", async () => {
    const headers = { Authorization: "x", Cookie: "a=b", Host: "first", "X-Kept": "1" };
    const [, { headers: found } = {}] = await follow((_, two) => `${two}/end`, { headers });
    expect(found).toMatchObject({ "x-kept": "1", host: expect.stringContaining("127.0.0.1") });
    expect([found?.authorization, found?.cookie]).toEqual([undefined, undefined]);
    const [, { headers: kept } = {}] = await follow((one) => `${one}/end`, { headers });
    expect(kept).toMatchObject({ authorization: "x", cookie: "a=b", host: "first" });
  });

  test("keep the first user, and give none to another host", async () => {
    const user = (request: IncomingMessage | undefined): string =>
      Buffer.from(request?.headers.authorization?.slice(6) ?? "", "base64").toString();
    const withUser = (url: string): string => `${url.replace("//", "//c:d@")}/end`;
    const users = [
      (await follow((one) => withUser(one), {}, "a:b@"))[1],
      (await follow((one) => withUser(one), { auth: "a:b" }))[1],
      (await follow((one) => withUser(one), {}))[1],
      (await follow((_, two) => withUser(two), {}, "a:b@"))[1],
      (await follow((_, two) => withUser(two), { auth: "a:b" }))[1],
    ].map(user);
    expect(users).toEqual(["a:b", "a:b", "c:d", "", ""]);
  });

  test("to nowhere are an answer like any other", async () => {
    expect(await follow(() => "", {})).toHaveLength(1);
  });
});

describe.each(bothWays)("a WebSocket of %s", (name) => {
  test("has enumerable attributes", () => {
    const found = new Set<string>();
    for (const attribute in implementations[name].WebSocket.prototype) found.add(attribute);
    const attributes = [
      "binaryType",
      "bufferedAmount",
      "extensions",
      "isPaused",
      "protocol",
      "readyState",
      "url",
    ];
    const listeners = ["onopen", "onmessage", "onerror", "onclose"];
    expect([...found]).toEqual(expect.arrayContaining([...attributes, ...listeners]));
  });

  test("takes null for no callback", async () => {
    const { server, client } = await connectPair({ names: [name, name] });
    const none = null as unknown as undefined;
    client.send("a", {}, none);
    client.send("b", none, none);
    client.ping("c", true, none);
    client.pong("d", true, none);
    client.close();
    client.send("late", {}, none);
    client.ping("late", true, none);
    client.pong("late", true, none);
    expect(await closed(server)).toEqual([1005, ""]);
  });

  test("counts what is sent too late, pings of any length and Blobs too", async () => {
    const { client } = await connectPair({ names: [name, name] });
    client.terminate();
    await closed(client);
    const before = client.bufferedAmount;
    client.ping(Buffer.alloc(126));
    client.pong(new Blob(["hi"]));
    client.send("hi");
    expect(client.bufferedAmount - before).toBe(130);
  });

  test("has its socket from `open` on, after its end too", async () => {
    const wss = await serve({}, name);
    const client = open(urlOf(wss), {}, name);
    expect(client._socket).toBe(null);
    await once(client, "open");
    client.terminate();
    await closed(client);
    expect(client._socket?.destroyed).toBe(true);
    client.pause();
    client.resume();
    client.terminate();
    client.close();
    expect(client.readyState).toBe(client.CLOSED);
  });
});

describe.each(bothWays)("a server of %s", (name) => {
  const { WebSocketServer } = implementations[name];

  test("takes null, and an empty path, for the default", async () => {
    const none = { host: null, backlog: null, verifyClient: null, handleProtocols: null, path: null };
    const http = await listening();
    const choices = [
      { server: http, port: null, ...none },
      { port: 0, host: "127.0.0.1", server: null, path: "", noServer: false },
    ] as unknown as ServerOptions[];
    for (const options of choices) {
      const wss = new WebSocketServer(options);
      onTestFinished(() => wss.close());
      if (options.port === 0) await once(wss, "listening");
      const client = open(urlOf(wss, "/any"), { protocols: "a" }, name);
      expect([await settled(client), client.protocol]).toEqual(["open", "a"]);
      client.terminate();
    }
    const alone = new WebSocketServer({
      noServer: true,
      port: null,
      server: null,
    } as unknown as ServerOptions);
    expect(() => alone.address()).toThrow();
    expect(() => new WebSocketServer()).toThrow(TypeError);
  });

  test("calls back before `listening`, and has no address once it was closed", async () => {
    const told: string[] = [];
    const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => told.push("callback"));
    wss.on("listening", () => told.push("listening"));
    await once(wss, "listening");
    expect(told).toEqual(["callback", "listening"]);
    wss.close();
    const shared = new WebSocketServer({ server: await listening() });
    expect((shared.address() as AddressInfo).port).toBeGreaterThan(0);
    shared.close();
    expect([wss.address(), shared.address()]).toEqual([null, null]);
  });

  test("leaves no listener behind on the application's HTTP server, and may come back", async () => {
    const http = await listening(createServer((_, response) => response.end("plain")));
    const counts = (): number[] =>
      ["upgrade", "listening", "error"].map((event) => http.listenerCount(event));
    const before = counts();
    const first = new WebSocketServer({ server: http });
    first.close();
    expect(counts()).toEqual(before);
    const text = await new RawClient(portOf(http), upgradeHead()).receive(/plain/);
    expect(text).toMatch(/^HTTP\/1.1 200 /);
    await serve({ server: http }, name);
    expect(await settled(open(`ws://127.0.0.1:${portOf(http)}/`, {}, name))).toBe("open");
  });

  test.each([
    [[false, 503, "", { "Retry-After": "9" }], 503, "Service Unavailable"],
    [[false, 0], 401, "Unauthorized"],
    [[false, null, null, null], 401, "Unauthorized"],
    [[false, 403, "no"], 403, "no"],
  ])("refuses as verifyClient says: %o", async (verdict, status, body) => {
    const options = {
      verifyClient: (_: unknown, callback: (...args: unknown[]) => void) => callback(...verdict),
    };
    const wss = await serve(options as ServerOptions, name);
    const text = await new RawClient(portOf(wss), upgradeHead()).ended();
    expect([Number(text.slice(9, 12)), text.split("\r\n\r\n")[1]]).toEqual([status, body]);
  });

  test("ignores a socket that it has refused before", async () => {
    const http = await listening();
    const [one, two] = [
      new WebSocketServer({ noServer: true, path: "/one" }),
      new WebSocketServer({ noServer: true, path: "/two" }),
    ];
    const handled = new Promise((resolve) => {
      http.on("upgrade", (request, socket, head) => {
        one.handleUpgrade(request, socket, head, () => expect.unreachable());
        resolve(two.handleUpgrade(request, socket, head, () => expect.unreachable()));
      });
    });
    const client = new RawClient(portOf(http), upgradeHead({}, "/two"));
    expect(await handled).toBe(undefined);
    expect(await client.ended()).toMatch(/^HTTP\/1.1 400 /);
  });

  test("opens sockets of the application's class before it gives them", async () => {
    const told: string[] = [];
    const Own = new Proxy(implementations[name].WebSocket, {
      construct(target, args, newTarget) {
        const socket: WebSocket = Reflect.construct(target, args, newTarget);
        return socket.on("open", () => told.push("open"));
      },
    });
    const wss = await serve({ WebSocket: Own }, name);
    wss.on("connection", () => told.push("connection"));
    const client = open(urlOf(wss), {}, name);
    await once(wss, "connection");
    expect(told).toEqual(["open", "connection"]);
    client.terminate();
  });
});

describe.each(bothWays)("a stream of %s", (name) => {
  const stream = async (
    options = {},
  ): Promise<{ server: WebSocket; client: WebSocket; duplex: Duplex; told: string[] }> => {
    const { server, client } = await connectPair({ names: [name, name] });
    const duplex = implementations[name].createWebSocketStream(client, options);
    const told: string[] = [];
    for (const event of ["end", "error", "close"]) {
      duplex.on(event, () => told.push(`${event} ${client.readyState}`));
    }
    return { server, client, duplex, told };
  };

  test("that is written to too late is destroyed, and closes", async () => {
    const { client, duplex, told } = await stream();
    client.close();
    const destroyed = new Promise((resolve) => duplex.once("error", () => resolve(duplex.destroyed)));
    const end = new Promise((resolve) => duplex.once("close", resolve));
    duplex.write("late");
    expect(await destroyed).toBe(true);
    await end;
    expect(told.map((line) => line.split(" ")[0])).toEqual(["error", "close"]);
    expect(told[1]).toBe("close 3");
  });

  test("that is destroyed with an error says so before it closes", async () => {
    const { duplex, told } = await stream();
    duplex.destroy(new Error("mine"));
    await new Promise((resolve) => duplex.once("close", resolve));
    expect(told).toEqual(["error 3", "close 3"]);
  });

  test("may be half open, where the option says so", async () => {
    const { server, duplex, told } = await stream({ allowHalfOpen: true });
    duplex.resume();
    server.close();
    await once(duplex, "end");
    expect([duplex.writable, duplex.destroyed]).toEqual([true, false]);
    duplex.write("late");
    await new Promise((resolve) => duplex.once("close", resolve));
    expect(told).toEqual(["end 3", "error 3", "close 3"]);
  });
});
