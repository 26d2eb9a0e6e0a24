/** Which transport carries the session, as a browser finds out, and how it moves from one to the other. */
import { afterEach, describe, expect, test } from "vitest";
import { networkNoise, useChromium } from "./chromium.ts";
import { Hall, Stage, type StageOptions } from "./stage.ts";

const browser = useChromium();
let stage: Stage;

async function open(options: StageOptions = {}): Promise<Stage> {
  stage = await Stage.open(browser(), options);
  return stage;
}

afterEach(() => stage.close());

/** Does something to each WebSocket handshake before, or instead of, passing it on. */
function interceptUpgrades(hall: Hall, act: (pass: () => void, socket: { destroy(): void }) => void): void {
  const { http } = hall;
  const emit = http.emit;
  http.emit = (event: string, ...args: unknown[]): boolean => {
    const pass = (): boolean => Reflect.apply(emit, http, [event, ...args]);
    if (event !== "upgrade") return pass();
    act(pass, args[1] as { destroy(): void });
    return true;
  };
}

describe("hedging", () => {
  test("a WebSocket that is slow to open: a stream begins, WebSocket takes over live", async () => {
    // what Chromium has to say when the loser of a hedge is closed, and of a POST that meets the end of its link
    await open({ noise: /WebSocket is closed before the connection is established|status of 409/ });
    let upgrades = 0;
    let release: () => void = () => {};
    const isReleased = new Promise<void>((resolve) => {
      release = resolve;
    });
    interceptUpgrades(stage.server, (pass) => {
      upgrades++;
      void isReleased.then(pass);
    });
    // with long polling in the list, a stream slower than the hedge delay would not be the first to open
    await stage.connect({ hedgeDelay: 100, transports: ["websocket", "stream"] });
    expect(await stage.transport()).toBe("stream");
    await stage.converse(600, 5, async () => {
      release();
      await stage.page.waitForFunction(() => window.socket.io.transport === "websocket");
    });
    expect(upgrades).toBeGreaterThan(0);
    expect((await stage.log()).filter((entry) => entry !== "connect")).toEqual(["stream", "websocket"]);
    expect(stage.server.sockets).toHaveLength(1);
  });

  test("a WebSocket that never opens: a stream stays, and the report says why", async () => {
    await open({ noise: networkNoise });
    interceptUpgrades(stage.server, (_pass, socket) => socket.destroy());
    await stage.connect({ hedgeDelay: 10_000 });
    await stage.converse(50, 1);
    const { transport, attempts } = await stage.page.evaluate(() => window.socket.report());
    expect(transport).toBe("stream");
    expect(attempts[0]).toMatchObject({ transport: "websocket", outcome: "failed", code: 1006 });
    expect(attempts.at(-1)).toMatchObject({ outcome: /open|pending|failed/ });
  });
});

test("200 messages a second each way while the transport changes 6 times", async () => {
  await open({ noise: /status of 409/ });
  await stage.connect({ transports: ["websocket", "long-polling"], upgrade: false, hedgeDelay: 10_000 });
  await stage.converse(1_200, 5, async () => {
    for (const name of [
      "long-polling",
      "websocket",
      "long-polling",
      "websocket",
      "long-polling",
      "websocket",
    ]) {
      await stage.page.evaluate((wanted) => window.socket.io.switchTo(wanted), name);
      await stage.page.waitForFunction((wanted) => window.socket.io.transport === wanted, name);
      const before = stage.server.heard.length;
      await expect.poll(() => stage.server.heard.length).toBeGreaterThan(before + 20);
    }
  });
  expect(await stage.log()).toEqual([
    "websocket",
    "connect",
    "long-polling",
    "websocket",
    "long-polling",
    "websocket",
    "long-polling",
    "websocket",
  ]);
});

describe.each(["websocket", "long-polling"])("other origins over %s", (transport) => {
  test("a page that is on the list connects", async () => {
    await open();
    const other = await Hall.open({ origins: [stage.url] });
    try {
      await stage.begin({ transports: [transport] }, other.url);
      await stage.page.waitForFunction(() => window.socket.connected);
      const answer = await stage.page.evaluate(() =>
        window.socket.emitWithAck("echo", new Uint8Array([1, 2])),
      );
      expect(answer).toHaveLength(1);
      await expect.poll(() => other.sockets.length).toBe(1);
      expect(other.socket.handshake.xdomain).toBe(true);
    } finally {
      await stage.page.evaluate(() => window.socket.disconnect());
      await expect
        .poll(() => other.io.stats())
        .toMatchObject({ sessions: 0, openRequests: 0, bufferedBytes: 0 });
      await other.close();
    }
  });

  test("a page that is not gets no connection", async () => {
    await open({
      // the last: the next attempt may be under way when the page gives up
      noise:
        /status of 403|Unexpected response code: 403|blocked by CORS policy|ERR_FAILED|closed before the connection is established/,
    });
    const other = await Hall.open();
    try {
      await stage.begin({ transports: [transport] }, other.url);
      await stage.page.waitForFunction(() => window.log.some((entry) => entry.startsWith("connect_error")));
      expect(await stage.page.evaluate(() => window.socket.connected)).toBe(false);
      expect(other.sockets).toEqual([]);
    } finally {
      await stage.page.evaluate(() => window.socket.disconnect());
      await expect
        .poll(() => other.io.stats())
        .toMatchObject({ sessions: 0, openRequests: 0, bufferedBytes: 0 });
      await other.close();
    }
  });
});

describe("refusals", () => {
  test.each([["websocket"], ["long-polling"]])(
    "authenticate refuses over %s: told why, not tried again",
    async (transport) => {
      let requests = 0;
      const authenticate = (): never => {
        requests++;
        throw new Error("no ticket");
      };
      await open({ server: { authenticate }, noise: /status of 401/ });
      await stage.begin({ transports: [transport] });
      await stage.page.waitForFunction(() => window.log.length > 0);
      expect(await stage.log()).toEqual(["connect_error no ticket"]);
      expect(await stage.page.evaluate(() => window.socket.active)).toBe(false);
      expect(requests).toBe(1);
    },
  );

  test("refused over WebSocket, the client does not fall back", async () => {
    const urls: string[] = [];
    const authenticate = ({ headers }: { headers: { upgrade?: string } }): never => {
      urls.push(headers.upgrade ?? "POST");
      throw new Error("no ticket");
    };
    await open({ server: { authenticate } });
    await stage.begin({ hedgeDelay: 10_000 });
    await stage.page.waitForFunction(() => window.log.length > 0);
    expect(urls).toEqual(["websocket"]);
  });

  test("middleware refuses a namespace, and what it says arrives", async () => {
    await open();
    stage.server.io.use((_socket, next) => next(Object.assign(new Error("full"), { data: { until: 5 } })));
    await stage.begin({ hedgeDelay: 10_000 });
    await stage.page.waitForFunction(() => window.log.includes("connect_error full"));
    expect(stage.server.sockets).toEqual([]);
  });
});
