/** Bundles under a bad network: whatever it does, each side hears what the other said, once and in order. */
import { afterEach, describe, expect, test } from "vitest";
import { networkNoise, useChromium } from "./chromium.ts";
import { Hall, Stage, type StageOptions } from "./stage.ts";

const browser = useChromium();

/** A dead link is noticed within half a second; on a slow machine so is one that is not. */
const impatient = { pingInterval: 250, pingTimeout: 250 };

const ways = [
  { bundle: "core-websocket", transport: "websocket" },
  { bundle: "default", transport: "websocket" },
  { bundle: "default", transport: "long-polling" },
] as const;

let stage: Stage;

async function open(options: StageOptions): Promise<Stage> {
  stage = await Stage.open(browser(), { noise: networkNoise, ...options });
  return stage;
}

afterEach(() => stage.close());

/** Each side hears what the other says from now on. */
async function untilMoreIsHeard(): Promise<void> {
  const { heard } = stage.server;
  const before = heard.length;
  const beforeDown = await stage.page.evaluate(() => window.heard.length);
  await expect.poll(() => heard.length).toBeGreaterThan(before + 20);
  await stage.page.waitForFunction((count) => window.heard.length > count, beforeDown + 20);
}

/** How often the session was resumed, as the page saw it. It must be the same session throughout. */
async function countRecoveries(): Promise<number> {
  const log = await stage.log();
  expect(log.filter((entry) => entry === "connect")).toHaveLength(1);
  expect(stage.server.sockets).toHaveLength(1);
  return log.filter((entry) => entry === "recovered").length;
}

describe.each(ways)("$bundle over $transport", ({ bundle, transport }) => {
  test("5 cuts that each meet a message under way", async () => {
    const { proxy } = await open({ bundle, proxy: true });
    await stage.connect({ transports: [transport] });
    await stage.converse(1_000, 5, async () => {
      for (let cut = 0; cut < 5; cut++) {
        const direction = cut % 2 === 0 ? "down" : "up";
        const strike = await proxy.cutOnNext({ direction, minBytes: 8, scope: "all" });
        expect(strike.connections).toBeGreaterThan(0);
        await untilMoreIsHeard();
      }
    });
    const recoveries = await countRecoveries();
    const { replayed } = await stage.page.evaluate(() => window.socket.report());
    // a browser repeats by itself a POST that died with its connection, so that a page need not notice
    if (transport === "long-polling") return;
    expect(recoveries).toBe(5);
    expect(replayed).toBeGreaterThan(0);
  });

  test("3 half-open drops: of one connection on the way up, of one on the way down, of all", async () => {
    const { proxy } = await open({ bundle, proxy: true, server: impatient });
    // a POST may go out on a kept connection that is dead, too
    await stage.connect({ transports: [transport], timeout: 2_000 });
    await stage.converse(1_000, 5, async () => {
      const drops = [
        { direction: "up", minBytes: 8, scope: "connection" },
        { direction: "down", minBytes: 8, scope: "connection" },
        { direction: "up", minBytes: 8, scope: "all" },
      ] as const;
      for (const options of drops) {
        await untilMoreIsHeard();
        const before = await countRecoveries();
        await proxy.halfOpenOnNext(options);
        await stage.page.waitForFunction((count) => {
          return window.log.filter((entry) => entry === "recovered").length > count;
        }, before);
      }
    });
    expect(await countRecoveries()).toBeGreaterThanOrEqual(3);
  });

  test("a server that was restarted is a new session: what it cannot know of is said, what waited goes there", async () => {
    const { proxy } = await open({ bundle, proxy: true });
    await stage.connect({ transports: [transport] });
    await stage.converse(10, 1);
    const next = await Hall.open();
    try {
      proxy.admit("refuse");
      proxy.cut();
      await stage.page.waitForFunction(() => !window.socket.connected);
      await stage.page.evaluate(() => window.socket.emit("up", 11));
      proxy.target = { port: next.port };
      proxy.admit("pass");
      await stage.page.waitForFunction(() => window.socket.connected);
      await expect.poll(() => next.heard).toEqual([11]);
      expect(await stage.page.evaluate(() => window.socket.recovered)).toBe(false);
      expect((await stage.log()).filter((entry) => /gap|^connect$|recovered/.test(entry))).toEqual([
        "connect",
        "gap server-lost",
        "connect",
      ]);
      expect(await stage.page.evaluate(() => window.socket.id)).toBe(next.socket.id);
    } finally {
      await next.close();
    }
  });

  test("going offline, and coming back online", async () => {
    await open({ bundle, server: impatient });
    await stage.connect({ transports: [transport] });
    await stage.converse(200, 5, async () => {
      await stage.context.setOffline(true);
      await stage.page.waitForFunction(() => !window.socket.connected);
      await stage.context.setOffline(false);
      await stage.page.waitForFunction(() => window.socket.connected);
    });
    expect(await countRecoveries()).toBeGreaterThan(0);
  });
});

test.each(["online", "pageshow", "visibilitychange"])(
  "`%s` makes a client that waits try at once",
  async (event) => {
    await open({ proxy: true });
    // 30 s at least
    await stage.connect({ reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 });
    stage.proxy.cut();
    await stage.page.waitForFunction(() => !window.socket.connected);
    await stage.page.evaluate((type) => window.dispatchEvent(new Event(type)), event);
    await stage.page.waitForFunction(() => window.socket.connected, null, { timeout: 20_000 });
    await stage.converse(20, 1);
  },
);
