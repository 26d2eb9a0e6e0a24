/** How bytes travel through the proxy: order, delay, rate, bounds, stalls. Times are asserted as lower bounds only. */
import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { FaultProxy } from "../../src/testing/index.ts";
import { Lane } from "../../src/testing/lane.ts";
import { defaultShape } from "../../src/testing/network-shape.ts";
import { echo, listenRig, type Rig } from "./loopback.ts";

describe("without a fault", () => {
  test("every byte arrives once and in order, both ways, and is counted", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const sent = randomBytes(1_000_000);
    client.socket.write(sent);
    expect((await client.receivedBytes(sent.length)).equals(sent)).toBe(true);
    expect(server.received.equals(sent)).toBe(true);
    expect(proxy.stats).toEqual({
      opened: 1,
      refused: 0,
      live: 1,
      bytesUp: sent.length,
      bytesDown: sent.length,
      inFlightUp: 0,
      inFlightDown: 0,
    });
  });

  test("one side may end while the other still speaks", async () => {
    const { open, proxy } = await listenRig({ latencyMs: 5 }, "nothing");
    const [client, server] = await open();
    server.socket.allowHalfOpen = true;
    client.socket.end("question");
    await new Promise((resolve) => server.socket.on("end", resolve));
    expect(server.text).toBe("question");
    server.socket.end("answer");
    expect(await client.closed).toBe("");
    expect(client.text).toBe("answer");
    await vi.waitFor(() => expect(proxy.stats.live).toBe(0));
    expect(proxy.cut().connections).toBe(0);
  });

  test.for(["client", "server"] as const)(
    "a reset by the %s reaches the other side behind its bytes",
    async (from) => {
      const { open } = await listenRig({ latencyMs: 20 });
      const [client, server] = await open();
      await echo(client, "settled");
      const [speaker, listener] = from === "client" ? [client, server] : [server, client];
      speaker.socket.write("last words", () => speaker.socket.resetAndDestroy());
      expect(await listener.closed).toBe("ECONNRESET");
      expect(listener.text).toBe("settledlast words");
    },
  );
});

describe("latency", () => {
  test("a round trip takes at least twice the one-way delay", async () => {
    const { open } = await listenRig({ latencyMs: 40 });
    const [client] = await open();
    const startedAt = performance.now();
    expect(await echo(client, "ping")).toBe("ping");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(80);
  });

  test("does not throttle: a megabyte is under way at once", async () => {
    const { proxy, open } = await listenRig({ latencyMs: 60_000 });
    const [client] = await open();
    client.socket.write(randomBytes(1_000_000));
    await vi.waitFor(() => expect(proxy.inFlight("up")).toBe(1_000_000));
    expect(proxy.inFlight("down")).toBe(0);
    expect(proxy.stats.bytesUp).toBe(0);
  });

  test("order is kept when the delay shrinks in between", async () => {
    const { proxy, open } = await listenRig({ latencyMs: 60 });
    const [client, server] = await open();
    client.socket.write("slow ");
    await vi.waitFor(() => expect(proxy.inFlight("up")).toBe(5));
    proxy.reshape({ latencyMs: 0 });
    client.socket.write("quick");
    await server.receivedBytes(10);
    expect(server.text).toBe("slow quick");
  });
});

describe("handshake", () => {
  test("the first answer on a new connection takes two round trips", async () => {
    const { open } = await listenRig({ latencyMs: 25, handshakeRtt: true });
    const startedAt = performance.now();
    const [client] = await open();
    await echo(client, "first");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(100);
  });

  test("a server that speaks first is heard after two round trips, too", async () => {
    const { backend, open } = await listenRig({ latencyMs: 25, handshakeRtt: true });
    backend.server.on("connection", (socket) => socket.write("welcome"));
    const startedAt = performance.now();
    const [client] = await open();
    await client.receivedBytes(7);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(100);
  });

  test("only the first bytes are held: a settled connection overtakes a new one", async () => {
    const { open } = await listenRig({ connectDelayMs: 300 });
    const [settled] = await open();
    await echo(settled, "first");
    const [fresh] = await open();
    const winner = await Promise.race([echo(fresh, "fresh"), echo(settled, "again")]);
    expect(winner).toBe("again");
    await fresh.receivedBytes(5);
  });
});

