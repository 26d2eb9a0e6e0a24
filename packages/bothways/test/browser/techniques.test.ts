/** Every technique in a real browser: each carries a conversation, and a session walks through all of them and back. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { networkNoise, useChromium } from "./chromium.ts";
import { Hall, Stage } from "./stage.ts";

const browser = useChromium();
let stage: Stage;

const streams = ["stream", "sse", "multipart", "iframe"] as const;
const names = [
  "short-polling",
  "jsonp",
  "iframe",
  "multipart",
  "sse",
  "stream",
  "long-polling",
  "websocket",
] as const;

afterEach(() => stage.close());

describe.each(names)("%s", (transport) => {
  beforeEach(async () => {
    stage = await Stage.open(browser(), { bundle: "all" });
    await stage.connect({ transports: [transport] });
  });

  test("text, bytes and answers, both ways, in order", async () => {
    expect(await stage.transport()).toBe(transport);
    expect(stage.server.socket.conn.transport.name).toBe(transport);
    const echoed = await stage.page.evaluate(async () => {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
      const [text, deep] = (await window.socket.emitWithAck("echo", "한글 \u2028</script>\0\r\n", {
        bytes,
      })) as [string, { bytes: Uint8Array }];
      return (
        text === "한글 \u2028</script>\0\r\n" && deep.bytes.every((byte, index) => byte === bytes[index])
      );
    });
    expect(echoed).toBe(true);
    expect(await stage.server.socket.emitWithAck("echo", "😀\r\n\r\n--bothways")).toEqual([
      "😀\r\n\r\n--bothways",
    ]);
    await stage.converse(300, 3);
    expect(await stage.log()).toEqual([transport, "connect"]);
  });
});

describe.each(names)("%s", (transport) => {
  test("a page of another origin: text and bytes, and not one preflight", async () => {
    stage = await Stage.open(browser(), { bundle: "all" });
    const hall = await Hall.open({ origins: [stage.url] });
    const methods: (string | undefined)[] = [];
    const count = (message: unknown): void => {
      const { request, server } = message as { request: IncomingMessage; server: unknown };
      if (server === hall.http) methods.push(request.method);
    };
    subscribe("http.server.request.start", count);
    try {
      await stage.begin({ transports: [transport] }, hall.url);
      const echoed = await stage.page.evaluate(async () => {
        const bytes = await window.socket.emitWithAck("echo", Uint8Array.of(0, 1, 255));
        return [
          ...(bytes as [Uint8Array])[0],
          ...((await window.socket.emitWithAck("echo", "한")) as [string]),
        ];
      });
      expect(echoed).toEqual([0, 1, 255, "한"]);
      // the last request of a page is one of its own kind
      await stage.page.evaluate(() => void window.socket.disconnect());
      await vi.waitFor(() => expect(hall.io.stats().sessions).toBe(0));
      // a WebSocket is no request
      expect(methods.length > 0).toBe(transport !== "websocket");
      expect(methods).not.toContain("OPTIONS");
    } finally {
      unsubscribe("http.server.request.start", count);
      await hall.close();
    }
  });
});

test("200 messages a second each way while a session walks through every technique and back", async () => {
  stage = await Stage.open(browser(), { bundle: "all", noise: /status of 409|status of 410/ });
  await stage.connect({ transports: names, upgrade: false, hedgeDelay: 10_000 });
  const walk = [...names.slice(1), ...names.toReversed().slice(1)];
  await stage.converse(2_000, 5, async () => {
    for (const name of walk) {
      await stage.page.evaluate((wanted) => window.socket.io.switchTo(wanted), name);
      await stage.page.waitForFunction((wanted) => window.socket.io.transport === wanted, name);
      const before = stage.server.heard.length;
      await expect.poll(() => stage.server.heard.length).toBeGreaterThan(before + 20);
    }
  });
  expect(await stage.log()).toEqual(["short-polling", "connect", ...walk]);
});

describe.each(streams)("%s", (transport) => {
  test("streams are short and old soon, and nobody notices (options: maxStreamBytes, maxStreamAge)", async () => {
    stage = await Stage.open(browser(), {
      bundle: "all",
      server: { maxStreamBytes: 2_000, maxStreamAge: 200 },
    });
    await stage.connect({ transports: [transport] });
    await stage.converse(400, 3);
    expect(await stage.log()).toEqual([transport, "connect"]);
  });
});

describe.each([...streams, "jsonp"])("%s", (transport) => {
  test("a cut is a resume, and nothing is lost", async () => {
    // a frame tells nothing of a cut: silence does
    const server = transport === "iframe" ? { pingInterval: 300, pingTimeout: 300 } : {};
    stage = await Stage.open(browser(), { bundle: "all", server, proxy: true, noise: networkNoise });
    await stage.connect({ transports: [transport] });
    await stage.converse(300, 5, async () => {
      for (let count = 0; count < 3; count++) {
        const before = stage.server.heard.length;
        await expect.poll(() => stage.server.heard.length).toBeGreaterThan(before + 20);
        stage.proxy.cut();
      }
    });
    const log = await stage.log();
    expect(log.filter((entry) => entry.startsWith("gap"))).toEqual([]);
    expect(stage.server.sockets).toHaveLength(1);
  });

  test("a page of another origin, with and without leave", async () => {
    stage = await Stage.open(browser(), {
      bundle: "all",
      noise: /status of 403|blocked by CORS policy|ERR_FAILED|Refused to execute script|frame/,
    });
    // what has no Origin header says which page asks, whatever that page's own policy is
    await stage.page.evaluate(() => {
      document.head.append(
        Object.assign(document.createElement("meta"), { name: "referrer", content: "no-referrer" }),
      );
    });
    const [open, shut] = await Promise.all([Hall.open({ origins: [stage.url] }), Hall.open()]);
    try {
      await stage.begin({ transports: [transport] }, open.url);
      await stage.page.waitForFunction(() => window.socket.connected);
      const answer = await stage.page.evaluate(() => window.socket.emitWithAck("echo", 1));
      expect(answer).toEqual([1]);
      await stage.page.evaluate(() => void window.socket.disconnect());
      await stage.begin({ transports: [transport] }, shut.url);
      await stage.page.waitForFunction(() => window.log.some((entry) => entry.startsWith("connect_error")));
      expect(shut.sockets).toEqual([]);
    } finally {
      await stage.page.evaluate(() => void window.socket.disconnect());
      await Promise.all([open.close(), shut.close()]);
    }
  });
});
