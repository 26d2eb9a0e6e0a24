/** The client's opening: addresses, what it asks, what answers it accepts, redirects, TLS, agents. */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseAddress } from "../../src/websocket/address.ts";
import { WebSocket, type WebSocketServer } from "../../src/websocket/index.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { closed, implementations, open, portOf, serve, urlOf } from "./rig.ts";

function errorOf(socket: WebSocket): Promise<Error & { code?: string }> {
  return new Promise((resolve) => socket.once("error", resolve));
}

/** An HTTP server that answers upgrades and all else as `answer` says, and the requests it got. */
async function answering(
  answer: (request: IncomingMessage, socket: Socket) => void,
): Promise<[url: string, requests: IncomingMessage[]]> {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer().listen(0, "127.0.0.1");
  server.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    requests.push(request);
    answer(request, socket as Socket);
  });
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return [urlOf(server), requests];
}

describe("addresses", () => {
  test.each([
    ["ws://host", "ws://host/", "host", 80, "/"],
    ["WSS://HOST:443/a?b", "wss://host/a?b", "host", 443, "/a?b"],
    ["http://host:8080/x", "ws://host:8080/x", "host", 8080, "/x"],
    ["https://host", "wss://host/", "host", 443, "/"],
    ["ws://[::1]:3000/", "ws://[::1]:3000/", "::1", 3000, "/"],
    ["ws+unix:/tmp/a.sock", "ws+unix:/tmp/a.sock", "", 80, "/"],
    ["ws+unix:/tmp/a.sock:/path?q", "ws+unix:/tmp/a.sock:/path?q", "", 80, "/path?q"],
  ])("%s", (address, url, hostname, port, path) => {
    expect(parseAddress(address)).toMatchObject({ url, hostname, port, path });
  });

  test.each([
    ["", "Invalid URL"],
    ["//host", "Invalid URL"],
    ["mailto:a@b", "protocol"],
    ["ws://host/#", "fragment"],
    ["wss://host/a#b", "fragment"],
    ["ws+unix:", "pathname"],
  ])("%o is none", (address, message) => {
    expect(() => new WebSocket(address)).toThrow(
      expect.objectContaining({ name: "SyntaxError", message: expect.stringContaining(message) }),
    );
  });

  test("a URL object, http: and its url, before and after", async () => {
    const wss = await serve();
    const socket = open(urlOf(wss, "/a?b=c").replace("ws:", "http:"));
    expect([socket.url, socket.readyState]).toEqual([urlOf(wss, "/a?b=c"), 0]);
    const [, request] = await once(wss, "connection");
    expect(request.url).toBe("/a?b=c");
    await once(new WebSocket(new URL(urlOf(wss))), "open");
  });

  test("a Unix socket", async () => {
    const path = join(tmpdir(), `bothways-${process.pid}.sock`);
    const http = createServer().listen(path);
    await once(http, "listening");
    onTestFinished(() => void http.close());
    const wss = await serve({ server: http });
    const socket = open(`ws+unix:${path}:/deep`);
    const [, request] = await once(wss, "connection");
    expect(request.url).toBe("/deep");
    expect(socket.url).toBe(`ws+unix:${path}:/deep`);
  });
});

describe("the request", () => {
  test("headers, origin, subprotocols, user and password of the URL", async () => {
    const wss = await serve({ handleProtocols: () => "b" });
    const url = urlOf(wss).replace("//", "//user:p%40ss@");
    const socket = new WebSocket(url, ["a", "b"], { headers: { "X-One": "1" }, origin: "http://here" });
    const [, request] = await once(wss, "connection");
    expect(request.headers).toMatchObject({
      "x-one": "1",
      origin: "http://here",
      "sec-websocket-version": "13",
      authorization: `Basic ${Buffer.from("user:p@ss").toString("base64")}`,
    });
    await once(socket, "open");
    expect([socket.protocol, socket.extensions]).toEqual(["b", ""]);
  });

  test("nothing of the application replaces the handshake's own headers", async () => {
    const wss = await serve();
    await once(
      open(urlOf(wss), { headers: { "sec-websocket-key": "x", Upgrade: "y", Connection: "close" } }),
      "open",
    );
  });

  test("finishRequest sends it", async () => {
    const wss = await serve();
    const socket = new WebSocket(urlOf(wss), {
      finishRequest: (request, websocket) => {
        expect(websocket).toBeInstanceOf(WebSocket);
        setImmediate(() => request.setHeader("X-Late", "1").end());
      },
    });
    const [, request] = await once(wss, "connection");
    expect(request.headers["x-late"]).toBe("1");
    socket.terminate();
  });

  test("an agent or a connection of the application's is used", async () => {
    const wss = await serve();
    let made = 0;
    class Counting extends Agent {
      override createConnection(
        ...args: Parameters<Agent["createConnection"]>
      ): ReturnType<Agent["createConnection"]> {
        made++;
        return super.createConnection(...args);
      }
    }
    await once(open(urlOf(wss), { agent: new Counting() }), "open");
    const createConnection = (): Socket => {
      made++;
      return connect(portOf(wss), "127.0.0.1");
    };
    await once(open("ws://unreachable.invalid/", { createConnection }), "open");
    expect(made).toBe(2);
  });

  test("no protocol version but 13", () => {
    expect(() => new WebSocket("ws://host", { protocolVersion: 8 })).toThrow(RangeError);
  });
});

