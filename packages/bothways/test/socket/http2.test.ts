/** The server on `node:http2`: WebSocket over HTTP/2 (RFC 8441), long polling, and an application beside them. */
import { Buffer } from "node:buffer";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import {
  type ClientHttp2Session,
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { io as connect } from "../../src/client/index.node.ts";
import { BothwaysError } from "../../src/model/bothways-error.ts";
import { Server, type ServerOptions, type Socket } from "../../src/server/index.ts";
import { WebSocketServer as OurWebSocketServer } from "../../src/websocket/index.ts";
import { openTunnel, openWebSocket, untilConnectIsOffered } from "../fixtures/extended-connect.ts";
import {
  ask,
  encodeFrame,
  encodeHeaders,
  frameTypes,
  openSession,
  RawHttp2,
  readSettings,
  resetCode,
  urlOf,
} from "../fixtures/http2-client.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { type Client, empty, next, nextReason, untilConnected } from "../suites/rig.ts";
import { hello } from "./strangers.ts";

const path = "/bothways/";
const tls = { cert: certificate, key: privateKey };

async function open(
  options: ServerOptions = {},
  http: Http2Server | Http2SecureServer = createServer(),
): Promise<{ io: Server; http: Http2Server | Http2SecureServer; errors: unknown[] }> {
  const errors: unknown[] = [];
  const io = new Server(http, { onError: (error) => errors.push(error), ...options });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const sessions = new Set<Http2Session>();
  http.on("session", (session) => sessions.add(session));
  onTestFinished(async () => {
    for (const session of sessions) session.destroy();
    await vi.waitFor(() => expect(io.stats().openRequests).toBe(0));
    await io.close();
    await vi.waitFor(() => expect(io.stats()).toMatchObject(empty));
  });
  return { io, http, errors };
}

/** A WebSocket that has said hello, and shown that it was welcomed. */
async function join(
  session: ClientHttp2Session,
  headers: Record<string, string> = {},
): ReturnType<typeof openWebSocket> {
  const opened = await openWebSocket(session, {
    ":path": path,
    "sec-websocket-protocol": "bothways.1",
    ...headers,
  });
  opened.socket.send(hello());
  const [welcome] = await once(opened.socket, "message");
  expect(String(welcome)[0]).toBe("w");
  const answered = messageLike(opened.socket, /^o/);
  opened.socket.send("p");
  await answered;
  return opened;
}

function messageLike(socket: WebSocket, pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    socket.on("message", (data: Buffer) => {
      if (pattern.test(String(data))) resolve(String(data));
    });
  });
}

