/** Every fault of the proxy, struck between real sockets: what is lost, who notices, what the strike reports. */
import { once } from "node:events";
import { createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { FaultProxy } from "../../src/testing/index.ts";
import { echo, listenBackend, listenRig, openClient } from "./loopback.ts";

describe("cut", () => {
  test("resets both sides of every connection", async () => {
    const { proxy, open } = await listenRig();
    const peers = [...(await open()), ...(await open())];
    const strike = proxy.cut();
    expect(strike).toMatchObject({
      connections: 2,
      connectionIds: [1, 2],
      bytesInFlightUp: 0,
      bytesInFlightDown: 0,
    });
    expect(proxy.cut().connections).toBe(0);
    for (const peer of peers) expect(await peer.closed).toBe("ECONNRESET");
    await vi.waitFor(() => expect(proxy.stats).toMatchObject({ opened: 2, live: 0 }));
  });

  test("ends both sides without error if graceful", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    proxy.cut({ graceful: true });
    expect(await client.closed).toBe("");
    expect(await server.closed).toBe("");
  });

  test("loses what is under way and reports it", async () => {
    const { proxy, open } = await listenRig({ latencyMs: 60_000 });
    const [client, server] = await open();
    client.socket.write("12345");
    server.socket.write("123");
    await vi.waitFor(() => expect(proxy.inFlight("up") + proxy.inFlight("down")).toBe(8));
    expect(proxy.cut()).toMatchObject({ bytesInFlightUp: 5, bytesInFlightDown: 3 });
    await Promise.all([client.closed, server.closed]);
    expect(client.text + server.text).toBe("");
    expect(proxy.inFlight("up")).toBe(0);
  });

  test("strikes only the connections named", async () => {
    const { proxy, open } = await listenRig();
    const [first] = await open();
    const [second] = await open();
    expect(proxy.cut({ connectionIds: [1, 99] }).connectionIds).toEqual([1]);
    expect(await first.closed).toBe("ECONNRESET");
    expect(await echo(second, "alive")).toBe("alive");
  });
});

describe("armed cut", () => {
  test("the bytes that spring it are lost and counted as in flight", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const sprung = proxy.cutOnNext({ direction: "up", minBytes: 10 });
    expect(await echo(client, "beat")).toBe("beat");
    client.socket.write("a whole message");
    expect(await sprung).toMatchObject({ connections: 1, bytesInFlightUp: 15, bytesInFlightDown: 0 });
    expect(await client.closed).toBe("ECONNRESET");
    expect(await server.closed).toBe("ECONNRESET");
    expect(server.text).toBe("beat");
  });

  test.for([0, 1, 5, 6])("cuts in the middle: %i bytes of a message pass", async (afterBytes) => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const sprung = proxy.cutOnNext({ direction: "down", afterBytes, graceful: true });
    server.socket.write("message");
    expect((await sprung).bytesInFlightDown).toBe(7 - afterBytes);
    await once(client.socket, "end");
    expect(client.text).toBe("message".slice(0, afterBytes));
  });

  test("counts over the chunks of one connection", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const [other] = await open();
    const sprung = proxy.cutOnNext({ direction: "up", afterBytes: 5 });
    await echo(other, "12345");
    await echo(client, "1234");
    client.socket.write("5678");
    expect(await sprung).toMatchObject({ connectionIds: [1], bytesInFlightUp: 3 });
    await server.closed;
    expect(server.text).toBe("12345");
    expect(await echo(other, "6")).toBe("6");
  });

  test("cutAfter strikes as soon as the last byte has passed", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const sprung = proxy.cutAfter(6, "up", { graceful: true });
    await echo(client, "123");
    client.socket.write("456");
    expect((await sprung).connections).toBe(1);
    await server.closed;
    expect(server.text).toBe("123456");
  });

  test("may take every connection with it", async () => {
    const { proxy, open } = await listenRig();
    const [client] = await open();
    const [bystander] = await open();
    const sprung = proxy.cutOnNext({ direction: "up", scope: "all" });
    client.socket.write("x");
    expect((await sprung).connections).toBe(2);
    expect(await bystander.closed).toBe("ECONNRESET");
  });

  test("strikes once; two traps need two connections", async () => {
    const { proxy, open } = await listenRig();
    const traps = [proxy.cutOnNext({ direction: "up" }), proxy.cutOnNext({ direction: "up" })];
    for (const trap of traps) {
      const [client] = await open();
      client.socket.write("x");
      expect((await trap).connections).toBe(1);
    }
    const [client] = await open();
    expect(await echo(client, "through")).toBe("through");
  });

  test("a throttle's slices do not hide a large chunk from minBytes", async () => {
    const { proxy, open } = await listenRig({ bytesPerSecond: 1_000 });
    const [client] = await open();
    const sprung = proxy.cutOnNext({ direction: "up", minBytes: 50 });
    client.socket.write("x".repeat(50));
    expect((await sprung).bytesInFlightUp).toBe(50);
  });
});

