/** The bundles that `npm run size` measures, in a real browser: everything that can be said, over each transport. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { useChromium } from "./chromium.ts";
import { Stage } from "./stage.ts";

const browser = useChromium();

const ways = [
  { bundle: "core-websocket", transport: "websocket" },
  { bundle: "default", transport: "websocket" },
  { bundle: "default", transport: "long-polling" },
] as const;

describe.each(ways)("$bundle over $transport", ({ bundle, transport }) => {
  let stage: Stage;
  const options = { transports: [transport] };

  beforeEach(async () => {
    stage = await Stage.open(browser(), { bundle });
  });
  afterEach(() => stage.close());

  test("connects and joins, with auth", async () => {
    await stage.connect({ ...options, auth: { token: "t" } });
    expect(await stage.transport()).toBe(transport);
    expect(stage.server.socket.handshake.auth).toEqual({ token: "t" });
    expect(await stage.page.evaluate(() => window.socket.id)).toBe(stage.server.socket.id);
    expect(await stage.log()).toEqual([transport, "connect"]);
  });

  test("each side asks and the other answers", async () => {
    await stage.connect(options);
    const answer = await stage.page.evaluate(() =>
      window.socket.emitWithAck("echo", "😀", [1, null], { a: true }),
    );
    expect(answer).toEqual(["😀", [1, null], { a: true }]);
    expect(await stage.server.socket.emitWithAck("echo", "한글", 2)).toEqual(["한글", 2]);
    const refusal = await stage.page.evaluate(() =>
      window.socket
        .timeout(30_000)
        .emitWithAck("nobody listens")
        .catch((error) => error.code),
    );
    expect(refusal).toBe("BW_ACK_REFUSED");
  });

  test("bytes arrive as bytes, at any depth", async () => {
    await stage.connect(options);
    const sent = stage.server.socket;
    const up = new Promise<unknown[]>((resolve) =>
      sent.on("bytes", (...values: unknown[]) => resolve(values)),
    );
    await stage.page.evaluate(() => {
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      window.socket.emit("bytes", all, { deep: [new ArrayBuffer(3), new Blob([all, "!"])] }, "!0");
    });
    const all = Array.from({ length: 256 }, (_, index) => index);
    const [array, { deep }, text] = (await up) as [Uint8Array, { deep: Uint8Array[] }, string];
    expect([...array]).toEqual(all);
    expect(deep.map((bytes) => [...bytes])).toEqual([
      [0, 0, 0],
      [...all, 33],
    ]);
    expect(text).toBe("!0");
    await stage.page.evaluate(() => {
      window.socket.on("sum", (bytes: Uint8Array, rest: { deep: Uint8Array[] }) => [
        bytes.reduce((sum, byte) => sum + byte, 0),
        ...rest.deep.map((each) => each.constructor.name + each.length),
      ]);
    });
    const answer = await sent.emitWithAck("sum", Buffer.from([1, 2, 3]), { deep: [new Uint8Array(70_000)] });
    expect(answer).toEqual([6, "Uint8Array70000"]);
  });

  test("what is sent behind a Blob waits for it", async () => {
    await stage.connect(options);
    const events: string[] = [];
    stage.server.socket.onAny((event: string) => void events.push(event));
    const answer = await stage.page.evaluate(async () => {
      const blob = new Blob([new Uint8Array(300_000).fill(7)]);
      window.socket.emit("first", { blob });
      window.socket.emit("second");
      const echoed = window.socket.emitWithAck("echo", [blob]);
      window.socket.emit("last");
      const [[bytes]] = (await echoed) as [[Uint8Array]];
      return bytes.length === blob.size && bytes.every((byte) => byte === 7);
    });
    expect(answer).toBe(true);
    expect(events).toEqual(["first", "second", "echo", "last"]);
  });

  test("more than the window each way, and a drain", async () => {
    await stage.connect(options);
    const size = 64 * 1024;
    const count = 100;
    const received: [number: number, bytes: number][] = [];
    const { socket } = stage.server;
    socket.on("bulk", (bytes: Uint8Array, number: number) => void received.push([number, bytes.length]));
    socket.on("begin", () => {
      for (let i = 0; i < count; i++) socket.emit("bulk", new Uint8Array(size), i);
    });
    const heard = await stage.page.evaluate(
      ([length, total]) =>
        new Promise<{ inOrder: boolean; drained: boolean }>((resolve) => {
          const { socket } = window;
          let next = 0;
          let inOrder = true;
          let drained = false;
          let wasFull = false;
          socket.on("drain", () => {
            drained = true;
          });
          socket.on("bulk", (bytes: Uint8Array, number: number) => {
            inOrder &&= number === next++ && bytes.length === length;
            if (next === total) finish();
          });
          socket.emit("begin");
          for (let i = 0; i < total; i++)
            wasFull = !socket.emit("bulk", new Uint8Array(length), i) || wasFull;
          const finish = async (): Promise<void> => {
            await socket.emitWithAck("echo");
            resolve({ inOrder, drained: drained && wasFull });
          };
        }),
      [size, count] as const,
    );
    expect(heard).toEqual({ inOrder: true, drained: true });
    expect(received).toEqual(Array.from({ length: count }, (_, index) => [index, size]));
  });

  test("namespaces share one connection and keep their messages apart", async () => {
    stage.server.io.of("/news").on("connection", (socket) => {
      socket.on("who", () => "news");
      socket.emit("hello", "from news");
    });
    await stage.connect(options);
    const result = await stage.page.evaluate(async () => {
      const { socket } = window;
      const news = window.bothways.io("/news", {});
      const hello = await new Promise((resolve) => news.on("hello", resolve));
      const answer = await news.emitWithAck("who");
      const isShared = news.io === socket.io;
      news.disconnect();
      return { hello, answer, isShared, stays: socket.connected };
    });
    expect(result).toEqual({ hello: "from news", answer: "news", isShared: true, stays: true });
    expect(stage.server.io.stats().sessions).toBe(1);
  });

  test("leaves, and comes back as someone else", async () => {
    await stage.connect(options);
    const first = stage.server.socket;
    const left = new Promise((resolve) => first.on("disconnect", resolve));
    await stage.page.evaluate(() => window.socket.disconnect());
    expect(await left).toBe("client namespace disconnect");
    await stage.page.evaluate(() => window.socket.connect());
    await stage.page.waitForFunction(() => window.socket.connected);
    // the server raises `connection` when it hears that the welcome arrived
    await expect.poll(() => stage.server.socket.id).not.toBe(first.id);
    expect(await stage.log()).toEqual([
      transport,
      "connect",
      "disconnect io client disconnect",
      transport,
      "connect",
    ]);
  });
});