describe("WebSocket over HTTP/2", () => {
  test("RFC8441-5-1 RFC8441-5-7 RFC8441-5-8 200, the subprotocol, and frames both ways", async () => {
    const { io, http } = await open();
    const connected = next<[Socket]>(io, "connection");
    const session = await openSession(urlOf(http));
    const { socket, tunnel } = await join(session);
    expect(tunnel.headers).toMatchObject({ ":status": 200, "sec-websocket-protocol": "bothways.1" });
    const [server] = await connected;
    const said = messageLike(socket, /"said"/);
    server.emit("said", "hello");
    expect(await said).toContain("hello");
    socket.close(4000);
    await vi.waitFor(() => expect(io.stats().sessions).toBe(0));
  });

  test("the hello rides in the request, as over HTTP/1.1", async () => {
    const { http } = await open();
    const session = await openSession(urlOf(http));
    const early = Buffer.from(hello()).toString("base64url");
    const { socket } = await openWebSocket(session, {
      ":path": path,
      "sec-websocket-protocol": `bothways.1, ${early}`,
    });
    expect(String((await once(socket, "message"))[0])[0]).toBe("w");
  });

  test("what the application sees of the request", async () => {
    const seen: { headers: IncomingHttpHeaders; version: string; url: string | undefined }[] = [];
    const authenticate = ({ headers, httpVersion, url }: IncomingMessage): string => {
      seen.push({ headers, version: httpVersion, url });
      return "ada";
    };
    const { io, http } = await open({ authenticate }, createSecureServer(tls));
    const connected = next<[Socket]>(io, "connection");
    const session = await openSession(urlOf(http, "https"), { ca: certificate, servername: "localhost" });
    await join(session, { ":path": `${path}?room=1`, ":authority": "localhost:7", cookie: "a=1" });
    expect(seen).toMatchObject([
      { version: "2.0", url: `${path}?room=1`, headers: { host: "localhost:7", cookie: "a=1" } },
    ]);
    const [{ handshake }] = await connected;
    expect(handshake).toMatchObject({ secure: true, address: "127.0.0.1", query: { room: "1" } });
    expect(Object.keys(handshake.headers).sort()).toEqual(["cookie", "host", "sec-websocket-version"]);
  });

  test.each([
    ["of the page's own origin", { origin: "http://127.0.0.1" }, "own", 200],
    ["of another", { origin: "http://evil.example" }, "other", 403],
    ["of another that is allowed", { origin: "https://good.example" }, "allowed", 200],
    ["without one, as programs are", {}, "none", 200],
  ])("a request %s", async (_, headers, which, status) => {
    const { http } = await open({ origins: ["https://good.example"] });
    const url = urlOf(http);
    const session = await openSession(url);
    const tunnel = await openTunnel(session, {
      ":path": path,
      "sec-websocket-protocol": "bothways.1",
      ...headers,
      ...(which === "own" && { origin: url }),
    });
    expect(tunnel.status).toBe(status);
    if (status === 403) expect(await resetCode(tunnel.stream)).toBe(constants.NGHTTP2_NO_ERROR);
  });

  test("who is refused by authenticate learns it by a close code, as over HTTP/1.1", async () => {
    const { http } = await open({
      authenticate: () => {
        throw new Error("who are you?");
      },
    });
    const session = await openSession(urlOf(http));
    const { socket } = await openWebSocket(session, {
      ":path": path,
      "sec-websocket-protocol": "bothways.1",
    });
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([4401, "who are you?"]);
  });

  test.each([
    ["RFC8441-5-2 a protocol nobody speaks", { ":protocol": "connect-udp" }, 501],
    ["another version", { "sec-websocket-version": "8" }, 426],
    ["a subprotocol of others", { "sec-websocket-protocol": "chat" }, 400],
    ["malformed extensions", { "sec-websocket-extensions": "permessage-deflate;;" }, 400],
  ])("%s is refused", async (_, headers, status) => {
    const { http } = await open({ perMessageDeflate: true });
    const session = await openSession(urlOf(http));
    const given = { ":path": path, "sec-websocket-protocol": "bothways.1", ...headers };
    expect(await openTunnel(session, given)).toMatchObject({ status });
    await join(session);
  });

  test("permessage-deflate is agreed on and spoken", async () => {
    const { io, http } = await open({ perMessageDeflate: true });
    const connected = next<[Socket]>(io, "connection");
    const session = await openSession(urlOf(http));
    const { tunnel } = await join(session, { "sec-websocket-extensions": "permessage-deflate" });
    expect(tunnel.headers["sec-websocket-extensions"]).toContain("permessage-deflate");
    let bytes = 0;
    tunnel.stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const [server] = await connected;
    server.emit("news", "news ".repeat(15_000));
    await vi.waitFor(() => expect(bytes).toBeGreaterThan(100));
    expect(bytes).toBeLessThan(5_000);
  });
});

