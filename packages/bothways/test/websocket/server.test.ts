/** The server: what it takes and refuses, who judges, how several share one HTTP server, how it closes. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "../../src/websocket/index.ts";
import type { ServerOptions } from "../../src/websocket/options.ts";
import { acceptOfKey, closed, open, portOf, RawClient, serve, upgradeHead, urlOf } from "./rig.ts";

async function httpServer(): Promise<Server> {
  const server = createServer((_, response) => response.end("page")).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  return server;
}

/** The status line and the body of what a raw client is answered. */
async function answer(
  server: { address: Server["address"] },
  head: string,
): Promise<[status: number, body: string]> {
  const text = await new RawClient(portOf(server), head).ended();
  return [Number(text.slice(9, 12)), text.slice(text.indexOf("\r\n\r\n") + 4)];
}

describe("options", () => {
  const wrong: readonly (readonly [string, ServerOptions])[] = [
    ["none of port, server, noServer", {}],
    ["two of them", { port: 0, noServer: true }],
    ["all of them", { port: 0, noServer: true, server: createServer() }],
    ["the application of a framework", { server: Object.assign(() => {}, { on() {} }) as never }],
    ["a limit that is no number", { noServer: true, maxPayload: "1" as never }],
    ["a negative limit", { noServer: true, maxFragments: -1 }],
  ];
  test.each(wrong)("%s: a TypeError", (_, options) => {
    expect(() => new WebSocketServer(options)).toThrow(TypeError);
  });

  test("nothing at all: a TypeError that names what there has to be", () => {
    expect(() => new WebSocketServer()).toThrow('One and only one of the "port", "server"');
  });

  test("what ws has and does nothing here is taken", () => {
    const options = {
      noServer: true,
      allowSynchronousEvents: false,
      skipUTF8Validation: true,
      perMessageDeflate: false as const,
    };
    const server = new WebSocketServer(options);
    expect([server.options, server.clients?.size]).toEqual([options, 0]);
    expect(() => server.address()).toThrow('The server is operating in "noServer" mode');
  });

  test("port, host, backlog, callback, listening, address", async () => {
    const listening = await new Promise<WebSocketServer>((resolve) => {
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1", backlog: 5 }, () => resolve(server));
    });
    expect(listening.address()).toMatchObject({ address: "127.0.0.1", port: expect.any(Number) });
    listening.close();
    expect(await once(listening, "close")).toEqual([]);
    expect(listening.address()).toBe(null);
  });

  test("a port in use is an error of the server", async () => {
    const first = await serve();
    const second = new WebSocketServer({ port: portOf(first), host: "127.0.0.1" });
    expect((await once(second, "error"))[0]).toMatchObject({ code: "EADDRINUSE" });
  });

  test("clientTracking false: no clients are kept", async () => {
    const wss = await serve({ clientTracking: false });
    const client = open(urlOf(wss));
    const [server] = (await once(wss, "connection")) as [WebSocket];
    expect(wss.clients).toBe(undefined);
    server.terminate();
    await closed(client);
  });

  test("the class of the sockets", async () => {
    class Named extends WebSocket {
      readonly label = "mine";
    }
    const wss = await serve({ WebSocket: Named });
    open(urlOf(wss));
    const [server] = (await once(wss, "connection")) as [Named];
    expect([server instanceof Named, server.label]).toEqual([true, "mine"]);
  });
});

