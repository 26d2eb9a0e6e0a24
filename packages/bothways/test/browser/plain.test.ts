/** Chromium's own EventSource and WebSocket, on pages that load nothing of ours. docs/protocol/plain.md. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type ServerOptions, type Socket } from "bothways";
import type { Page } from "playwright-core";
import { expect, onTestFinished, test, vi } from "vitest";
import { networkNoise, useChromium, watchPage } from "./chromium.ts";

const browser = useChromium();

interface Scene {
  readonly io: Server;
  readonly page: Page;
  /** Of the server; the page is of another origin where it was opened so. */
  readonly url: string;
  readonly problems: string[];
}

/** `localhost` and `127.0.0.1` are two origins. */
async function open(options: ServerOptions, pageHost = "127.0.0.1", noise?: RegExp): Promise<Scene> {
  const httpServer = createServer((_request, response) =>
    response.setHeader("content-type", "text/html").end('<!doctype html><link rel="icon" href="data:,">'),
  );
  const io = new Server(httpServer, { dialects: ["plain"], allowRoom: () => true, ...options });
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  const { port } = httpServer.address() as AddressInfo;
  const page = await browser().newPage();
  onTestFinished(async () => {
    await page.close();
    await io.close();
  });
  const problems = watchPage(page, noise);
  await page.goto(`http://${pageHost}:${port}`);
  return { io, page, url: `http://127.0.0.1:${port}/bothways/`, problems };
}

/** What the page's EventSource heard: type, data, last event id. */
function listen(page: Page, url: string, types: string[], init: EventSourceInit = {}): Promise<void> {
  return page.evaluate(
    ([url, types, init]) => {
      const heard: string[][] = [];
      const source = new EventSource(url, init);
      Object.assign(window, { heard, source });
      for (const type of types)
        source.addEventListener(type, ({ data, lastEventId }) => heard.push([type, data, lastEventId]));
    },
    [url, types, init] as const,
  );
}

function heard(page: Page): Promise<string[][]> {
  return page.evaluate(() => (window as unknown as { heard: string[][] }).heard);
}

test("an EventSource hears rooms, comes back by itself, and has missed nothing", async () => {
  const { io, page, url, problems } = await open({});
  const prices = io.of("/prices").history();
  const joined = once(prices as never, "connection");
  await listen(page, `${url}events?ns=/prices&room=AAPL`, ["tick", "gap"]);
  await joined;
  prices.to("AAPL").emit("tick", 1, "\u2028 😀");
  await vi.waitFor(async () => expect(await heard(page)).toHaveLength(1));
  prices.disconnectSockets();
  prices.to("AAPL").emit("tick", 2);
  await once(prices as never, "connection");
  prices.to("AAPL").emit("tick", 3);
  await vi.waitFor(async () => expect(await heard(page)).toHaveLength(3));
  expect((await heard(page)).map(([type, data]) => [type, JSON.parse(data ?? "")])).toEqual([
    ["tick", [1, "\u2028 😀"]],
    ["tick", [2]],
    ["tick", [3]],
  ]);
  expect(problems).toEqual([]);
});

test("CVE-2026-33128 no name and no argument forges an event or an id in a browser", async () => {
  const { io, page, url } = await open({});
  const joined = once(io as never, "connection");
  await listen(page, `${url}events`, ["forged", "message", "last"]);
  await joined;
  const names = ["a\nevent: forged\ndata: x\n\n", "a\r\rid: forged", "a\u2028event: forged", "\0"];
  for (const name of names) io.emit(name, name);
  io.emit("last");
  await vi.waitFor(async () => expect(await heard(page)).toHaveLength(names.length + 1));
  expect((await heard(page)).map(([type, , id]) => [type, id])).toEqual([
    ...names.map(() => ["message", ""]),
    ["last", ""],
  ]);
});

test("an EventSource of another origin is let in where its origin is", async () => {
  const { page, url } = await open(
    { origins: (origin) => origin.startsWith("http://localhost:") },
    "localhost",
  );
  await listen(page, `${url}events`, ["connect"], { withCredentials: true });
  await vi.waitFor(async () => expect(await heard(page)).toHaveLength(1));
});

test("neither gets in from an origin that may not", async () => {
  const { page, url, io } = await open({}, "localhost", networkNoise);
  await listen(page, `${url}events`, ["connect"]);
  await vi.waitFor(async () =>
    // a refusal is for good: it is not tried again
    expect(await page.evaluate(() => (window as unknown as { source: EventSource }).source.readyState)).toBe(
      2,
    ),
  );
  const failed = await page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url.replace("http", "ws"));
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("failed");
      }),
    url,
  );
  expect(failed).toBe("failed");
  expect(io.stats().sessions).toBe(0);
});

test("a WebSocket asks, answers and is told why it ends", async () => {
  const { io, page, url, problems } = await open({});
  const answers: unknown[] = [];
  io.of("/chat").use(({ handshake }, next) =>
    next(handshake.auth.token === "t" ? undefined : new Error("not you")),
  );
  io.of("/chat").on("connection", (socket: Socket) => {
    socket.on("add", (a, b) => a + b);
    void socket.emitWithAck("name?").then((name) => answers.push(name));
  });
  const told = await page.evaluate(
    (url) =>
      new Promise<unknown[]>((resolve) => {
        const told: unknown[] = [];
        const socket = new WebSocket(`${url.replace("http", "ws")}?ns=/chat&auth`);
        socket.onopen = () => {
          socket.send(JSON.stringify({ auth: { token: "t" } }));
          socket.send(JSON.stringify({ event: "add", args: [1, 2], id: 1 }));
        };
        socket.onmessage = ({ data }) => {
          const message = JSON.parse(data);
          told.push(message.event ?? message);
          if (message.event === "name?") socket.send(JSON.stringify({ id: message.id, ack: ["ada"] }));
          if (message.ack) socket.send(new Uint8Array([1]));
        };
        socket.onclose = ({ code, reason }) => resolve([...told, code, reason]);
      }),
    url,
  );
  expect(told).toEqual(["connect", "name?", { id: 1, ack: [3] }, 4415, "a plain client says text only"]);
  expect(answers).toEqual(["ada"]);
  expect(problems).toEqual([]);
});