describe("how streams end", () => {
  test("RFC8441-5-9 in order: END_STREAM on both sides, and no reset", async () => {
    const { io, http } = await open();
    const connected = next<[Socket]>(io, "connection");
    const session = await openSession(urlOf(http));
    const { socket, tunnel } = await join(session);
    const [server] = await connected;
    const closed = once(socket, "close");
    server.disconnect(true);
    expect((await closed)[0]).toBe(4000);
    expect(await resetCode(tunnel.stream)).toBe(constants.NGHTTP2_NO_ERROR);
    expect(session.destroyed).toBe(false);
  });

  test("RFC8441-5-10 a reset by the client loses the link, and nothing else", async () => {
    const { io, http, errors } = await open({ resumeWindow: 50 });
    const session = await openSession(urlOf(http));
    const stays = await join(session);
    const goes = await join(session);
    goes.tunnel.stream.close(constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(io.stats().connections).toBe(1));
    await vi.waitFor(() => expect(io.stats()).toMatchObject({ sessions: 1, connections: 1 }));
    stays.socket.ping();
    await once(stays.socket, "pong");
    expect([session.destroyed, errors]).toEqual([false, []]);
  });

  test("RFC8441-5-10 who does not read is reset with CANCEL", async () => {
    const { io, http } = await open({ maxBufferedBytes: 10_000 });
    const connected = next<[Socket]>(io, "connection");
    const session = await openSession(urlOf(http));
    const { socket, tunnel } = await join(session);
    const [server] = await connected;
    socket.pause();
    const reason = nextReason(server);
    const timer = setInterval(() => server.emit("news", "x".repeat(9_000)), 1);
    expect(await reason).toBe("slow consumer");
    clearInterval(timer);
    socket.resume();
    expect(await resetCode(tunnel.stream)).toBe(constants.NGHTTP2_CANCEL);
    expect(session.destroyed).toBe(false);
  });

  test("a stream that breaks the WebSocket protocol ends alone", async () => {
    const { io, http } = await open();
    const session = await openSession(urlOf(http));
    const good = await join(session);
    const bad = await openTunnel(session, { ":path": path, "sec-websocket-protocol": "bothways.1" });
    bad.stream.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
    // a close frame of 1002
    const [answer] = (await once(bad.stream, "data")) as [Buffer];
    expect([answer[0], answer.readUInt16BE(2)]).toEqual([0x88, 1002]);
    good.socket.ping();
    await once(good.socket, "pong");
    expect(io.stats().connections).toBe(1);
  });

  test("a session that breaks HTTP/2 ends with its streams, and no other session", async () => {
    const { io, http, errors } = await open();
    const good = await join(await openSession(urlOf(http)));
    const bad = await openSession(urlOf(http));
    await join(bad);
    expect(io.stats().connections).toBe(2);
    bad.socket?.on("error", () => {});
    const raw = new RawHttp2(http);
    raw.request(1, tunnelHeaders);
    await raw.receive(frameTypes.headers, 1);
    raw.send(frameTypes.data, 0, 0, Buffer.from("no data on stream 0"));
    await raw.receive(frameTypes.goaway, 0);
    bad.destroy(new Error("gone"), constants.NGHTTP2_PROTOCOL_ERROR);
    await vi.waitFor(() => expect(io.stats().connections).toBe(1));
    good.socket.ping();
    await once(good.socket, "pong");
    expect(errors).toEqual([]);
  });

  test("closing the server closes WebSockets, polls and sessions", async () => {
    const { io, http } = await open();
    const session = await openSession(urlOf(http));
    const { socket } = await join(session);
    const poll = ask(session, path, `${hello()}`);
    await vi.waitFor(() => expect(io.stats().sessions).toBe(2));
    const closed = once(socket, "close");
    const over = once(session, "close");
    await io.close();
    expect((await closed)[0]).toBe(4503);
    expect((await poll).status).toBe(200);
    await over;
  });
});

const tunnelHeaders = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "http",
  ":path": path,
  ":authority": "127.0.0.1",
  "sec-websocket-version": "13",
  "sec-websocket-protocol": "bothways.1",
};

