/**
 * Chromium over HTTP/1.1, TLS and HTTP/2, to both servers. It opens a WebSocket over HTTP/2 only where it has an HTTP/2
 * session already, here that of the page; the servers tell which it was.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findChromium } from "../../../../scripts/chromium.ts";
import { Server, type Socket } from "../../src/server/index.ts";
import { WebSocketServer } from "../../src/websocket/index.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { args, watchPage } from "./chromium.ts";

const tls = { cert: certificate, key: privateKey };
const files: Record<string, string> = {
  "/page.js": readFileSync(new URL("page.js", import.meta.url), "utf8"),
  "/bundle.js": readFileSync(new URL("../../dist/size/default.js", import.meta.url), "utf8"),
};
const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`;

/** The application: any listener for requests, as Express is one. */
const app: RequestListener = (request, response) => {
  const script = files[request.url ?? ""];
  response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
  response.end(script ?? html);
};

const connections = [
  { name: "HTTP/1.1", scheme: "http", version: "1.1", carrier: "Socket", create: () => createServer(app) },
  {
    name: "TLS",
    scheme: "https",
    version: "1.1",
    carrier: "TLSSocket",
    create: () => createTlsServer(tls, app),
  },
  {
    name: "HTTP/2",
    scheme: "https",
    version: "2.0",
    carrier: "ServerHttp2Stream",
    create: () => createSecureServer({ ...tls, allowHTTP1: true }, app as never),
  },
] as const;

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...args, "--ignore-certificate-errors"],
  });
});
afterAll(() => browser?.close());

describe.each(connections)("over $name", ({ scheme, version, carrier, create }) => {
  let io: Server;
  let wss: WebSocketServer;
  let context: BrowserContext;
  let page: Page;
  let problems: string[];
  let url: string;
  const heard: number[] = [];
  const sockets: Socket[] = [];
  const seen: string[] = [];

  beforeAll(async () => {
    const http = create();
    const authenticate = (request: IncomingMessage): void =>
      void seen.push(`${request.method} ${request.httpVersion}`);
    io = new Server(http, { authenticate });
    io.on("connection", (socket) => {
      sockets.push(socket);
      socket.on("up", (number: number) => void heard.push(number));
      socket.on("echo", (...values: unknown[]) => values.slice(0, -1));
    });
    wss = new WebSocketServer({ server: http, path: "/ws" });
    wss.on("connection", (socket, request) => {
      const { ":scheme": pseudo = scheme } = request.headers;
      seen.push(`${pseudo} ${request.method} ${request.httpVersion} ${socket._socket?.constructor.name}`);
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    url = `${scheme}://127.0.0.1:${(http.address() as AddressInfo).port}`;
    context = await browser.newContext({ ignoreHTTPSErrors: true });
    page = await context.newPage();
    problems = watchPage(page, /status of 409/);
    await page.goto(url);
    await page.waitForFunction(() => window.begin !== undefined);
  });

  afterAll(async () => {
    await context?.close();
    wss.close();
    await io.close();
    expect(problems).toEqual([]);
  });

  const isConnect = version === "2.0";

  test("the native server, by WebSocket", async () => {
    await join("websocket");
    expect(await page.evaluate(() => window.socket.io.transport)).toBe("websocket");
    expect(seen.splice(0)).toEqual([isConnect ? "CONNECT 2.0" : "GET 1.1"]);
    const text = "소식 ".repeat(30_000);
    expect(await page.evaluate((given) => window.socket.emitWithAck("echo", given), text)).toEqual([text]);
    await converse(200);
    await page.evaluate(() => void window.socket.disconnect());
  });

  test("the native server, by long polling", async () => {
    await join("long-polling");
    expect(await page.evaluate(() => window.socket.io.transport)).toBe("long-polling");
    expect(seen.splice(0)).toEqual([`POST ${version}`]);
    await converse(200);
    await page.evaluate(() => void window.socket.disconnect());
  });

  test(isConnect ? "eight streams at once" : "no more than six streams at once", async () => {
    const countConnected = (): Promise<number> =>
      page.evaluate(() => window.log.filter((entry) => entry === "connect").length);
    const isServed = (): Promise<boolean> =>
      page.evaluate(() =>
        fetch("/", { signal: AbortSignal.timeout(500) }).then(
          () => true,
          () => false,
        ),
      );
    await page.evaluate(() => {
      window.log = [];
      for (let count = 0; count < 8; count++) window.begin("/", { transports: ["stream"], forceNew: true });
    });
    if (isConnect) await expect.poll(countConnected).toBe(8);
    // the browser keeps back what would be the seventh
    await expect.poll(isServed).toBe(isConnect);
    if (!isConnect) expect(await countConnected()).toBeLessThanOrEqual(6);
    // the streams keep back a page of this origin, too, and end with their own
    await page.goto("about:blank");
    await page.goto(url);
    await page.waitForFunction(() => window.begin !== undefined);
    seen.splice(0);
  });

  test("RFC8441-5-1 RFC8441-5-3 bothways/websocket", async () => {
    const echoes = await page.evaluate(
      () =>
        new Promise<unknown[]>((resolve, reject) => {
          const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`);
          const got: unknown[] = [];
          socket.onerror = reject;
          socket.onopen = () => {
            socket.send("hello");
            socket.send("x".repeat(300_000));
          };
          socket.onmessage = ({ data }) => {
            got.push(String(data).length);
            if (got.length === 2) socket.close(4000, "done");
          };
          socket.onclose = ({ code, wasClean }) => resolve([...got, code, wasClean]);
        }),
    );
    expect(echoes).toEqual([5, 300_000, 4000, true]);
    expect(seen.splice(0)).toEqual([`${scheme} ${isConnect ? "CONNECT 2.0" : "GET 1.1"} ${carrier}`]);
  });

  /** Both sides know it: the server only when the page has shown that it was welcomed. */
  async function join(transport: string): Promise<void> {
    const before = sockets.length;
    await page.evaluate((name) => window.begin("/", { transports: [name], forceNew: true }), transport);
    await page.waitForFunction(() => window.socket.connected);
    await expect.poll(() => sockets.length).toBeGreaterThan(before);
  }

  /** Both sides send so many messages, and hear all of the other's, in order. */
  async function converse(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    heard.splice(0);
    await page.evaluate(() => void window.heard.splice(0));
    for (const number of numbers) sockets.at(-1)?.emit("down", number);
    await page.evaluate((many) => window.talk(many, 1), count);
    await vi.waitFor(() => expect(heard).toEqual(numbers));
    await page.waitForFunction((many) => window.heard.length >= many, count);
    expect(await page.evaluate(() => window.heard)).toEqual(numbers);
  }
});
