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
    await stage.connect();
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
  await open({ front: "nginx by default", noise: /status of 403|Unexpected response code: 403/ });
  await stage.begin();
  await stage.page.waitForFunction(() => window.log.length > 0);
  expect(await stage.log()).toEqual([
    `connect_error origin "${stage.url}" is not the server's "${stage.server.url}"`,
  ]);
});

test("nginx by default, the page on the list: connected by long polling in time", async () => {
  await open({
    front: "nginx by default",
    server: { origins: (origin) => origin === stage.url },
    noise: networkNoise,
  });
  await stage.page.waitForFunction(() => window.begin !== undefined);
  const ms = await stage.page.evaluate(async () => {
    const begunAt = performance.now();
    window.begin("/");
    await new Promise<void>((resolve) => void window.socket.once("connect", resolve));
    return performance.now() - begunAt;
  });
  expect(ms).toBeLessThan(1_500);
  await expect.poll(() => stage.server.sockets.length).toBe(1);
  await stage.converse(messages, 1);
  const { transport, attempts } = await stage.page.evaluate(() => window.socket.report());
  expect(transport).toBe("long-polling");
  // a page is not told the status of a refused WebSocket
  expect(attempts[0]).toMatchObject({ transport: "websocket", outcome: "failed", code: 1006, reason: "" });
});
