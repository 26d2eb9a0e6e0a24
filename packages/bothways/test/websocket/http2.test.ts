/** `WebSocketServer` on `node:http2`, which ws has no way to be on: `server`, `handleUpgrade`, and what judges requests. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import {
  type ClientHttp2Session,
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
} from "node:http2";
import { describe, expect, onTestFinished, test } from "vitest";
import type { WebSocket as Client } from "ws";
import { Server } from "../../src/server/index.ts";
import { createWebSocketStream, WebSocket, WebSocketServer } from "../../src/websocket/index.ts";
import type { ServerOptions } from "../../src/websocket/options.ts";
import { openTunnel, openWebSocket, untilConnectIsOffered } from "../fixtures/extended-connect.ts";
import { ask, openSession, resetCode, urlOf } from "../fixtures/http2-client.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";

const tls = { cert: certificate, key: privateKey };

async function listen<Http extends Http2Server | Http2SecureServer>(http: Http): Promise<Http> {
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => void http.close());
  return http;
}

function serve(options: ServerOptions): WebSocketServer {
  const wss = new WebSocketServer(options);
  onTestFinished(() => wss.close());
  return wss;
}

interface Pair {
  readonly session: ClientHttp2Session;
  readonly server: WebSocket;
  readonly client: Client;
  readonly request: IncomingMessage;
  readonly stream: Awaited<ReturnType<typeof openTunnel>>["stream"];
}

async function connectPair(options: ServerOptions = {}, headers: Record<string, string> = {}): Promise<Pair> {
  const http = await listen(createServer());
  const wss = serve({ server: http, ...options });
  const connection = once(wss, "connection");
  const session = await openSession(urlOf(http));
  const { socket, tunnel } = await openWebSocket(session, headers);
  const [server, request] = (await connection) as [WebSocket, IncomingMessage];
  server.on("error", () => {});
  return { session, server, client: socket, request, stream: tunnel.stream };
}

describe("server", () => {
  test("RFC8441-5-7 RFC8441-5-8 messages of every size, both ways, in order", async () => {
    const { server, client } = await connectPair({ maxPayload: 2_000_000 });
    server.on("message", (data, isBinary) => server.send(data, { binary: isBinary }));
    const lengths = [0, 1, 125, 126, 65_535, 65_536, 1_000_000, 3];
    const heard: number[] = [];
    const done = new Promise<void>((resolve) => {
      client.on("message", (data: Buffer) => {
        heard.push(data.length);
        if (heard.length === lengths.length) resolve();
      });
    });
    for (const length of lengths) client.send(Buffer.alloc(length, 7));
    await done;
    expect(heard).toEqual(lengths);
    client.ping("are you there");
    expect(String((await once(client, "pong"))[0])).toBe("are you there");
  });

  test("RFC8441-5-6 there is neither key nor accept, and the request says what it is", async () => {
    const http = await listen(createServer());
    const wss = serve({ server: http });
    const connection = once(wss, "connection");
    const { tunnel } = await openWebSocket(await openSession(urlOf(http)), {
      ":path": "/chat?room=1",
      ":authority": "example.com:8080",
    });
    const [, request] = (await connection) as [WebSocket, IncomingMessage];
    expect(tunnel.headers["sec-websocket-accept"]).toBe(undefined);
    expect(request.headers).toMatchObject({ ":protocol": "websocket", host: "example.com:8080" });
    expect([request.method, request.httpVersion, request.url]).toEqual(["CONNECT", "2.0", "/chat?room=1"]);
    expect(request.socket.remoteAddress).toBe("127.0.0.1");
  });

  test("RFC8441-5-9 the end in order: END_STREAM, no reset, and the session goes on", async () => {
    for (const side of ["server", "client"] as const) {
      const { session, server, client, stream } = await connectPair();
      const code = resetCode(stream);
      const closed = Promise.all([once(server, "close"), once(client, "close")]);
      if (side === "server") server.close(4001, "bye");
      else client.close(4001, "bye");
      expect((await closed).map(([number]) => number)).toEqual([4001, 4001]);
      expect([await code, session.destroyed]).toEqual([constants.NGHTTP2_NO_ERROR, false]);
    }
  });

  test("RFC8441-5-10 terminate() is RST_STREAM with CANCEL, and so is it told of", async () => {
    const one = await connectPair();
    one.server.terminate();
    expect(await resetCode(one.stream)).toBe(constants.NGHTTP2_CANCEL);
    const other = await connectPair();
    const closed = once(other.server, "close");
    other.stream.close(constants.NGHTTP2_CANCEL);
    expect((await closed)[0]).toBe(1006);
  });

  test("backpressure: send returns false, drain follows; one stream that stands still holds no other up", async () => {
    const { session, server, client } = await connectPair();
    client.pause();
    while (server.send(Buffer.alloc(100_000)));
    expect(server.bufferedAmount).toBeGreaterThan(0);
    const drained = once(server, "drain");
    const second = await openWebSocket(session);
    second.socket.ping();
    await once(second.socket, "pong");
    client.resume();
    await drained;
    expect(server.bufferedAmount).toBe(0);
  });

  test("as a stream of Node's", async () => {
    const { server, client } = await connectPair();
    const duplex = createWebSocketStream(server);
    duplex.pipe(duplex);
    client.send("round and round");
    expect(String((await once(client, "message"))[0])).toBe("round and round");
    client.close();
    await once(duplex, "close");
  });
});

describe("who is taken", () => {
  test("path and the first of the subprotocols; handleProtocols chooses another", async () => {
    const http = await listen(createServer());
    serve({ server: http, path: "/chat" });
    serve({ server: http, path: "/prices", handleProtocols: (offered) => [...offered].at(-1) ?? false });
    const session = await openSession(urlOf(http));
    const ofPath = async (path: string): Promise<unknown[]> => {
      const { status, headers } = await openTunnel(session, {
        ":path": path,
        "sec-websocket-protocol": "a, b",
      });
      return [status, headers["sec-websocket-protocol"]];
    };
    expect(await ofPath("/chat?a=1")).toEqual([200, "a"]);
    expect(await ofPath("/prices")).toEqual([200, "b"]);
    expect(await ofPath("/nowhere")).toEqual([400, undefined]);
  });

  test.each<[string, ServerOptions["verifyClient"], unknown[]]>([
    ["accepts", ({ origin, secure }) => origin === "https://a.example" && secure, [200, undefined]],
    ["refuses", () => false, [401, undefined]],
    [
      "refuses with a status",
      (_info, answer) => answer(false, 429, "later", { "Retry-After": "9" }),
      [429, "9"],
    ],
  ])("verifyClient %s", async (_, verifyClient, expected) => {
    const http = await listen(createSecureServer(tls));
    serve({ server: http, verifyClient });
    const session = await openSession(urlOf(http, "https"), { ca: certificate });
    const { status, headers } = await openTunnel(session, { origin: "https://a.example" });
    expect([status, headers["retry-after"]]).toEqual(expected);
  });

  test("what is no WebSocket is refused, or told to wsClientError", async () => {
    const http = await listen(createServer());
    const wss = serve({ server: http });
    const session = await openSession(urlOf(http));
    expect((await openTunnel(session, { ":protocol": "connect-udp" })).status).toBe(501);
    const old = await openTunnel(session, { "sec-websocket-version": "8" });
    expect([old.status, old.headers["sec-websocket-version"]]).toEqual([426, "13"]);
    const told = once(wss, "wsClientError");
    session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/" }).on("error", () => {});
    const [error, socket] = (await told) as [Error, { destroy(): void }];
    expect(error).toMatchObject({ code: "BW_WS_VERSION" });
    socket.destroy();
  });

  test("lines added in `headers` are in the answer; one that may not be there is refused", async () => {
    const http = await listen(createServer());
    const wss = serve({ server: http });
    wss.once("headers", (lines) => void lines.push("Set-Cookie: a=1", "set-cookie: b=2"));
    const session = await openSession(urlOf(http));
    const { status, headers } = await openTunnel(session);
    expect([status, headers["set-cookie"]]).toEqual([200, ["a=1", "b=2"]]);
  });

  test("one session may have only so many (option: websocket maxHttp2Streams)", async () => {
    const http = await listen(createServer());
    const wss = serve({ server: http, maxHttp2Streams: 2 });
    const session = await openSession(urlOf(http));
    const { socket, tunnel } = await openWebSocket(session);
    await openTunnel(session);
    expect((await openTunnel(session)).status).toBe(429);
    expect((await openTunnel(await openSession(urlOf(http)))).status).toBe(200);
    socket.close();
    await resetCode(tunnel.stream);
    expect((await openTunnel(session)).status).toBe(200);
    expect(wss.clients?.size).toBe(3);
    expect(() => new WebSocketServer({ noServer: true, maxHttp2Streams: -1 })).toThrow(TypeError);
  });
});

describe("beside others", () => {
  test.each(["before", "after"])(
    "a request listener added %s (as Express is) breaks nothing",
    async (order) => {
      const http = await listen(createServer());
      const app = (): void => void http.on("request", (_request, response) => response.end("page"));
      if (order === "before") app();
      const wss = serve({ server: http, path: "/ws" });
      if (order === "after") app();
      const connection = once(wss, "connection");
      const session = await openSession(urlOf(http));
      const { socket } = await openWebSocket(session, { ":path": "/ws" });
      const [server] = (await connection) as [WebSocket];
      server.send("hello");
      expect(String((await once(socket, "message"))[0])).toBe("hello");
      expect((await ask(session, "/")).body).toBe("page");
      // Node's compatibility layer answers a CONNECT nobody takes
      expect((await openTunnel(session, { ":path": "/elsewhere" })).status).toBe(405);
    },
  );

  test("the native server on the same one, each with its path", async () => {
    const http = createServer();
    const io = new Server(http);
    onTestFinished(() => io.close());
    serve({ server: await listen(http), path: "/ws" });
    const session = await openSession(urlOf(http));
    expect((await openTunnel(session, { ":path": "/ws" })).status).toBe(200);
    const ofIo = { ":path": "/bothways/", "sec-websocket-protocol": "bothways.1" };
    expect((await openTunnel(session, ofIo)).status).toBe(200);
    session.destroy();
  });

  test("HTTP/1.1 on the same server, with allowHTTP1 and our own client", async () => {
    const http = await listen(createSecureServer({ ...tls, allowHTTP1: true }));
    const wss = serve({ server: http });
    const versions: string[] = [];
    wss.on("connection", (socket, request) => {
      versions.push(request.httpVersion);
      socket.send("hello");
    });
    const client = new WebSocket(urlOf(http, "wss"), { ca: certificate });
    expect(String((await once(client, "message"))[0])).toBe("hello");
    client.terminate();
    await openTunnel(await openSession(urlOf(http, "https"), { ca: certificate }));
    expect(versions).toEqual(["1.1", "2.0"]);
  });
});

describe("handleUpgrade", () => {
  test.each(["stream", "socket"] as const)("with the request of `connect`, and its %s", async (given) => {
    const http = await listen(createServer({ settings: { enableConnectProtocol: true } }));
    http.on("request", (_request, response) => response.end("page"));
    const wss = serve({ noServer: true });
    http.on("connect", (request: Http2ServerRequest) => {
      wss.handleUpgrade(request, request[given], Buffer.alloc(0), (socket) => socket.send("hello"));
      expect(() => wss.handleUpgrade(request, request.stream, Buffer.alloc(0), () => {})).toThrow(
        "more than once",
      );
    });
    const session = await openSession(urlOf(http));
    await untilConnectIsOffered(session);
    const { socket } = await openWebSocket(session);
    expect(String((await once(socket, "message"))[0])).toBe("hello");
  });
});