describe("throttle", () => {
  test("bytes take at least their time at the rate, in order", async () => {
    const { open } = await listenRig({ bytesPerSecond: 100_000 }, "nothing");
    const [client, server] = await open();
    const sent = randomBytes(20_000);
    const startedAt = performance.now();
    client.socket.write(sent);
    expect((await server.receivedBytes(sent.length)).equals(sent)).toBe(true);
    // The last of twenty slices of 10 ms leaves after nineteen of them.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(190);
  });

  test("each connection has its own rate", async () => {
    const { proxy, open } = await listenRig({ bytesPerSecond: 1 }, "nothing");
    const [first, firstServer] = await open();
    const [second, secondServer] = await open();
    first.socket.write("a".repeat(600));
    await firstServer.receivedBytes(1);
    second.socket.write("b");
    await secondServer.receivedBytes(1);
    // ten minutes earlier than behind the first's
    expect(firstServer.text.length).toBeLessThan(600);
    expect(proxy.stats.bytesUp).toBe(firstServer.text.length + 1);
  });

  test("a timer that is late does not lower the rate", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let nowMs = 0;
    const now = vi.spyOn(performance, "now").mockImplementation(() => nowMs);
    onTestFinished(() => {
      now.mockRestore();
      vi.useRealTimers();
    });
    const written: number[] = [];
    const source = Object.assign(new EventEmitter(), { isPaused: () => false });
    const sink = Object.assign(new EventEmitter(), { write: (bytes: Buffer) => written.push(bytes.length) });
    new Lane({
      direction: "up",
      source: source as never,
      sink: sink as never,
      shape: { ...defaultShape, bytesPerSecond: 100_000 },
      opensAt: 0,
      gate: (lane, bytes) => void lane.forward(bytes.length),
    });
    source.emit("data", Buffer.alloc(10_000));
    expect(written).toEqual([1_000]);
    // each is 30 ms late
    for (nowMs = 40; vi.getTimerCount() > 0; nowMs += 40) vi.runOnlyPendingTimers();
    expect(written).toEqual(Array.from({ length: 10 }, () => 1_000));
    expect(nowMs).toBe(160);
  });
});

describe("stall", () => {
  test("bytes wait in order, then all go", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const strike = proxy.stall({ affects: "up" });
    expect(strike.connections).toBe(1);
    client.socket.write("one ");
    client.socket.write("two");
    await vi.waitFor(() => expect(proxy.inFlight("up")).toBe(7));
    server.socket.write("still down");
    await client.receivedBytes(10);
    expect(server.text).toBe("");
    proxy.resume();
    await server.receivedBytes(7);
    expect(server.text).toBe("one two");
    expect(proxy.inFlight("up")).toBe(0);
  });

  test("ends by itself after forMs, not before", async () => {
    const { proxy, open } = await listenRig();
    const [client] = await open();
    const { atMs } = proxy.stall({ forMs: 60 });
    expect(await echo(client, "late")).toBe("late");
    // The clock of timers counts whole milliseconds.
    expect(performance.now() - atMs).toBeGreaterThanOrEqual(59);
  });
});

describe("what waits is bounded", () => {
  const maxBufferedBytes = 100_000;
  // One chunk read from a socket, 64 KiB, may pass the limit; as much may wait in Node's own buffer of the sink.
  const mostInFlight = maxBufferedBytes + 2 * 65_536;
  const sent = randomBytes(16_000_000);

  test("in a stall the sender is paused, and nothing is lost", async () => {
    const { proxy, open } = await listenRig({ maxBufferedBytes }, "nothing");
    const [client, server] = await open();
    proxy.stall();
    client.socket.write(sent);
    await vi.waitFor(() => expect(proxy.inFlight("up")).toBeGreaterThanOrEqual(maxBufferedBytes));
    await crossOnce(proxy, open);
    expect(proxy.inFlight("up")).toBeLessThanOrEqual(mostInFlight);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    proxy.resume();
    expect((await server.receivedBytes(sent.length)).equals(sent)).toBe(true);
  });

  test("a receiver that does not read pauses the sender, and nothing is lost", async () => {
    const { proxy, open } = await listenRig({ maxBufferedBytes }, "nothing");
    const [client, server] = await open();
    server.socket.pause();
    client.socket.write(sent);
    await vi.waitFor(() => expect(proxy.inFlight("up")).toBeGreaterThanOrEqual(maxBufferedBytes));
    await crossOnce(proxy, open);
    expect(proxy.inFlight("up")).toBeLessThanOrEqual(mostInFlight);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    server.socket.resume();
    expect((await server.receivedBytes(sent.length)).equals(sent)).toBe(true);
  });

  test("half-open swallows what a paused sender still has", async () => {
    const { proxy, open } = await listenRig({ maxBufferedBytes }, "nothing");
    const [client, server] = await open();
    proxy.stall();
    const written = new Promise((resolve) => client.socket.write(sent, resolve));
    await vi.waitFor(() => expect(proxy.inFlight("up")).toBeGreaterThanOrEqual(maxBufferedBytes));
    proxy.halfOpen();
    await written;
    proxy.resume();
    await crossOnce(proxy, open);
    expect(server.text).toBe("");
  });

  /** Bytes cross on another connection: a whole turn of the proxy, in which it could have read more. */
  async function crossOnce(proxy: FaultProxy, open: Rig["open"]): Promise<void> {
    const { bytesUp } = proxy.stats;
    const [fresh] = await open();
    fresh.socket.write("across");
    await vi.waitFor(() => expect(proxy.stats.bytesUp).toBeGreaterThan(bytesUp));
  }
});