describe("the answer to an upgrade", () => {
  test("101, the key answered, the first subprotocol, lines of the application", async () => {
    const wss = await serve();
    wss.on("headers", (headers, request) => headers.push(`X-Path: ${request.url}`, "Set-Cookie: é=1"));
    const client = new RawClient(
      portOf(wss),
      upgradeHead({ "Sec-WebSocket-Protocol": "two, one" }, "/a?b=c"),
    );
    expect((await client.receive(/\r\n\r\n/)).split("\r\n")).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${acceptOfKey}`,
      "Sec-WebSocket-Protocol: two",
      "X-Path: /a?b=c",
      "Set-Cookie: é=1",
      "",
      "",
    ]);
  });

  test.each([
    ["the application's choice", () => "b", "b"],
    ["none", () => false as const, undefined],
  ])("handleProtocols: %s", async (_, handleProtocols, expected) => {
    const wss = await serve({ handleProtocols });
    const client = new RawClient(portOf(wss), upgradeHead({ "Sec-WebSocket-Protocol": "a, b" }));
    const text = await client.receive(/\r\n\r\n/);
    expect(/Sec-WebSocket-Protocol: (.*)\r\n/.exec(text)?.[1]).toBe(expected);
    expect([...(wss.clients ?? [])].map(({ protocol }) => protocol)).toEqual([expected ?? ""]);
  });

  test("a line break in what the application adds is refused, and heard of", async () => {
    const wss = await serve({ noServer: true });
    const http = await httpServer();
    wss.on("headers", (headers) => headers.push("X: 1\r\nInjected: 2"));
    const thrown = new Promise((resolve) => {
      http.on("upgrade", (request, socket, head) => {
        try {
          wss.handleUpgrade(request, socket, head, () => expect.unreachable());
        } catch (error) {
          resolve(error);
        }
      });
    });
    expect((await answer(http, upgradeHead()))[0]).toBe(500);
    expect(await thrown).toBeInstanceOf(TypeError);
  });

  const invalid: readonly (readonly [string, Readonly<Record<string, string | undefined>>, number])[] = [
    ["no key", { "Sec-WebSocket-Key": undefined }, 400],
    ["a short key", { "Sec-WebSocket-Key": "abc" }, 400],
    ["another version", { "Sec-WebSocket-Version": "8" }, 426],
    ["no version", { "Sec-WebSocket-Version": undefined }, 426],
    ["another upgrade", { Upgrade: "h2c" }, 400],
    ["invalid subprotocols", { "Sec-WebSocket-Protocol": "a,,b" }, 400],
    ["a body", { "Content-Length": "5" }, 400],
    ["no host", { Host: undefined }, 400],
  ];
  test.each(invalid)("%s: refused", async (_, lines, status) => {
    const wss = await serve();
    wss.on("connection", () => expect.unreachable());
    expect((await answer(wss, upgradeHead(lines)))[0]).toBe(status);
  });

  test("bytes before the answer are refused: they could be a smuggled request", async () => {
    const wss = await serve();
    expect((await answer(wss, `${upgradeHead()}GET / HTTP/1.1\r\n`))[0]).toBe(400);
  });

  test("wsClientError hands an invalid request to the application", async () => {
    const wss = await serve();
    wss.on("wsClientError", (error, socket, request) => {
      socket.end(`HTTP/1.1 418 ${(error as { code?: string }).code}\r\n\r\n${request.url}`);
    });
    const text = await new RawClient(portOf(wss), upgradeHead({ "Sec-WebSocket-Key": "x" }, "/tea")).ended();
    expect(text).toBe("HTTP/1.1 418 BW_WS_HANDSHAKE\r\n\r\n/tea");
  });

  test("wsClientError is not told of what asks for another path", async () => {
    const wss = await serve({ path: "/mine" });
    wss.on("wsClientError", () => expect.unreachable());
    expect((await answer(wss, upgradeHead({ "Sec-WebSocket-Key": "x" }, "/other")))[0]).toBe(400);
  });

  test("what is no upgrade is told 426", async () => {
    const response = await fetch(urlOf(await serve()).replace("ws:", "http:"));
    expect([response.status, response.headers.get("upgrade"), await response.text()]).toEqual([
      426,
      "websocket",
      "Upgrade Required",
    ]);
  });
});

describe("verifyClient", () => {
  test("at once: origin, secure and the request", async () => {
    const infos: unknown[] = [];
    const wss = await serve({
      verifyClient: ({ origin, secure, req }) => {
        infos.push([origin, secure, req.url]);
        return origin === "http://good";
      },
    });
    open(urlOf(wss, "/a"), { origin: "http://good" });
    await once(wss, "connection");
    expect(await answer(wss, upgradeHead({ Origin: "http://bad" }))).toEqual([401, "Unauthorized"]);
    expect(infos).toEqual([
      ["http://good", false, "/a"],
      ["http://bad", false, "/"],
    ]);
  });

  test("later, with a status, a text and headers", async () => {
    const wss = await serve({
      verifyClient: (_, callback) =>
        setImmediate(callback, false, 302, "elsewhere", { Location: "/there", "X-N": 1 }),
    });
    const text = await new RawClient(portOf(wss)).ended();
    expect(text).toMatch(/^HTTP\/1.1 302 Found\r\n[\s\S]*Location: \/there\r\nX-N: 1\r\n\r\nelsewhere$/);
  });

  test("what throws, or gives a promise where a verdict is due, lets nobody in", async () => {
    const http = await httpServer();
    const judges: readonly ((info: unknown) => unknown)[] = [
      () => {
        throw new Error("mine");
      },
      async () => true,
    ];
    for (const [i, verifyClient] of judges.entries()) {
      const wss = new WebSocketServer({ noServer: true, verifyClient });
      http.removeAllListeners("upgrade").on("upgrade", (request, socket, head) => {
        const upgrade = (): void => wss.handleUpgrade(request, socket, head, () => expect.unreachable());
        if (i === 0) expect(upgrade).toThrow("mine");
        else upgrade();
      });
      expect((await answer(http, upgradeHead()))[0]).toBe(i === 0 ? 500 : 401);
    }
  });

  test("only its first answer counts", async () => {
    const wss = await serve({
      verifyClient: (_, callback) => {
        callback(true);
        callback(false, 500);
      },
    });
    const client = open(urlOf(wss));
    await once(client, "open");
    expect(wss.clients?.size).toBe(1);
  });
});

describe("one HTTP server", () => {
  test("noServer: the application routes, as with Express", async () => {
    const http = await httpServer();
    const [one, two] = [new WebSocketServer({ noServer: true }), new WebSocketServer({ noServer: true })];
    const servers: Readonly<Record<string, WebSocketServer | undefined>> = { "/one": one, "/two": two };
    http.on("upgrade", async (request, socket, head) => {
      await Promise.resolve();
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      const server = servers[pathname];
      if (server === undefined) return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
      server.handleUpgrade(request, socket, head, (ws) => server.emit("connection", ws, request));
    });
    const greet = (name: string) => (ws: WebSocket, request: IncomingMessage) =>
      ws.send(`${name} ${request.url}`);
    one.on("connection", greet("one"));
    two.on("connection", greet("two"));
    const texts = ["/one", "/two?q"].map((path) => once(open(urlOf(http, path)), "message"));
    expect((await Promise.all(texts)).map(([data]) => String(data))).toEqual(["one /one", "two /two?q"]);
    expect((await answer(http, upgradeHead({}, "/three")))[0]).toBe(404);
    expect(await (await fetch(urlOf(http).replace("ws:", "http:"))).text()).toBe("page");
  });

  test("several servers with paths of their own share it, and leave it one by one", async () => {
    const http = await httpServer();
    const [one, two] = [
      await serve({ server: http, path: "/one" }),
      await serve({ server: http, path: "/two" }),
    ];
    one.on("connection", (ws) => ws.send("one"));
    two.on("connection", (ws) => ws.send("two"));
    for (const name of ["one", "two"]) {
      expect(String((await once(open(urlOf(http, `/${name}?q`)), "message"))[0])).toBe(name);
    }
    expect((await answer(http, upgradeHead({}, "/one/deeper")))[0]).toBe(400);
    for (const client of one.clients ?? []) client.terminate();
    one.close();
    await once(one, "close");
    expect((await answer(http, upgradeHead({}, "/one")))[0]).toBe(400);
    expect(String((await once(open(urlOf(http, "/two")), "message"))[0])).toBe("two");
    expect(http.listening).toBe(true);
  });

  test("paths of nobody are left to the application's own upgrade listener", async () => {
    const http = await httpServer();
    await serve({ server: http, path: "/ours" });
    http.on("upgrade", (request, socket) => {
      if (request.url === "/theirs") socket.end("HTTP/1.1 200 OK\r\n\r\ntheirs");
    });
    expect(await answer(http, upgradeHead({}, "/theirs"))).toEqual([200, "theirs"]);
    open(urlOf(http, "/ours"));
  });

  test("shouldHandle may be overridden", async () => {
    class Picky extends WebSocketServer {
      override shouldHandle(request: IncomingMessage): boolean {
        return request.headers["x-pass"] === "yes";
      }
    }
    const http = await httpServer();
    const server = new Picky({ server: http });
    onTestFinished(() => server.close());
    expect((await answer(http, upgradeHead()))[0]).toBe(400);
    const client = new RawClient(portOf(http), upgradeHead({ "X-Pass": "yes" }));
    expect(await client.receive(/\r\n\r\n/)).toMatch(/ 101 /);
  });

  test("a socket is upgraded once", async () => {
    const http = await httpServer();
    const wss = new WebSocketServer({ noServer: true });
    const errors = new Promise((resolve) => {
      http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        wss.handleUpgrade(request, socket, head, () => {});
        try {
          wss.handleUpgrade(request, socket, head, () => {});
        } catch (error) {
          resolve(error);
        }
      });
    });
    open(urlOf(http));
    expect(await errors).toMatchObject({ message: expect.stringContaining("more than once") });
  });

  test("its listening and error events are the server's too", () => {
    const http = createServer();
    const server = new WebSocketServer({ server: http });
    const seen: unknown[] = [];
    server.on("listening", () => seen.push("listening"));
    server.on("error", (error) => seen.push(error.message));
    http.emit("listening");
    http.emit("error", new Error("broken"));
    expect(seen).toEqual(["listening", "broken"]);
  });
});

describe("close", () => {
  test("comes when the last connection has closed; no new one is taken", async () => {
    const wss = await serve();
    const client = open(urlOf(wss));
    const [[server]] = (await Promise.all([once(wss, "connection"), once(client, "open")])) as [
      [WebSocket],
      unknown,
    ];
    const url = urlOf(wss);
    const seen: string[] = [];
    const done = new Promise<void>((resolve) => {
      wss.close((error) => {
        seen.push(`closed ${error}`);
        resolve();
      });
    });
    server.on("close", () => seen.push("connection closed"));
    const late = open(url);
    expect((await closed(late))[0]).toBe(1006);
    server.close();
    await done;
    expect(seen).toEqual(["connection closed", "closed undefined"]);
    const again = await new Promise((resolve) => wss.close(resolve));
    expect(again).toMatchObject({ message: "The server is not running" });
  });

  test("with the application's HTTP server it comes with the last client, or at once without tracking", async () => {
    const http = await httpServer();
    const tracking = await serve({ server: http, path: "/a" });
    const blind = await serve({ server: http, path: "/b", clientTracking: false });
    const clients = [open(urlOf(http, "/a")), open(urlOf(http, "/b"))];
    await Promise.all(clients.map((client) => once(client, "open")));
    blind.close();
    await once(blind, "close");
    const seen: string[] = [];
    tracking.on("close", () => seen.push("server"));
    clients[0]?.on("close", () => seen.push("client"));
    tracking.close();
    await new Promise(setImmediate);
    expect(seen).toEqual([]);
    const end = once(tracking, "close");
    clients[0]?.terminate();
    await end;
    expect(seen).toContain("server");
  });

  test("who is being judged meanwhile gets 503", async () => {
    const decisions: ((isAccepted: boolean) => void)[] = [];
    const http = await httpServer();
    const wss = await serve({ server: http, verifyClient: (_, callback) => void decisions.push(callback) });
    const client = new RawClient(portOf(http));
    while (decisions.length === 0) await new Promise(setImmediate);
    wss.close();
    decisions[0]?.(true);
    expect(await client.ended()).toMatch(/^HTTP\/1.1 503 /);
  });
});
