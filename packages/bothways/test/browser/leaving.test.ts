/**
 * Pages that go away, in a browser that keeps them for the way back: they leave soon, their last words arrive, and who
 * comes back finds nothing missing.
 */
import { once } from "node:events";
import type { Socket } from "bothways";
import { afterEach, describe, expect, test } from "vitest";
import { useChromium } from "./chromium.ts";
import { Stage } from "./stage.ts";

declare global {
  interface Window {
    /** Of each `pageshow` since this was loaded. */
    shown: boolean[];
  }
}

const browser = useChromium(true);
const forgetful = useChromium();
const techniques = ["websocket", "stream", "sse", "multipart", "long-polling", "short-polling"] as const;

let stage: Stage;

afterEach(() => stage.close());

/** The page says `count` times `length` characters when it is told that it goes, and not before. */
async function open(transport: string, count: number, length: number, from = browser): Promise<Socket> {
  stage = await Stage.open(from(), { bundle: "all" });
  await stage.page.evaluate(
    ([number, size]) => {
      addEventListener("pagehide", () => {
        for (let next = 1; next <= number; next++) window.socket.emit("up", next, "한".repeat(size));
      });
    },
    [count, length] as const,
  );
  await stage.connect({ transports: [transport] });
  return stage.server.socket;
}

/** The server knows as soon as the page has gone, though it would wait for two minutes. */
async function untilGone(socket: Socket, name: "away" | "disconnect"): Promise<unknown> {
  const [reason] = await once(socket as never, name);
  return reason;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe.each(techniques)("%s", (transport) => {
  test("a page that is kept: away at once, back with nothing lost", async () => {
    const socket = await open(transport, 5, 1);
    const { page, server } = stage;
    await page.evaluate(() => {
      window.shown = [];
      addEventListener("pageshow", ({ persisted }) => window.shown.push(persisted));
    });
    const away = untilGone(socket, "away");
    await page.goto(`${stage.url}/elsewhere`);
    await away;
    for (const number of upTo(5)) socket.emit("down", number);
    // a page that is kept has loaded long ago
    await page.goBack({ waitUntil: "commit" });
    expect(await page.evaluate(() => window.shown)).toEqual([true]);
    await stage.expectHeard(5, 5);
    expect(await stage.log()).toEqual([
      transport,
      "connect",
      "disconnect transport close",
      transport,
      "recovered",
    ]);
    expect(server.sockets).toHaveLength(1);
  });

  test("a page that is not kept: its last words arrive, and it is gone", async () => {
    const socket = await open(transport, 20, 100, forgetful);
    const gone = untilGone(socket, "disconnect");
    await stage.page.goto(`${stage.url}/elsewhere`);
    expect(await gone).toBe("transport close");
    expect(stage.server.heard).toEqual(upTo(20));
  });

  test("a tab that is closed: the same", async () => {
    const socket = await open(transport, 20, 100);
    const gone = untilGone(socket, "disconnect");
    await stage.page.close({ runBeforeUnload: true });
    expect(await gone).toBe("transport close");
    expect(stage.server.heard).toEqual(upTo(20));
  });
});

test.each(["stream", "long-polling"])(
  "more than may outlive a page over %s: its beginning at least",
  async (transport) => {
    const socket = await open(transport, 200, 300);
    const gone = untilGone(socket, "disconnect");
    await stage.page.close({ runBeforeUnload: true });
    expect(await gone).toBe("transport close");
    const { heard } = stage.server;
    expect(heard.length).toBeGreaterThan(50);
    expect(heard).toEqual(upTo(heard.length));
  },
);
