/** docs/protocol/bothways-1.md, "WebSocket": both client halves against `ws` and against scripted servers. */
import { once } from "node:events";
import { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ConnectRequest, Link } from "../../src/model/transport.ts";
import { nodePrimitives } from "../../src/platform/node.ts";
import { webSocket as nodeWebSocket } from "../../src/transport/node-client/websocket.ts";
import { webSocket as webWebSocket } from "../../src/transport/web/websocket.ts";
import { opcode } from "../../src/wire/websocket/frame.ts";
import { acceptKey } from "../../src/wire/websocket/handshake-key.ts";
import { encodeFrame } from "../../src/wire/websocket/serializer.ts";
import { certificate } from "../fixtures/localhost-certificate.ts";
import { RecordingHandler } from "../transport/client/recording-handler.ts";
import { closedUrl, closePeers, openTcpPeer, openWebSocketPeer } from "./transport-client-peers.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  closePeers();
});

class Signal {
  raise = (): void => {};
  readonly raised: Promise<void> = new Promise((resolve) => {
    this.raise = resolve;
  });
}

function open(
  url: string,
  options: Partial<ConnectRequest> & { hello?: string; transport?: typeof nodeWebSocket } = {},
): { link: Link; handler: RecordingHandler } {
  const { hello = "h{}", transport = nodeWebSocket, ...request } = options;
  const handler = new RecordingHandler();
  const link = transport().open({ url, maxMessageBytes: 100_000, ...request }, hello, handler);
  return { link, handler };
}

describe.each([
  ["browser", webWebSocket],
  ["Node", nodeWebSocket],
])("%s half", (_, transport) => {
  test("RFC6455-4.1-1 RFC6455-4.1-17 RFC6455-6.1-8 the hello travels in the handshake; text and bytes go both ways in order", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const { link, handler } = open(peer.url, { transport, hello: "hžluť" });
    const { socket, request, messages } = await accepted;
    expect(request.url).toBe("/bothways/?a=1");
    const hello = Buffer.from("hžluť").toString("base64url");
    expect(request.headers["sec-websocket-protocol"]?.replace(", ", ",")).toBe(`bothways.1,${hello}`);
    socket.send("w{}");
    socket.send(Uint8Array.of(0x6d, 1, 2));
    await handler.until("receive [109,1,2]");
    const events = handler.take().filter((event) => event !== "received");
    expect(events).toEqual(["writable", "receive w{}", "receive [109,1,2]"]);
    link.send({ data: "mone 🙂" });
    link.send({ data: Uint8Array.of(0x6d, 3) });
    link.send({ data: "mtwo" });
    link.flush();
    expect((await messages.next()).value).toBe("mone 🙂");
    expect((await messages.next()).value).toEqual(Uint8Array.of(0x6d, 3));
    expect((await messages.next()).value).toBe("mtwo");
    expect(handler.events.every((event) => event === "received")).toBe(true);
  });

  test("a long hello is the first message", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const hello = `h${"x".repeat(4_000)}`;
    const { link, handler } = open(peer.url, { transport, hello });
    handler.onEvent = () => {
      link.send({ data: "mearly" });
      link.flush();
    };
    const { request, messages } = await accepted;
    expect(request.headers["sec-websocket-protocol"]).toBe("bothways.1");
    expect((await messages.next()).value).toBe(hello);
    expect((await messages.next()).value).toBe("mearly");
  });

  test("what the server closes with is told", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const { handler } = open(peer.url, { transport });
    const { socket } = await accepted;
    socket.send("mlast");
    socket.close(4409, "taken over");
    await handler.until("lost");
    expect(handler.events).toEqual([
      "writable",
      "receive mlast",
      "received",
      "lost BW_LINK_LOST 4409 taken over",
    ]);
  });

  test("close lets the batch go and tells code and reason; nothing is told afterwards", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const { link, handler } = open(peer.url, { transport });
    const { socket, messages } = await accepted;
    await handler.until("writable");
    const closed = once(socket, "close");
    link.send({ data: "mlast" });
    link.close(4000, "bye");
    socket.send("mlate");
    expect((await messages.next()).value).toBe("mlast");
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4000, "bye"]);
    expect(handler.events).toEqual(["writable"]);
  });

  test("RFC6455-7.2.1-2 a cut connection loses the link", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const { handler } = open(peer.url, { transport });
    const { socket } = await accepted;
    await handler.until("writable");
    socket.terminate();
    await handler.until("lost");
    expect(handler.events).toHaveLength(2);
    expect(handler.events[1]).toMatch(/^lost BW_(WS_ABNORMAL undefined|LINK_LOST 1006)/);
  });

  test("RFC6455-4.1-12 a refused connection loses the link, later", async () => {
    const { handler } = open(await closedUrl(), { transport });
    expect(handler.events).toEqual([]);
    await handler.until("lost BW_LINK_LOST");
    expect(handler.events).toHaveLength(1);
  });

  test("closed while it opens, it says nothing and hangs up", async () => {
    const hungUp = new Signal();
    const url = await openTcpPeer((socket) => {
      socket.on("close", hungUp.raise);
      socket.on("end", () => socket.end());
      socket.resume();
      link.close(4000, "bye");
    });
    const { link, handler } = open(url, { transport });
    await hungUp.raised;
    expect(handler.events).toEqual([]);
  });
});