describe("half-open", () => {
  test("swallows both directions and closes neither side; new connections work", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    await echo(client, "before");
    expect(proxy.halfOpen()).toMatchObject({ connections: 1 });
    client.socket.write("lost");
    server.socket.write("lost");
    client.socket.resetAndDestroy();
    await client.closed;
    const [fresh] = await open();
    expect(await echo(fresh, "fresh")).toBe("fresh");
    expect(server.text).toBe("before");
    expect(server.socket.closed).toBe(false);
    expect(proxy.stats.live).toBe(1);
    expect(proxy.halfOpen().connectionIds).toEqual([2]);
  });

  test("may be one way only", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    proxy.halfOpen({ affects: "up" });
    client.socket.write("lost");
    server.socket.write("heard");
    await client.receivedBytes(5);
    const [fresh] = await open();
    await echo(fresh, "barrier");
    expect(server.text).toBe("");
    expect(proxy.stats.live).toBe(2);
  });

  test("can be armed: the message that springs it is lost", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const sprung = proxy.halfOpenOnNext({ direction: "up", afterBytes: 3 });
    client.socket.write("message");
    expect(await sprung).toMatchObject({ connections: 1, bytesInFlightUp: 4 });
    await server.receivedBytes(3);
    client.socket.write("more");
    const [fresh] = await open();
    await echo(fresh, "barrier");
    expect(server.text).toBe("mes");
    expect(server.socket.closed).toBe(false);
  });

  test("lets the sockets go once both ends have given up", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    proxy.halfOpen();
    client.socket.end();
    server.socket.end();
    await once(client.socket, "end");
    expect(await server.closed).toBe("");
  });

  test("a half-open connection can still be cut", async () => {
    const { proxy, open } = await listenRig();
    const [, server] = await open();
    proxy.halfOpen();
    expect(proxy.cut().connections).toBe(1);
    expect(await server.closed).toBe("ECONNRESET");
  });
});

describe("new connections", () => {
  test("are reset while refused; those open live on", async () => {
    const { backend, proxy, open } = await listenRig();
    const [client] = await open();
    proxy.admit("refuse");
    const refused = await openClient(proxy.port);
    expect(await refused.closed).toBe("ECONNRESET");
    expect(await echo(client, "alive")).toBe("alive");
    expect(proxy.stats).toMatchObject({ opened: 2, refused: 1, live: 1 });
    expect(backend.peers.length).toBe(1);
    proxy.admit("pass");
    const [next] = await open();
    expect(await echo(next, "in")).toBe("in");
  });

  test("open and are never answered in a black hole", async () => {
    const { backend, proxy, open } = await listenRig();
    proxy.admit("blackhole");
    const lost = await openClient(proxy.port);
    lost.socket.write("anyone?");
    proxy.admit("pass");
    const [next] = await open();
    expect(await echo(next, "in")).toBe("in");
    expect(backend.peers.length).toBe(1);
    expect(lost.text).toBe("");
    expect(lost.socket.closed).toBe(false);
    expect(proxy.stats).toMatchObject({ opened: 2, live: 1 });
  });

  test("pass again after forMs", async () => {
    const { proxy, backend } = await listenRig();
    proxy.admit("refuse", 30);
    await vi.waitFor(async () => {
      const client = await openClient(proxy.port);
      expect(await Promise.race([echo(client, "in"), client.closed])).toBe("in");
    });
    expect(backend.peers.length).toBe(1);
  });

  test("obey the last word: an earlier forMs ends with it", async () => {
    const { proxy } = await listenRig();
    proxy.admit("refuse", 20);
    proxy.admit("refuse");
    await new Promise((resolve) => setTimeout(resolve, 25));
    const refused = await openClient(proxy.port);
    expect(await refused.closed).toBe("ECONNRESET");
  });

  test("go to the target of the moment", async () => {
    const { proxy, open } = await listenRig();
    const [before] = await open();
    const other = await listenBackend();
    proxy.target = { port: other.port };
    const after = await openClient(proxy.port);
    expect(await echo(after, "new")).toBe("new");
    expect(await echo(before, "old")).toBe("old");
    expect(other.peers.map((peer) => peer.text)).toEqual(["new"]);
  });

  test("are reset when the target is down", async () => {
    const vacant = createServer().listen(0, "127.0.0.1");
    await once(vacant, "listening");
    const { port } = vacant.address() as { port: number };
    vacant.close();
    await once(vacant, "close");
    const { proxy } = await listenRig();
    proxy.target = { port };
    const client = await openClient(proxy.port);
    expect(await client.closed).toBe("ECONNRESET");
  });
});

