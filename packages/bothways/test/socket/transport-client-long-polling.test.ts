/** docs/protocol/bothways-1.md, "HTTP": both client halves against a scripted server. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ConnectRequest, Link } from "../../src/model/transport.ts";
import { longPolling as nodeLongPolling } from "../../src/transport/node-client/long-polling.ts";
import { longPolling as webLongPolling } from "../../src/transport/web/long-polling.ts";
import { certificate } from "../fixtures/localhost-certificate.ts";
import { RecordingHandler } from "../transport/client/recording-handler.ts";
import { closedUrl, closePeers, openPollingPeer } from "./transport-client-peers.ts";

afterEach(() => {
  vi.useRealTimers();
  closePeers();
});

function open(
  url: string,
  options: Partial<ConnectRequest> & { transport?: typeof nodeLongPolling } = {},
): { link: Link; handler: RecordingHandler } {
  const { transport = nodeLongPolling, ...request } = options;
  const handler = new RecordingHandler();
  const link = transport().open({ url, maxMessageBytes: 1_000, ...request }, "h{}", handler);
  return { link, handler };
}

describe.each([
  ["browser", webLongPolling],
  ["Node", nodeLongPolling],
])("%s half", (_, transport) => {
  test("hello, polls, a batch and a goodbye", async () => {
    const peer = await openPollingPeer();
    const { link, handler } = open(peer.url, { transport });
    await handler.until("writable");
    expect(handler.take()).toEqual(['receive w{"key":"K"}', "received", "writable"]);

    peer.push("mžluť", Uint8Array.of(0x6d, 1, 255));
    peer.push("mnext");
    await handler.until("receive mnext");
    await handler.until("received", 2);
    expect(handler.take()).toEqual([
      "receive mžluť",
      "receive [109,1,255]",
      "received",
      "receive mnext",
      "received",
    ]);

    link.send({ data: "n1" });
    link.send({ data: Uint8Array.of(0x6d, 9) });
    link.flush();
    await handler.until("writable");
    expect(handler.take()).toEqual(["blocked", "receive a9,9,9", "received", "writable"]);

    await peer.until("qK,3");
    link.send({ data: "mlast" });
    link.close(4000, "bye");
    expect(await peer.until("kK")).toEqual(["kK,1", "n1", Uint8Array.of(0x6d, 9)]);
    while (peer.requests.length < 6) await new Promise(setImmediate);
    const polls = peer.requests.filter(([first]) => String(first).startsWith("q"));
    expect(polls).toEqual([1, 2, 3].map((number) => [`qK,${number}`, "a0,10,1000"]));
    expect(peer.requests.at(-1)).toEqual(["kK,2", "mlast", "c4000,bye"]);
    expect(handler.events).toEqual([]);
    for (const { method, url, headers } of peer.heads) {
      expect([method, url]).toEqual(["POST", "/bothways/?a=1"]);
      expect([undefined, "text/plain;charset=UTF-8"]).toContain(headers["content-type"]);
    }
  });

  test.each([
    ["a poll", "q"],
    ["a batch", "k"],
    ["the hello", "h"],
  ])("being fenced by the answer to %s", async (_, kind) => {
    const peer = await openPollingPeer();
    peer.intercept = ([first], response) => {
      if (!String(first).startsWith(kind)) return false;
      response.writeHead(409).end("c4409,taken over");
      return true;
    };
    const { link, handler } = open(peer.url, { transport });
    handler.onEvent = (event) => {
      if (event !== "writable") return;
      link.send({ data: "mone" });
      link.flush();
    };
    await handler.until("lost");
    expect(handler.events.at(-1)).toBe("lost BW_LINK_LOST 4409 taken over");
    expect(handler.events.filter((event) => event.startsWith("lost"))).toHaveLength(1);
  });

  test("an answer that is cut off loses the link", async () => {
    const peer = await openPollingPeer();
    peer.intercept = ([first], response) => {
      if (!String(first).startsWith("q")) return false;
      response.writeHead(200, { "Content-Length": 1_000 });
      response.write("mhalf", () => response.destroy());
      return true;
    };
    const { handler } = open(peer.url, { transport });
    await handler.until("lost BW_LINK_LOST undefined");
    expect(handler.events.filter((event) => event.includes("half"))).toEqual([]);
  });

  test("a refused connection loses the link, later", async () => {
    const { handler } = open(await closedUrl(), { transport });
    expect(handler.events).toEqual([]);
    await handler.until("lost BW_LINK_LOST undefined");
    expect(handler.events).toHaveLength(1);
  });

  test("closing gives the held poll up", async () => {
    const peer = await openPollingPeer();
    const { link, handler } = open(peer.url, { transport });
    await handler.until("writable");
    await peer.until("qK,1");
    const poll = peer.heads[1];
    const closed = new Promise((resolve) => poll?.socket.on("close", resolve));
    link.close(4000, "bye");
    expect(await peer.until("kK")).toEqual(["kK,1", "c4000,bye"]);
    await closed;
  });
});

describe("Node half", () => {
  test("connections are kept: two carry a conversation", async () => {
    const peer = await openPollingPeer();
    const { link, handler } = open(peer.url);
    await handler.until("writable");
    for (let i = 0; i < 10; i++) {
      handler.take();
      link.send({ data: `m${i}` });
      link.flush();
      await handler.until("writable");
      peer.push(`m${i}`);
      await handler.until(`receive m${i}`);
    }
    expect(peer.connections.size).toBe(2);
    expect(new Set(peer.heads.map(({ socket }) => socket.remotePort)).size).toBe(2);
  });

  test("headers of the caller are sent, and no Content-Type", async () => {
    const peer = await openPollingPeer();
    open(peer.url, { extraHeaders: { Authorization: "Bearer 1" } });
    await peer.until("q");
    for (const { headers } of peer.heads) {
      expect(headers).toMatchObject({ authorization: "Bearer 1", "content-length": expect.any(String) });
      expect(headers["content-type"]).toBeUndefined();
    }
  });

  test("over TLS, with the authority's certificate and without", async () => {
    const peer = await openPollingPeer(true);
    await open(peer.url, { tls: { ca: certificate } }).handler.until("writable");
    await open(peer.url).handler.until("lost BW_LINK_LOST undefined self-signed certificate");
  });

  test("a redirect is refused", async () => {
    const peer = await openPollingPeer();
    peer.intercept = (_, response) => {
      response.writeHead(307, { Location: "https://elsewhere.example/" }).end();
      return true;
    };
    const { handler } = open(peer.url);
    await handler.until("lost BW_LINK_LOST undefined redirected to https://elsewhere.example/");
  });

  test("an endless answer is cut off", async () => {
    const peer = await openPollingPeer();
    peer.intercept = (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1_048_576, "x")));
      };
      response.on("drain", more);
      more();
      return true;
    };
    const { handler } = open(peer.url);
    await handler.until("lost BW_LINK_LOST undefined the answer is longer than");
  });

  test.each<[string, string, Partial<ConnectRequest>]>([
    ["a URL that is none", "nonsense", {}],
    ["a header that cannot be sent", "http://127.0.0.1:9/", { extraHeaders: { "X-Bad": "a\r\nb" } }],
  ])("%s loses the link, later", async (_, url, options) => {
    const { handler } = open(url, options);
    expect(handler.events).toEqual([]);
    await handler.until("lost BW_LINK_LOST undefined TypeError");
  });

  test("a last POST that nobody answers is given up", async () => {
    const peer = await openPollingPeer();
    const { link, handler } = open(peer.url);
    await handler.until("writable");
    peer.intercept = ([first]) => first === "kK,1";
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    link.close(4000, "bye");
    await peer.until("kK");
    const closed = new Promise((resolve) => peer.heads.at(-1)?.socket.on("close", resolve));
    vi.advanceTimersByTime(10_000);
    await closed;
  });
});
