/** docs/protocol/bothways-1.md, "WebSocket": the browser's half, on a WebSocket that the test plays. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import type { Link } from "../../../src/model/transport.ts";
import { webSocket } from "../../../src/transport/web/websocket.ts";
import { RecordingHandler } from "../client/recording-handler.ts";

const url = "https://example.com/bothways/?http=1";
let latest: FakeSocket;

class FakeSocket {
  readonly url: string;
  readonly protocols: string[];
  readonly sent: Data[] = [];
  binaryType = "blob";
  readyState = 1;
  closed: [number, string] | undefined;
  onopen = (): void => {};
  onmessage = (_: { data: string | ArrayBuffer }): void => {};
  onclose = (_: { code: number; reason: string }): void => {};

  constructor(address: string, protocols: string[]) {
    this.url = address;
    this.protocols = protocols;
    latest = this;
  }

  send(data: Data): void {
    this.sent.push(data);
  }

  close(code: number, reason: string): void {
    this.closed = [code, reason];
  }
}

function open(hello = "h{}"): { link: Link; handler: RecordingHandler; socket: FakeSocket } {
  const handler = new RecordingHandler();
  const link = webSocket().open({ url, maxMessageBytes: 1_000 }, hello, handler);
  return { link, handler, socket: latest };
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the hello", () => {
  // Lengths of all remainders by three, and bytes that make both special characters of the alphabet.
  test.each(["h", "h1", "h12", "h~~~>>>???", "hžluť🙂", `h${"x".repeat(3_071)}`])(
    "travels in the handshake (%#)",
    (hello) => {
      const { socket, handler } = open(hello);
      expect(socket.url).toBe("wss://example.com/bothways/?http=1");
      expect(socket.protocols).toEqual(["bothways.1", Buffer.from(hello).toString("base64url")]);
      socket.onopen();
      expect(socket.sent).toEqual([]);
      expect(handler.events).toEqual(["writable"]);
    },
  );

  test.each([`h${"x".repeat(3_072)}`, `h${"ž".repeat(1_536)}`])(
    "beyond 4,096 characters it is a frame (%#)",
    (hello) => {
      const { socket, handler } = open(hello);
      expect(socket.protocols).toEqual(["bothways.1"]);
      handler.onEvent = () => expect(socket.sent).toEqual([hello]);
      socket.onopen();
      expect(handler.events).toEqual(["writable"]);
    },
  );
});

test("messages come as text or bytes, each followed by `received`", () => {
  const { handler, socket } = open();
  expect(socket.binaryType).toBe("arraybuffer");
  socket.onmessage({ data: "mtext" });
  socket.onmessage({ data: Uint8Array.of(0x6d, 1).buffer });
  expect(handler.events).toEqual(["receive mtext", "received", "receive [109,1]", "received"]);
});

test("what is sent goes straight to the socket", () => {
  const { link, socket } = open();
  expect(link).toMatchObject({ transport: "websocket", rewinds: false });
  socket.onopen();
  link.send({ data: "mone" });
  link.send({ data: Uint8Array.of(1) });
  link.flush();
  expect(socket.sent).toEqual(["mone", Uint8Array.of(1)]);
});

test("a socket that the peer is closing is not sent to: the browser would complain on the console", () => {
  const { link, socket } = open();
  socket.onopen();
  socket.readyState = 2;
  link.send({ data: "mone" });
  expect(socket.sent).toEqual([]);
});

test("the end of the socket loses the link, with what the peer said", () => {
  const { handler, socket } = open();
  socket.onclose({ code: 4409, reason: "taken over" });
  expect(handler.events).toEqual(["lost BW_LINK_LOST 4409 taken over"]);
});

test("after close nobody is told anything", () => {
  const { link, handler, socket } = open();
  handler.onEvent = () => link.close(4000, "bye");
  socket.onmessage({ data: "mone" });
  expect(socket.closed).toEqual([4000, "bye"]);
  socket.onopen();
  socket.onmessage({ data: "mtwo" });
  socket.onclose({ code: 1005, reason: "" });
  expect(handler.events).toEqual(["receive mone"]);
});

describe("where there is no WebSocket", () => {
  beforeEach(() => {
    vi.stubGlobal("WebSocket", undefined);
  });

  test("the link is lost later", async () => {
    const handler = new RecordingHandler();
    const link = webSocket().open({ url, maxMessageBytes: 1_000 }, "h{}", handler);
    expect(handler.events).toEqual([]);
    await handler.until("lost BW_LINK_LOST undefined TypeError");
    link.send({ data: "mone" });
    link.close(4000, "bye");
  });

  test("unless it was closed before", async () => {
    const handler = new RecordingHandler();
    webSocket().open({ url, maxMessageBytes: 1_000 }, "h{}", handler).close(4000, "bye");
    await Promise.resolve();
    expect(handler.events).toEqual([]);
  });
});