describe("what Node sees to", () => {
  const without = (name: keyof typeof tunnelHeaders): Record<string, string> => {
    const { [name]: _, ...rest } = tunnelHeaders;
    return rest;
  };

  test.each<[string, Record<string, string>]>([
    ["RFC8441-4-1 no scheme", without(":scheme")],
    ["RFC8441-4-2 no path", without(":path")],
    ["RFC8441-5-4 Connection", { ...tunnelHeaders, connection: "upgrade" }],
    ["RFC8441-5-5 Upgrade", { ...tunnelHeaders, upgrade: "websocket" }],
  ])("%s: the stream is reset with PROTOCOL_ERROR, and the session goes on", async (_, headers) => {
    const { http } = await open();
    const raw = new RawHttp2(http);
    raw.request(1, headers);
    const reset = await raw.receive(frameTypes.rstStream, 1);
    expect(reset.payload.readUInt32BE()).toBe(constants.NGHTTP2_PROTOCOL_ERROR);
    raw.request(3, tunnelHeaders);
    await raw.receive(frameTypes.headers, 3);
  });

  test("RFC8441-3-1 RFC8441-3-2 the setting is 1, and never 0 after it", async () => {
    const { http } = await open();
    const raw = new RawHttp2(http);
    raw.request(1, tunnelHeaders);
    await raw.receive(frameTypes.headers, 1);
    const enableConnectProtocol = 0x8;
    const sent = raw.frames
      .filter(({ type }) => type === frameTypes.settings)
      .map((frame) => readSettings(frame).get(enableConnectProtocol))
      .filter((value) => value !== undefined);
    expect(sent.at(-1)).toBe(1);
    expect(sent).toEqual(sent.toSorted());
  });

  test("RFC8441-4-3 nothing is connected to, whatever the authority is", async () => {
    const others = createServer();
    const seen: unknown[] = [];
    others.on("connection", (socket) => seen.push(socket));
    others.listen(0, "127.0.0.1");
    await once(others, "listening");
    onTestFinished(() => void others.close());
    const { io, http } = await open();
    const session = await openSession(urlOf(http));
    await join(session, { ":authority": urlOf(others).slice("http://".length) });
    expect([io.stats().connections, seen]).toEqual([1, []]);
  });

  test("a flood of resets ends its session, and no other (CVE-2023-44487)", async () => {
    const { io, http, errors } = await open();
    const good = await join(await openSession(urlOf(http)));
    const raw = new RawHttp2(http);
    const over = once(raw.socket, "close");
    const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
    const head = encodeHeaders(tunnelHeaders);
    for (let stream = 1; stream < 6_000; stream += 2) {
      raw.socket.write(
        Buffer.concat([
          encodeFrame(frameTypes.headers, 4, stream, head),
          encodeFrame(frameTypes.rstStream, 0, stream, cancel),
        ]),
      );
    }
    await over;
    expect(raw.frames.map(({ type }) => type)).toContain(frameTypes.goaway);
    good.socket.ping();
    await once(good.socket, "pong");
    await vi.waitFor(() => expect(io.stats()).toMatchObject({ sessions: 1, openRequests: 0 }));
    expect(errors).toEqual([]);
  });
});

test.each(["/bothways/", "/ws"])(
  "a stream to %s that is reset with an error in one packet is nobody's end",
  async (at) => {
    const { io, http } = await open();
    const wss = new OurWebSocketServer({ server: http, path: "/ws" });
    onTestFinished(() => wss.close());
    const raw = new RawHttp2(http);
    const head = encodeHeaders({ ...tunnelHeaders, ":path": at });
    const reset = Buffer.from([0, 0, 0, constants.NGHTTP2_INTERNAL_ERROR]);
    raw.socket.write(
      Buffer.concat([
        encodeFrame(frameTypes.headers, 4, 1, head),
        encodeFrame(frameTypes.rstStream, 0, 1, reset),
        encodeFrame(frameTypes.headers, 4, 3, head),
      ]),
    );
    await raw.receive(frameTypes.headers, 3);
    expect([io.stats().openRequests, wss.clients?.size]).toEqual([0, at === "/ws" ? 1 : 0]);
  },
);

