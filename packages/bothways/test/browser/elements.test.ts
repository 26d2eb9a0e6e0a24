/** The techniques that are made of elements, `iframe` and `jsonp`: what they do to the page, and whom they listen to. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { useChromium } from "./chromium.ts";
import { Stage } from "./stage.ts";

const browser = useChromium();
let stage: Stage;

afterEach(() => stage.close());

/** How much of ours is in the page: frames, and their nodes. */
function countOurs(): Promise<{ frames: number; nodes: number }> {
  return stage.page.evaluate(() => {
    const frames = [...document.querySelectorAll("iframe")];
    return {
      frames: frames.length,
      nodes: Math.max(
        0,
        ...frames.map(({ contentDocument }) => contentDocument?.querySelectorAll("*").length ?? 0),
      ),
    };
  });
}

describe.each(["iframe", "jsonp"])("%s", (transport) => {
  test("the page does not grow, and nothing is left behind (option: maxStreamBytes)", async () => {
    stage = await Stage.open(browser(), { bundle: "all", server: { maxStreamBytes: 10_000 } });
    await stage.connect({ transports: [transport] });
    await stage.page.evaluate(() => {
      window.log.length = 0;
      new MutationObserver((records) => {
        for (const { addedNodes } of records)
          for (const { nodeName } of addedNodes) window.log.push(nodeName);
      }).observe(document.documentElement, { childList: true });
    });
    const counts: Awaited<ReturnType<typeof countOurs>>[] = [];
    await stage.converse(300, 3, async () => {
      for (let heard = 0; heard < 250; heard = stage.server.heard.length) counts.push(await countOurs());
    });
    const most = (name: keyof (typeof counts)[number]): number =>
      Math.max(...counts.map((count) => count[name]));
    // one at a time, two for a moment where one takes over from the other; a page of html, head, its parts and a block
    expect(most("frames")).toBeLessThanOrEqual(2);
    expect(most("nodes")).toBeLessThanOrEqual(8);
    const added = (await stage.log()).filter((name) => name === "IFRAME");
    expect(added.length).toBeGreaterThan(1);
    await stage.page.evaluate(() => void window.socket.disconnect());
    await expect.poll(countOurs).toEqual({ frames: 0, nodes: 0 });
  });

  test("a page that connects before it is loaded is loaded all the same", async () => {
    stage = await Stage.open(browser(), { bundle: "all" });
    await stage.page.addInitScript((name) => {
      Object.defineProperty(window, "begin", {
        set: (begin: Window["begin"]) => {
          begin("/", { transports: [name] });
          window.log.push(document.readyState);
        },
      });
    }, transport);
    await stage.page.goto(stage.url, { waitUntil: "load" });
    await stage.page.waitForFunction(() => window.socket.connected);
    expect(await stage.log()).toEqual(["interactive", transport, "connect"]);
  });

  test("other windows and other scripts are not listened to", async () => {
    stage = await Stage.open(browser(), { bundle: "all" });
    await stage.connect({ transports: [transport] });
    await stage.page.evaluate(async () => {
      window.postMessage('m2["down",666]');
      window.postMessage("");
      const forger = document.createElement("iframe");
      forger.srcdoc = `<script>parent.postMessage('m2["down",667]',"*");parent.postMessage("","*")</script>`;
      const loaded = new Promise((resolve) => forger.addEventListener("load", resolve));
      document.body.append(forger);
      await loaded;
    });
    await stage.converse(20, 3);
    expect(await stage.log()).toEqual([transport, "connect"]);
  });
});

test("a script that was given up lets its connection go", async () => {
  stage = await Stage.open(browser(), { bundle: "all" });
  const gone = vi.fn();
  const mute = createServer((request, response) => {
    if (request.method === "POST") return void response.writeHead(204).end();
    response.on("close", gone);
  });
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  const { port } = mute.address() as AddressInfo;
  try {
    const options = { transports: ["jsonp"], timeout: 2_000, reconnection: false };
    await stage.begin(options, `http://127.0.0.1:${port}`);
    await vi.waitFor(() => expect(gone).toHaveBeenCalled());
  } finally {
    mute.closeAllConnections();
    mute.close();
  }
});

test("the frame of a script that was given up is gone, and nobody misses it", async () => {
  stage = await Stage.open(browser(), { bundle: "all" });
  await stage.connect({ transports: ["jsonp", "websocket"], upgrade: false });
  await stage.page.evaluate(() => window.socket.io.switchTo("websocket"));
  await stage.page.waitForFunction(() => window.socket.io.transport === "websocket");
  await stage.converse(20, 3);
  expect(await countOurs()).toEqual({ frames: 0, nodes: 0 });
});
