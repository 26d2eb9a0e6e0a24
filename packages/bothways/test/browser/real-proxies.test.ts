/** Pages behind nginx and HAProxy, as they come and as the guide sets them up. */
import { afterEach, expect, test } from "vitest";
import { networkNoise, useChromium } from "./chromium.ts";
import { Stage, type StageOptions } from "./stage.ts";

const browser = useChromium();
let stage: Stage;

async function open(options: StageOptions): Promise<Stage> {
  stage = await Stage.open(browser(), options);
  return stage;
}

afterEach(() => stage.close());

const messages = 1_000;

test.each(["nginx", "nginx with HTTP/2", "haproxy"] as const)(
  "%s as in the guide: a WebSocket",
  async (front) => {
    await open({ front, server: { trustProxy: 1 } });
    // nothing is tried beside it, however slow it is to open
    await stage.connect({ hedgeDelay: 10_000 });
    await stage.converse(messages, 1);
    const { transport, attempts } = await stage.page.evaluate(() => window.socket.report());
    expect(transport).toBe("websocket");
    expect(attempts).toMatchObject([{ transport: "websocket", outcome: "open" }]);
    const loaded = await stage.page.evaluate(() => {
      const [page] = performance.getEntriesByType("navigation");
      return (page as PerformanceNavigationTiming).nextHopProtocol;
    });
    expect(loaded).toBe(front === "nginx with HTTP/2" ? "h2" : "http/1.1");
  },
);

test("nginx with HTTP/2: long polling", async () => {
  await open({ front: "nginx with HTTP/2", server: { trustProxy: 1 } });
  await stage.connect({ transports: ["long-polling"] });
  await stage.converse(messages, 1);
});

test("nginx by default: refused, and told which origins were compared", async () => {
  await open({
    front: "nginx by default",
    noise: /status of 403|Unexpected response code: 403|closed before the connection is established/,
  });
  await stage.begin({ hedgeDelay: 10_000 });
  await stage.page.waitForFunction(() => window.log.length > 0);
  expect(await stage.log()).toEqual([
    `connect_error origin "${stage.url}" is not the server's "${stage.server.url}"`,
  ]);
});

test.each([
  ["nginx by default", "stream", 10_000, /^Most likely a proxy removed the Upgrade header; using stream\.$/],
  [
    "nginx that gathers",
    "long-polling",
    1_000,
    /^Most likely a proxy removed the Upgrade header; a proxy keeps answers back until they end; using long-polling\.$/,
  ],
] as const)(
  "%s, 50 ms away, the page on the list: connected by %s in time",
  async (front, transport, hedgeDelay, summary) => {
    await open({
      front,
      server: { origins: (origin) => origin === stage.url },
      noise: networkNoise,
    });
    const devtools = await stage.context.newCDPSession(stage.page);
    await devtools.send("Network.enable");
    const unlimited = { offline: false, downloadThroughput: -1, uploadThroughput: -1 };
    await devtools.send("Network.emulateNetworkConditions", { ...unlimited, latency: 50 });
    await stage.page.waitForFunction(() => window.begin !== undefined);
    const ms = await stage.page.evaluate(async (delay) => {
      const begunAt = performance.now();
      window.begin("/", { hedgeDelay: delay });
      await new Promise<void>((resolve) => void window.socket.once("connect", resolve));
      return performance.now() - begunAt;
    }, hedgeDelay);
    console.log(`${front}: connected by ${transport} after ${ms.toFixed(0)} ms`);
    // on a quick machine 1.5 s; sooner than any delay or timeout but the hedge of the second could have it
    expect(ms).toBeLessThan(8_000);
    await expect.poll(() => stage.server.sockets.length).toBe(1);
    await stage.converse(messages, 1);
    const { transport: used, attempts } = await stage.page.evaluate(() => window.socket.report());
    expect(used).toBe(transport);
    // a page is not told the status of a refused WebSocket
    expect(attempts[0]).toMatchObject({
      transport: "websocket",
      verdict: "blocked",
      code: 1006,
      status: 0,
      reason: "",
    });
    await expect.poll(() => stage.page.evaluate(() => window.socket.report().summary)).toMatch(summary);
  },
);