describe("the answer", () => {
  test("`upgrade` comes before `open`, with its head", async () => {
    const wss = await serve();
    wss.on("headers", (headers) => headers.push("X-Answer: 42"));
    const socket = open(urlOf(wss));
    const seen: unknown[] = [];
    socket.on("upgrade", (response) => seen.push([response.headers["x-answer"], socket.readyState]));
    socket.on("open", () => seen.push(socket.readyState));
    await once(socket, "open");
    expect(seen).toEqual([["42", 0], 1]);
  });

  test("messages that come with it are given after `open`", async () => {
    const wss = await serve();
    wss.on("connection", (ws) => {
      ws.send("first");
      ws.close(1000);
    });
    const socket = open(urlOf(wss));
    const seen: string[] = [];
    socket.on("open", () => seen.push("open"));
    socket.on("message", (data) => seen.push(String(data)));
    await closed(socket);
    expect(seen).toEqual(["open", "first"]);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["no accept", "Upgrade: websocket\r\nConnection: Upgrade\r\n"],
    [
      "a subprotocol nobody asked for",
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: x\r\nSec-WebSocket-Accept: ACCEPT\r\n",
    ],
    [
      "an extension nobody asked for",
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: ACCEPT\r\n",
    ],
    ["another upgrade", "Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n"],
  ];
  test.each(wrong)("%s: an error, then close with 1006", async (_, lines) => {
    const [url] = await answering((request, socket) => {
      const accept = String(request.headers["sec-websocket-key"]);
      import("../../src/wire/websocket/handshake-key.ts").then(async ({ acceptKey }) => {
        const { nodePrimitives } = await import("../../src/platform/node.ts");
        socket.write(`HTTP/1.1 101 \r\n${lines.replace("ACCEPT", acceptKey(accept, nodePrimitives))}\r\n`);
      });
    });
    const socket = open(url);
    const [error, end] = await Promise.all([errorOf(socket), closed(socket)]);
    expect([error.code, end]).toEqual(["BW_WS_ACCEPT", [1006, ""]]);
  });

  test("asked for a subprotocol and given none: an error, as in browsers", async () => {
    const wss = await serve({ handleProtocols: () => false });
    const socket = new WebSocket(urlOf(wss), "mine");
    expect((await errorOf(socket)).message).toContain("no subprotocol was chosen");
  });

  test("another status: an error with it", async () => {
    const [url] = await answering((_, socket) =>
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    );
    const error = await errorOf(open(url));
    expect([error.code, error.message]).toEqual([
      "BW_WS_HANDSHAKE",
      expect.stringContaining("Unexpected server response: 403"),
    ]);
  });

  test("`unexpected-response` gives it to the application, which then closes", async () => {
    const [url] = await answering((_, socket) =>
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nlogin"),
    );
    const socket = open(url);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    let body = "";
    for await (const part of response) body += part;
    expect([response.statusCode, body, socket.readyState]).toEqual([401, "login", 0]);
    const end = Promise.all([errorOf(socket), closed(socket)]);
    socket.terminate();
    expect((await end)[0].code).toBe("BW_WS_ABORTED");
  });

  test("closed by a listener of `upgrade` or `redirect` it never opens", async () => {
    const wss = await serve();
    const socket = open(urlOf(wss));
    socket.on("open", () => expect.unreachable());
    socket.on("upgrade", () => socket.close());
    expect((await closed(socket))[0]).toBe(1006);
  });
});

describe("redirects", () => {
  const redirecting = (to: () => string, status = 302): ReturnType<typeof answering> =>
    answering((_, socket) =>
      socket.end(`HTTP/1.1 ${status} \r\nLocation: ${to()}\r\nContent-Length: 0\r\n\r\n`),
    );

  test("are not followed unless asked", async () => {
    const [url] = await redirecting(() => "/");
    expect((await errorOf(open(url))).message).toContain("Unexpected server response: 302");
  });

  test.each([301, 302, 303, 307, 308])(
    "a %i to another server leaves the credentials behind",
    async (status) => {
      const wss = await serve();
      const [url, asked] = await redirecting(() => urlOf(wss, "/there"), status);
      const socket = open(url.replace("//", "//user:secret@"), {
        followRedirects: true,
        headers: { Cookie: "a=b", authorization: "Bearer x", "X-Kept": "1" },
      });
      const redirects: unknown[] = [];
      socket.on("redirect", (to, request) => {
        redirects.push(to);
        request.setHeader("X-Added", "2");
      });
      const [, request] = (await once(wss, "connection")) as [unknown, IncomingMessage];
      expect([redirects, socket.url]).toEqual([[urlOf(wss, "/there")], urlOf(wss, "/there")]);
      expect(asked[0]?.headers).toMatchObject({ cookie: "a=b" });
      expect(request.headers).toMatchObject({ "x-kept": "1", "x-added": "2", host: urlOf(wss).slice(5, -1) });
      expect([request.headers.cookie, request.headers.authorization]).toEqual([undefined, undefined]);
    },
  );

  test.each([300, 304, 305])("a %i is none", async (status) => {
    const [url] = await redirecting(() => "/", status);
    const error = await errorOf(open(url, { followRedirects: true }));
    expect(error.message).toContain(`Unexpected server response: ${status}`);
  });

  test("on the same server they are kept", async () => {
    let port = 0;
    const wss = await serve({
      verifyClient: ({ req }, callback) => {
        if (req.url === "/") callback(false, 302, "", { Location: `ws://127.0.0.1:${port}/in` });
        else callback(true);
      },
    });
    port = portOf(wss);
    open(urlOf(wss).replace("//", "//user:secret@"), { followRedirects: true, headers: { Cookie: "a=b" } });
    const [, request] = (await once(wss, "connection")) as [unknown, IncomingMessage];
    expect([request.headers.cookie, request.headers.authorization]).toEqual([
      "a=b",
      expect.stringContaining("Basic "),
    ]);
  });

  test.each([
    ["too many", "/again", "Maximum redirects exceeded"],
    ["to no address", "mailto:a@b", "invalid"],
    ["to a file", "ws+unix:/etc/passwd", "away from the network"],
  ])("%s: an error", async (_, location, message) => {
    const [url] = await redirecting(() => location);
    const error = await errorOf(open(url, { followRedirects: true, maxRedirects: 2 }));
    expect([error.code, error.message]).toEqual(["BW_WS_REDIRECT", expect.stringContaining(message)]);
  });
});

describe("TLS", () => {
  async function secure(): Promise<[url: string, wss: WebSocketServer, ca: string]> {
    const https = createSecureServer({ key: privateKey, cert: certificate }).listen(0, "127.0.0.1");
    await once(https, "listening");
    onTestFinished(() => void https.close());
    const wss = await serve({ server: https });
    return [`wss://localhost:${portOf(https)}/`, wss, certificate];
  }

  test.each(["ours", "ws"] as const)("a client of %s is served", async (name) => {
    const [url, wss, ca] = await secure();
    wss.on("connection", (ws) => ws.on("message", (data) => ws.send(`${data}!`)));
    const socket = new implementations[name].WebSocket(url, { ca });
    onTestFinished(() => socket.terminate());
    await once(socket, "open");
    socket.send("x".repeat(200_000));
    expect(String((await once(socket, "message"))[0])).toHaveLength(200_001);
  });

  test("a certificate that is not trusted, or of another host, is an error", async () => {
    const [url, , ca] = await secure();
    expect((await errorOf(open(url))).code).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    const other = await errorOf(open(url, { ca, servername: "other.example" }));
    expect(other.code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  });
});

test("a server that says nothing sensible never throws out of the client", async () => {
  const junk = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.end(Buffer.alloc(1_000, 0xff));
  }).listen(0, "127.0.0.1");
  await once(junk, "listening");
  onTestFinished(() => void junk.close());
  const socket = open(`ws://127.0.0.1:${portOf(junk)}`);
  expect((await closed(socket))[0]).toBe(1006);
});