/** The answer that accepts the request in `head`. */
function accept(head: string, ...lines: string[]): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(head)?.[1] ?? "";
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptKey(key, nodePrimitives)}`,
    ...(lines.length > 0 ? lines : ["Sec-WebSocket-Protocol: bothways.1"]),
    "\r\n",
  ].join("\r\n");
}

function textFrame(text: string): Uint8Array {
  return encodeFrame(opcode.text, new TextEncoder().encode(text));
}

describe("Node half: the handshake", () => {
  test("headers of the caller are sent", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    open(peer.url, { extraHeaders: { Authorization: "Bearer 1" } });
    expect((await accepted).request.headers).toMatchObject({
      authorization: "Bearer 1",
      host: new URL(peer.url).host,
    });
  });

  test("the answer and the frames behind it may come in any pieces", async () => {
    for (const pieceBytes of [1, 7, 1_000]) {
      const url = await openTcpPeer(async (socket, head) => {
        const bytes = Buffer.concat([Buffer.from(accept(head)), textFrame("w{}"), textFrame("mone")]);
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          await new Promise((resolve) => socket.write(bytes.subarray(at, at + pieceBytes), resolve));
        }
      });
      const { handler } = open(url);
      await handler.until("receive mone");
      const events = handler.events.filter((event) => event !== "received");
      expect(events).toEqual(["writable", "receive w{}", "receive mone"]);
    }
  });

  test("messages that come together are told together", async () => {
    const url = await openTcpPeer((socket, head) => {
      socket.write(Buffer.concat([Buffer.from(accept(head)), textFrame("w{}"), textFrame("mone")]));
    });
    const { handler } = open(url);
    await handler.until("received");
    expect(handler.events).toEqual(["writable", "receive w{}", "receive mone", "received"]);
  });

  test.each<[string, (head: string) => string, string]>([
    ["garbage", () => "SSH-2.0-OpenSSH\r\n\r\n", "BW_WS_ACCEPT undefined the answer"],
    [
      "an endless head",
      () => `HTTP/1.1 101 OK\r\nX: ${"x".repeat(20_000)}`,
      "BW_HEADERS_TOO_LARGE undefined the",
    ],
    ["a refusal", () => "HTTP/1.1 403 Forbidden\r\n\r\n", "BW_WS_HANDSHAKE undefined status is 403"],
    [
      "a redirect",
      () => "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n\r\n",
      "BW_WS_HANDSHAKE undefined redirected to https://elsewhere.example/",
    ],
    ["another key's answer", () => accept("Sec-WebSocket-Key: x\r\n"), "BW_WS_ACCEPT undefined"],
    ["no subprotocol", (head) => accept(head, "X: 1"), "BW_WS_ACCEPT undefined no subprotocol"],
    [
      "another subprotocol",
      (head) => accept(head, "Sec-WebSocket-Protocol: mqtt"),
      "BW_WS_ACCEPT undefined the",
    ],
    ["an end", () => "", "BW_LINK_LOST undefined"],
  ])("RFC6455-7.2.1-1 %s loses the link and hangs up", async (_, answer, told) => {
    const hungUp = new Signal();
    const url = await openTcpPeer((socket, head) => {
      socket.on("close", hungUp.raise);
      socket.resume();
      const text = answer(head);
      if (text === "") socket.end();
      else socket.write(text);
      socket.on("end", () => socket.end());
    });
    const { handler } = open(url);
    await handler.until("lost");
    expect(handler.events).toHaveLength(1);
    expect(handler.events[0]).toContain(`lost ${told}`);
    await hungUp.raised;
  });

  test.each<[string, string, Partial<ConnectRequest>]>([
    ["a URL that is none", "nonsense", {}],
    ["a header that cannot be sent", "http://127.0.0.1:9/", { extraHeaders: { "X-Bad": "a\r\nb" } }],
  ])("RFC6455-4.1-2..3 %s loses the link, later", async (_, url, options) => {
    const { link, handler } = open(url, options);
    expect(handler.events).toEqual([]);
    await handler.until("lost BW_LINK_LOST undefined TypeError");
    link.send({ data: "mone" });
    link.flush();
    link.close(4000, "bye");
    expect(handler.events).toHaveLength(1);
  });
});

describe("Node half: TLS", () => {
  test("RFC6455-4.1-13 RFC6455-4.1-15 RFC6455-10.6-1 with the authority's certificate it opens", async () => {
    const peer = await openWebSocketPeer(true);
    const accepted = peer.accept();
    const { handler } = open(peer.url, { tls: { ca: certificate } });
    (await accepted).socket.send("w{}");
    await handler.until("receive w{}");
  });

  test("RFC6455-4.1-16 a host name is sent as the server's name", async () => {
    const peer = await openWebSocketPeer(true);
    const accepted = peer.accept();
    open(peer.url.replace("127.0.0.1", "localhost"), { tls: { ca: certificate } });
    expect((await accepted).request.socket).toMatchObject({ servername: "localhost" });
  });

  test("RFC6455-4.1-14 without it the link is lost and told why", async () => {
    const peer = await openWebSocketPeer(true);
    const { handler } = open(peer.url);
    await handler.until("lost BW_LINK_LOST undefined self-signed certificate");
  });
});

describe("Node half: the open link", () => {
  test("the frames of a flush leave in one write, without delay", async () => {
    const peer = await openWebSocketPeer();
    const setNoDelay = vi.spyOn(Socket.prototype, "setNoDelay");
    const accepted = peer.accept();
    const { link, handler } = open(peer.url);
    const { messages } = await accepted;
    await handler.until("writable");
    expect(setNoDelay).toHaveBeenCalledWith(true);
    const write = vi.spyOn(Socket.prototype, "write");
    for (let i = 0; i < 100; i++) link.send({ data: `m${i}` });
    expect(write).not.toHaveBeenCalled();
    link.flush();
    expect(write).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 100; i++) expect((await messages.next()).value).toBe(`m${i}`);
  });

  test("a peer that does not read blocks the link until it does", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const { link, handler } = open(peer.url);
    const { socket, messages } = await accepted;
    await handler.until("writable");
    handler.take();
    let sent = 0;
    for (let round = 1; round <= 2; round++) {
      socket.pause();
      for (let i = 0; i < 100 && handler.events.length === 0; i++) {
        link.send({ data: `m${sent++}${"x".repeat(90_000)}` });
        link.flush();
      }
      expect(handler.take()).toEqual(["blocked"]);
      link.flush();
      expect(handler.events).toEqual([]);
      socket.resume();
      await handler.until("writable");
      expect(handler.take()).toEqual(["writable"]);
    }
    for (let i = 0; i < sent; i++) expect(String((await messages.next()).value)).toContain(`m${i}x`);
  });

  test("a message beyond maxMessageBytes loses the link", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const { handler } = open(peer.url, { maxMessageBytes: 10 });
    const { socket } = await accepted;
    const closed = once(socket, "close");
    socket.send("m0123456789");
    await handler.until("lost BW_MESSAGE_TOO_LARGE undefined");
    expect((await closed)[0]).toBe(1009);
  });

  test("bytes that were received stay as they are", async () => {
    const peer = await openWebSocketPeer();
    const accepted = peer.accept();
    const { handler } = open(peer.url);
    const { socket } = await accepted;
    for (let i = 0; i < 50; i++) socket.send(new Uint8Array(1_000).fill(i));
    await handler.until("receive", 50);
    handler.data.forEach((data, i) => {
      expect(data).toEqual(new Uint8Array(1_000).fill(i));
      expect((data as Uint8Array).buffer.byteLength).toBe(1_000);
    });
  });

  test("RFC6455-7.1.1-5 a server that never hangs up is hung up on", async () => {
    const hungUp = new Signal();
    const url = await openTcpPeer((socket, head) => {
      socket.on("end", hungUp.raise);
      socket.on("data", () => vi.advanceTimersByTime(5_000));
      socket.write(accept(head));
    });
    const { link, handler } = open(url);
    await handler.until("writable");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    link.close(4000, "bye");
    await hungUp.raised;
  });
});