describe("onData", () => {
  test("sees what is delivered, with its direction and connection", async () => {
    const seen: string[] = [];
    const { open } = await listenRig({
      onData: (direction, chunk, id) => seen.push(`${id} ${direction} ${Buffer.from(chunk)}`),
    });
    const [client] = await open();
    await echo(client, "hello");
    expect(seen).toEqual(["1 up hello", "1 down hello"]);
  });

  test("a cut from inside it loses exactly these bytes", async () => {
    const { proxy, open } = await listenRig({
      onData: (_direction, chunk) => {
        if (Buffer.from(chunk).includes("poison")) expect(proxy.cut().bytesInFlightUp).toBe(6);
      },
    });
    const [client, server] = await open();
    await echo(client, "food");
    client.socket.write("poison");
    expect(await server.closed).toBe("ECONNRESET");
    expect(server.text).toBe("food");
    expect(proxy.stats.bytesUp).toBe(4);
  });
});

describe("close", () => {
  test("leaves no socket or timer: a thread with nothing else ends", async () => {
    const thread = new Worker(new URL("./close-and-exit.ts", import.meta.url));
    onTestFinished(async () => {
      await thread.terminate();
    });
    expect(await once(thread, "exit")).toEqual([0]);
  });

  test("destroys both sides, rejects armed faults, and may be called twice", async () => {
    const { proxy, open } = await listenRig();
    const [client, server] = await open();
    const armed = proxy.cutOnNext({ direction: "up" });
    await proxy.close();
    await expect(armed).rejects.toThrow("closed before the armed fault struck");
    await Promise.all([client.closed, server.closed]);
    await proxy.close();
  });

  test("does not report armed faults nobody waits for as unhandled", async () => {
    const { proxy } = await listenRig();
    proxy.halfOpenOnNext({ direction: "down" });
    await proxy.close();
    await expect(fetch(proxy.url).then(() => "answered")).rejects.toThrow();
  });
});

test.for<[string, (proxy: FaultProxy) => unknown]>([
  ["latencyMs", (proxy) => proxy.reshape({ latencyMs: -1 })],
  ["bytesPerSecond", (proxy) => proxy.reshape({ bytesPerSecond: 0 })],
  ["maxBufferedBytes", (proxy) => proxy.reshape({ maxBufferedBytes: Number.NaN })],
  ["bytes", (proxy) => proxy.cutAfter(0, "up")],
  ["afterBytes", (proxy) => proxy.cutOnNext({ direction: "up", afterBytes: -1 })],
  ["minBytes", (proxy) => proxy.halfOpenOnNext({ direction: "up", minBytes: 0 })],
])("misuse throws at once: %s", async ([name, misuse]) => {
  const { proxy } = await listenRig();
  expect(() => misuse(proxy)).toThrow(new RegExp(`^${name} must be at least`));
});