describe("long polling over HTTP/2", () => {
  test("what is no request of ours is refused as over HTTP/1.1", async () => {
    const { http } = await open({ maxHttpBufferSize: 10_000, connectTimeout: 1_000 });
    const session = await openSession(urlOf(http));
    expect((await ask(session, path)).status).toBe(405);
    expect((await ask(session, path, "x")).status).toBe(400);
    expect((await ask(session, path, hello(), { origin: "http://evil.example" })).status).toBe(403);
    expect((await ask(session, path, "h".repeat(20_000))).status).toBe(413);
    const slow = session.request({ ":path": path, ":method": "POST" });
    slow.write("h");
    const [late] = (await once(slow, "response")) as [IncomingHttpHeaders];
    expect(late[":status"]).toBe(408);
    slow.resume();
    slow.end();
    await once(slow, "close");
    expect(session.destroyed).toBe(false);
  });

  test("a client that resets its requests leaves nothing behind", async () => {
    const { io, http, errors } = await open({ connectTimeout: 1_000 });
    const session = await openSession(urlOf(http));
    for (let i = 0; i < 50; i++) {
      const stream = session.request({ ":path": path, ":method": "POST" });
      stream.on("error", () => {});
      if (i % 3 === 0) stream.write("h");
      if (i % 3 === 1) stream.end(hello());
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await ask(session, path);
    await vi.waitFor(() => expect(io.stats()).toMatchObject(empty));
    expect(errors).toEqual([]);
  });
});

describe("beside an application", () => {
  const page = (http: Http2Server | Http2SecureServer): void =>
    void http.on("request", (request, response) => response.end(`theirs ${request.url}`));

  test.each(["before", "after"])("request listeners added %s see theirs, and none of ours", async (order) => {
    const http = createServer();
    const seen: string[] = [];
    const listen = (): void =>
      void http.on("request", (request, response) => {
        seen.push(`${request.method} ${request.url}`);
        response.writeHead(404).end("theirs");
      });
    if (order === "before") listen();
    const { io } = await open({}, http);
    if (order === "after") listen();
    const session = await openSession(urlOf(http));
    expect(await ask(session, "/page", "x")).toMatchObject({ status: 404, body: "theirs" });
    await join(session);
    expect((await ask(session, path, hello())).status).toBe(200);
    expect(io.stats().sessions).toBe(2);
    expect(seen).toEqual(["POST /page"]);
  });

  test("an application that listens for streams only has them all, but ours", async () => {
    const http = createServer();
    const seen: unknown[] = [];
    http.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      seen.push(headers[":path"]);
      stream.respond({ ":status": 200 });
      stream.end("a stream");
    });
    await open({}, http);
    const session = await openSession(urlOf(http));
    expect((await ask(session, "/page")).body).toBe("a stream");
    await join(session);
    const other = await openTunnel(session, { ":path": "/other" });
    expect([other.status, seen]).toEqual([200, ["/page", "/other"]]);
  });

  test("a stray CONNECT is answered, where nobody else would", async () => {
    const { http } = await open();
    const session = await openSession(urlOf(http));
    expect((await openTunnel(session, { ":path": "/elsewhere" })).status).toBe(404);
    page(http);
    // Node's compatibility layer
    expect((await openTunnel(session, { ":path": "/elsewhere" })).status).toBe(405);
  });

  test("with allowHTTP1: HTTP/1.1, WebSocket and long polling too", async () => {
    const http = createSecureServer({ ...tls, allowHTTP1: true });
    page(http);
    const { io } = await open({}, http);
    const url = urlOf(http, "https");
    for (const name of ["websocket", "long-polling"]) {
      const client = connect(url, {
        forceNew: true,
        transports: [name],
        tls: { ca: certificate },
      }) as unknown as Client;
      onTestFinished(() => void client.disconnect());
      await untilConnected(client);
      expect(client.io.transport).toBe(name);
    }
    await join(await openSession(url, { ca: certificate }));
    expect(io.stats().sessions).toBe(3);
    const response = await fetchText(`${url}/page`);
    expect(response).toBe("theirs /page");
  });

  test("who listens for upgrades and may not know HTTP/2 keeps his WebSockets: browsers are not told", async () => {
    const http = createSecureServer({ ...tls, allowHTTP1: true });
    const others = new WebSocketServer({ server: http as never, path: "/ws" });
    await open({}, http);
    const session = await openSession(urlOf(http, "https"), { ca: certificate });
    await new Promise((resolve) => session.ping(resolve));
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
    expect((await ask(session, path, hello())).status).toBe(200);
    others.close();
    await untilConnectIsOffered(await openSession(urlOf(http, "https"), { ca: certificate }));
  });
});

async function fetchText(url: string): Promise<string> {
  const { get } = await import("node:https");
  const request = get(url, { ca: certificate });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return String(Buffer.concat(await response.toArray()));
}

test("one session may have only so many streams (option: maxHttp2Streams)", async () => {
  const { io, http } = await open({ maxHttp2Streams: 2 });
  const told: unknown[] = [];
  const listen = (message: unknown): void => void told.push(message);
  subscribe("bothways:limit:struck", listen);
  onTestFinished(() => void unsubscribe("bothways:limit:struck", listen));
  const session = await openSession(urlOf(http));
  const first = await join(session);
  const poll = ask(session, path, hello());
  await vi.waitFor(() => expect(io.stats().sessions).toBe(2));
  await poll;
  await join(session);
  const third = await openTunnel(session, { ":path": path, "sec-websocket-protocol": "bothways.1" });
  expect(third.status).toBe(429);
  expect((await ask(session, path, hello())).status).toBe(429);
  expect(told).toMatchObject([{ code: "BW_HTTP2_STREAMS" }, { code: "BW_HTTP2_STREAMS" }]);
  expect(new BothwaysError("BW_HTTP2_STREAMS").message).toContain("maxHttp2Streams");
  // another session has its own
  await join(await openSession(urlOf(http)));
  first.socket.close(4000);
  await resetCode(first.tunnel.stream);
  await join(session);
});
