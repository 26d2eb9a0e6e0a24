/** Which transport a client of Node.js ends up with behind proxies that are in its way, how soon, and what it says of it. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Socket as Client, io as connect, type IoOptions } from "../../src/client/index.node.ts";
import { Server } from "../../src/server/index.ts";
import { FaultProxy, type Policies, PolicyProxy } from "../../src/testing/index.ts";
import { next } from "../suites/rig.ts";
import { send } from "./strangers.ts";

/**
 * A server, a proxy, and a client that is 50 ms of round trip away from it. What fails says so, and the next is tried at
 * once: where nothing is slow, or only the machine, nothing is hedged; `undefined` is the default.
 */
async function open(policies: Partial<Policies>): Promise<{
  proxy: PolicyProxy;
  url: string;
  join: (options?: IoOptions) => Client;
}> {
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const server = new Server(http);
  const proxy = await PolicyProxy.listen({
    target: { port: (http.address() as AddressInfo).port },
    ...policies,
  });
  const way = await FaultProxy.listen({ target: { port: proxy.port }, latencyMs: 25, handshakeRtt: true });
  const clients: Client[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.disconnect();
    await way.close();
    await proxy.close();
    await server.close();
  });
  return {
    proxy,
    url: way.url,
    join(options) {
      const client = connect(way.url, { forceNew: true, hedgeDelay: 10_000, ...options });
      clients.push(client);
      return client;
    },
  };
}

const held = { bufferBytes: Number.POSITIVE_INFINITY };
const noUpgrade = "A proxy removed the Upgrade header";
const buffered = "a proxy keeps answers back until they end";

/** Prints what should be 1.5 s, and asserts that nothing but a hedge was waited for. */
async function connectedInTime(client: Client): Promise<void> {
  const begunAt = performance.now();
  await next(client, "connect");
  const ms = performance.now() - begunAt;
  console.log(`connected by ${client.io.transport} after ${ms.toFixed(0)} ms`);
  expect(ms).toBeLessThan(8_000);
}

describe("connected in time, with the cause in the report", () => {
  test.each<[name: string, Partial<Policies>, summary: string, options?: IoOptions]>([
    ["nothing in the way", {}, "Using websocket."],
    ["the Upgrade header is taken away", { upgrade: "strip" }, `${noUpgrade}; using stream.`],
    ["HTTP/1.0", { http10: true }, `${noUpgrade}; using stream.`],
    ["upgrades answered 403", { upgrade: 403 }, "Websocket was blocked (status is 403); using stream."],
    ["upgrades answered 502", { upgrade: 502 }, "Websocket was blocked (status is 502); using stream."],
    [
      "upgrades never answered",
      { upgrade: "hang" },
      "Websocket was superseded (stream opened first); using stream.",
      { hedgeDelay: undefined, transports: ["websocket", "stream"] },
    ],
  ])("%s", async (_name, policies, summary, options) => {
    const { join } = await open(policies);
    const client = join(options);
    await connectedInTime(client);
    expect(client.report().summary).toBe(summary);
  });

  test.each<[name: string, Partial<Policies>, upgrade: RegExp]>([
    ["no Upgrade header, and answers held until they end", { upgrade: "strip", ...held }, /^A proxy removed/],
    [
      "upgrades never answered, and answers held until they end",
      { upgrade: "hang", ...held },
      /^Websocket was/,
    ],
  ])("%s: long polling beside the stream, and the verdict follows", async (_name, policies, upgrade) => {
    const { join } = await open(policies);
    const client = join({ hedgeDelay: undefined });
    await connectedInTime(client);
    expect(client.io.transport).toBe("long-polling");
    expect(client.report().summary).toMatch(upgrade);
    await expect
      .poll(() => client.report().summary)
      .toMatch(new RegExp(`${upgrade.source}.*; ${buffered}; using long-polling\\.$`));

    const another = join();
    await next(another, "connect");
    expect(another.report().attempts.map(({ transport }) => transport)).toEqual(["long-polling"]);
  });
});

test("what was in the way is gone: a better transport takes over live, and says so", async () => {
  const { proxy, join } = await open({ upgrade: "hang" });
  const client = join({ hedgeDelay: 20 });
  await next(client, "connect");
  expect(client.io.transport).not.toBe("websocket");
  const events: string[] = [];
  for (const event of ["upgrade", "downgrade"] as const)
    client.io.on(event, (name) => events.push(`${event} ${name}`));
  const upgraded = next(client.io, "upgrade");
  proxy.change({ upgrade: "pass" });
  await upgraded;
  expect(events.at(-1)).toBe(`upgrade ${client.io.transport}`);
  const downgraded = next(client.io, "downgrade");
  client.switchTo("long-polling");
  expect(await downgraded).toEqual(["long-polling"]);
  expect(client.report().attempts.at(-1)).toMatchObject({ transport: "long-polling", verdict: "ok" });
});

test("a client behind a network that lets nothing through never gives up", async () => {
  const { proxy, join } = await open({ answer: 502 });
  const client = join({ reconnectionDelay: 1, reconnectionDelayMax: 5 });
  for (let round = 0; round < 5; round++) await next(client, "connect_error");
  expect(client.report().summary).toBe(
    "Websocket was blocked (status is 502); stream was blocked (status 502); sse was blocked (status 502); " +
      "long-polling was blocked (status 502); not connected.",
  );
  proxy.change({ answer: undefined });
  await next(client, "connect");
  expect(client.report().summary).toBe("Using websocket.");
});

describe("a GET that set out as a WebSocket", () => {
  const headers = { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13" };

  test.each([
    ["without Upgrade", {}, "the Upgrade header is missing: a proxy on the way has removed it"],
    [
      "without Connection",
      { Upgrade: "websocket" },
      "the Connection header lacks Upgrade: a proxy on the way has changed it",
    ],
  ])("%s is answered 426, and what is wrong", async (_name, rest, told) => {
    const { url } = await open({});
    const answer = await send(`${url}/bothways/`, "", { ...headers, ...rest }, "GET");
    expect(answer).toMatchObject({ status: 426, body: `BW_WS_UPGRADE: ${told}\n` });
    expect(answer.headers).toMatchObject({ upgrade: "websocket", "cache-control": "no-store" });
  });

  test("any other GET is still none of ours", async () => {
    const { url } = await open({});
    expect(await send(`${url}/bothways/`, "", {}, "GET")).toMatchObject({ status: 405 });
  });
});
