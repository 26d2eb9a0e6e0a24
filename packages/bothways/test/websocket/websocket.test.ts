/** One open WebSocket: what it sends and gives, backpressure, the standard's face, iteration. */
import { once } from "node:events";
import { Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import {
  type CloseEvent,
  type MessageEvent,
  PreparedMessage,
  type Sendable,
  WebSocket,
} from "../../src/websocket/index.ts";
import { closed, connectPair, connectRaw, fill, frame, messages, type Name, open, urlOf } from "./rig.ts";

describe("send", () => {
  const bytes = Uint8Array.of(104, 105);
  const forms: readonly (readonly [what: string, data: Sendable, text: string, isBinary: boolean])[] = [
    ["a string", "hi", "hi", false],
    ["a number", 42, "42", false],
    ["zero", 0, "0", false],
    ["a Buffer", Buffer.from("hi"), "hi", true],
    ["a Uint8Array", bytes, "hi", true],
    ["an ArrayBuffer", bytes.slice().buffer, "hi", true],
    ["a DataView of a part", new DataView(Uint8Array.of(0, 104, 105, 0).buffer, 1, 2), "hi", true],
    ["16-bit numbers, by their bytes", Uint16Array.of(0x6968), "hi", true],
    ["a list of numbers", [104, 105], "hi", true],
    ["undefined", undefined, "", true],
    ["null", null, "", true],
    ["a Blob", new Blob(["h", "i"]), "hi", true],
  ];
  const receivers: readonly Name[] = ["ours", "ws"];

  test.each(forms)("%s", async (_, data, text, isBinary) => {
    for (const name of receivers) {
      const { server, client } = await connectPair({ names: ["ours", name] });
      server.send(data);
      const [received, wasBinary] = await once(client, "message");
      expect([String(received), wasBinary]).toEqual([text, isBinary]);
    }
  });

  test("`binary` overrules the type", async () => {
    const { server, client } = await connectPair();
    const kinds: unknown[] = [];
    client.on("message", (data, isBinary) => kinds.push([String(data), isBinary]));
    server.send("text", { binary: true });
    server.send(Buffer.from("bytes"), { binary: false });
    await messages(client, 2);
    expect(kinds).toEqual([
      ["text", true],
      ["bytes", false],
    ]);
  });

  test("calls back when it was written, in order", async () => {
    const { server, client } = await connectPair();
    const calls: unknown[] = [];
    const all = new Promise((resolve) => {
      server.send("small", (error) => calls.push(["small", error]));
      server.send(Buffer.alloc(200_000), { binary: true }, (error) => calls.push(["large", error]));
      server.send(new Blob(["blob"]), (error) => calls.push(["blob", error]));
      server.ping("ping", undefined, (error) => calls.push(["ping", error]));
      server.send("last", (error) => resolve(calls.push(["last", error])));
    });
    await messages(client, 4);
    await all;
    expect(calls).toEqual(["small", "large", "blob", "ping", "last"].map((name) => [name, undefined]));
  });

  test("what waits behind a Blob keeps its order, the close too", async () => {
    const { server, client } = await connectPair();
    const received: string[] = [];
    client.on("message", (data) => received.push(String(data)));
    client.on("ping", () => received.push("(ping)"));
    expect(server.send(new Blob(["one"]))).toBe(false);
    expect(server.bufferedAmount).toBe(3);
    server.send("two");
    server.ping();
    server.send(new PreparedMessage("three"));
    server.send(new Blob(["four"]));
    server.close(4000);
    expect(await closed(client)).toEqual([4000, ""]);
    expect(received).toEqual(["one", "two", "(ping)", "three", "four"]);
  });

  test("a Blob that cannot be read ends the WebSocket", async () => {
    const { server, client } = await connectPair();
    const blob = new Blob(["x"]);
    vi.spyOn(blob, "arrayBuffer").mockRejectedValue(new Error("gone"));
    const failed = once(server, "error");
    const told = new Promise((resolve) => server.send(blob, resolve));
    expect(await told).toMatchObject({ message: "gone" });
    expect((await failed)[0]).toMatchObject({ code: "BW_WS_BLOB" });
    expect((await closed(client))[0]).toBe(1006);
  });

  test("drain waits for a Blob that is being read", async () => {
    const { server } = await connectPair();
    const blob = new Blob(["slow"]);
    let give: (bytes: ArrayBuffer) => void = () => {};
    const bytes = new Promise<ArrayBuffer>((resolve) => {
      give = resolve;
    });
    vi.spyOn(blob, "arrayBuffer").mockReturnValue(bytes);
    let drains = 0;
    server.on("drain", () => drains++);
    server.send("before");
    expect(server.send(blob)).toBe(false);
    await new Promise(setImmediate);
    expect([drains, server.bufferedAmount]).toEqual([0, 4]);
    give(new ArrayBuffer(4));
    await once(server, "drain");
    expect(server.bufferedAmount).toBe(0);
  });

  test("too late it calls back with an error, and counts as buffered", async () => {
    const { server, client } = await connectPair();
    client.close();
    expect(client.send("12345")).toBe(false);
    const error = await new Promise((resolve) => client.send("678", resolve));
    expect(error).toMatchObject({
      code: "BW_WS_NOT_OPEN",
      message: expect.stringContaining("readyState 2 (CLOSING)"),
    });
    expect(client.bufferedAmount).toBeGreaterThanOrEqual(8);
    await closed(server);
    if (client.readyState !== client.CLOSED) await closed(client);
    const late = await new Promise((resolve) => client.send("90", resolve));
    expect(late).toMatchObject({ message: expect.stringContaining("readyState 3 (CLOSED)") });
    expect(client.bufferedAmount).toBe(10);
  });

  test("all that one turn sends leaves in one write, what its promises send too", async () => {
    const { server, client } = await connectPair();
    const write = vi.spyOn(Socket.prototype as unknown as { _writeGeneric: () => void }, "_writeGeneric");
    try {
      const received = messages(client, 6);
      setImmediate(() => {
        server.send("one");
        server.send("two");
        void Promise.resolve().then(() => server.send("three"));
        void (async () => {
          await Promise.resolve();
          await Promise.resolve();
          server.send("four");
          server.send(new PreparedMessage("five"));
        })();
        server.send(Buffer.alloc(100_000, "x"));
      });
      await received;
      expect(write.mock.contexts.filter((socket) => socket === server._socket)).toHaveLength(1);
    } finally {
      write.mockRestore();
    }
  });
});

describe("backpressure", () => {
  test("send returns false while much waits, and drain follows when all has left", async () => {
    const { server, client } = await connectPair({ client: { maxPayload: 0 } });
    client.pause();
    let drains = 0;
    server.on("drain", () => drains++);
    expect(server.send("small")).toBe(true);
    await fill(server);
    drains = 0;
    expect(server.send("small")).toBe(false);
    await new Promise(setImmediate);
    expect([drains, server.bufferedAmount > 0]).toEqual([0, true]);
    client.resume();
    await once(server, "drain");
    expect(server.bufferedAmount).toBe(0);
    expect(server.send("small")).toBe(true);
  });

  test("drain follows in the same turn where the kernel took everything", async () => {
    const { server } = await connectPair();
    expect(server.send(Buffer.alloc(70_000))).toBe(false);
    await once(server, "drain");
    expect(server.bufferedAmount).toBe(0);
  });

  test("no drain comes once it is closing", async () => {
    const { server } = await connectPair();
    server.on("drain", () => expect.unreachable());
    expect(server.send(Buffer.alloc(70_000))).toBe(false);
    server.close();
    await closed(server);
  });

  test("pause stops the messages, resume brings them", async () => {
    const { server, client } = await connectPair();
    server.pause();
    expect(server.isPaused).toBe(true);
    const received: string[] = [];
    server.on("message", (data) => received.push(String(data)));
    client.send("one");
    await new Promise((resolve) => client.ping("", false, resolve));
    await new Promise(setImmediate);
    expect(received).toEqual([]);
    server.resume();
    await once(client, "pong");
    expect([received, server.isPaused]).toEqual([["one"], false]);
  });

  test("a paused WebSocket closes all the same", async () => {
    const { server, client } = await connectPair();
    server.pause();
    server.close(4000);
    expect(await closed(server)).toEqual([4000, ""]);
    expect(client.isPaused).toBe(false);
  });

  test("pings to a peer that does not read are answered once, with the newest", async () => {
    const { server, client } = await connectRaw({ maxBufferedAmount: 0 });
    client.socket.pause();
    await fill(server);
    const before = server.bufferedAmount;
    expect(before).toBeGreaterThan(0);
    const last = new Promise((resolve) => {
      server.on("ping", (data) => String(data) === "ping 999" && resolve(data));
    });
    for (let i = 0; i < 1_000; i++) client.socket.write(frame(9, `ping ${i}`));
    await last;
    expect(server.bufferedAmount).toBe(before);
    client.socket.resume();
    const all = await client.receive(/ping 999/);
    expect(all.match(/ping \d+/g)).toEqual(["ping 999"]);
  });
});

describe("what comes", () => {
  test("each binaryType", async () => {
    const { server, client } = await connectPair();
    const seen: unknown[] = [];
    client.on("message", (data) => seen.push(data));
    for (const type of ["nodebuffer", "arraybuffer", "fragments", "blob", "nonsense"] as const) {
      client.binaryType = type as typeof client.binaryType;
      const received = once(client, "message");
      server.send(Uint8Array.of(7, 8));
      await received;
    }
    expect(seen.slice(0, 3)).toEqual([Buffer.of(7, 8), Uint8Array.of(7, 8).buffer, [Buffer.of(7, 8)]]);
    expect(await (seen[3] as Blob).arrayBuffer()).toEqual(Uint8Array.of(7, 8).buffer);
    expect([client.binaryType, seen[4] instanceof Blob]).toEqual(["blob", true]);
  });

  test("goes back as it came, of each binaryType: the echo that everybody writes", async () => {
    const { server, client } = await connectPair();
    server.on("message", (data, isBinary) => server.send(data, { binary: isBinary }));
    for (const type of ["nodebuffer", "arraybuffer", "fragments"] as const) {
      server.binaryType = type;
      for (const sent of [Buffer.of(7, 8), "text"]) {
        const received = once(client, "message");
        client.send(sent);
        expect(await received).toEqual([Buffer.from(sent), typeof sent !== "string"]);
      }
    }
  });

  test("a message may be kept: what comes later does not change it", async () => {
    const { server, client } = await connectPair();
    const kept: Buffer[] = [];
    server.on("message", (data) => kept.push(data as Buffer));
    const sent = Array.from({ length: 500 }, (_, i) => `${i}`.repeat((i * 37) % 400));
    const all = messages(server, sent.length);
    for (const text of sent) client.send(text);
    await all;
    expect(kept.map(String)).toEqual(sent);
  });

  test("autoPong false leaves pings to the application", async () => {
    const { server, client } = await connectPair({ server: { autoPong: false } });
    server.on("ping", (data) => server.pong(`mine ${data}`));
    client.ping("p");
    expect(String((await once(client, "pong"))[0])).toBe("mine p");
  });

  test("a listener that throws disturbs nothing, and is heard of as an uncaught exception", async () => {
    const { server, client } = await connectPair();
    const thrown: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => thrown.push(error.message));
    try {
      server.once("message", () => {
        throw new Error("mine");
      });
      const received = messages(server, 2);
      client.send("one");
      client.send("two");
      client.send("three");
      expect(await received).toEqual(["two", "three"]);
      expect(thrown).toEqual(["mine"]);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    }
  });

  test("an error nobody listens for ends the WebSocket and not the process", async () => {
    const { server, client } = await connectRaw({ closeTimeout: 50 });
    server.removeAllListeners("error");
    client.socket.write(Buffer.alloc(14, 0xff));
    expect(await closed(server)).toEqual([1006, ""]);
  });
});

describe("the standard's face (WHATWG WebSockets §3)", () => {
  test("constants, on class and object, not to be changed", async () => {
    const { client } = await connectPair();
    const constants = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
    for (const [name, value] of Object.entries(constants)) {
      expect([Reflect.get(WebSocket, name), Reflect.get(client, name)]).toEqual([value, value]);
    }
    expect(Object.getOwnPropertyDescriptor(WebSocket, "OPEN")).toMatchObject({
      writable: false,
      enumerable: true,
    });
  });

  test("listeners get the standard's events: texts as strings, wasClean, reason as string", async () => {
    const { server, client } = await connectPair();
    const events: Event[] = [];
    client.addEventListener("message", (event) => events.push(event));
    client.addEventListener("close", { handleEvent: (event) => events.push(event) });
    server.send("text");
    server.send(Uint8Array.of(1));
    server.close(1000, "bye");
    await closed(client);
    expect(events.map(({ type }) => type)).toEqual(["message", "message", "close"]);
    const [text, bytes, close] = events as [MessageEvent, MessageEvent, CloseEvent];
    expect([text.data, bytes.data]).toEqual(["text", Buffer.of(1)]);
    expect(text.origin).toBe(client.url?.replace(/\/$/, ""));
    expect(close).toMatchObject({ code: 1000, reason: "bye", wasClean: true });
    for (const event of events) expect([event instanceof Event, event.target]).toEqual([true, client]);
  });

  test("error comes before close, and a broken connection is not clean", async () => {
    const { server, client } = await connectPair({ client: { maxPayload: 10 } });
    const events: string[] = [];
    client.onerror = ({ message, error }) => events.push(`error ${message === (error as Error).message}`);
    client.onclose = ({ code, reason, wasClean }) => events.push(`close ${code} "${reason}" ${wasClean}`);
    server.send("more than ten bytes");
    await closed(client);
    expect(events).toEqual(["error true", 'close 1006 "" false']);
  });

  test("attributes hold one listener; listeners are added once and removed", async () => {
    const { server, client } = await connectPair();
    const seen: string[] = [];
    const one = (): number => seen.push("one");
    const two = (): number => seen.push("two");
    const listener = (): number => seen.push("listener");
    expect(client.onmessage).toBe(null);
    client.onmessage = one;
    client.onmessage = two;
    expect(client.onmessage).toBe(two);
    client.addEventListener("message", listener);
    client.addEventListener("message", listener);
    client.addEventListener("message", () => seen.push("once"), { once: true });
    const controller = new AbortController();
    client.addEventListener("message", () => seen.push("aborted"), { signal: controller.signal });
    controller.abort();
    client.addEventListener("nonsense" as "open", () => seen.push("nonsense"));
    const both = messages(client, 2);
    server.send("1");
    server.send("2");
    await both;
    expect(seen).toEqual(["two", "listener", "once", "two", "listener"]);
    client.removeEventListener("message", listener);
    client.onmessage = null;
    expect(client.onmessage).toBe(null);
    server.send("3");
    await once(client, "message");
    expect(seen).toHaveLength(5);
  });

  test("a close needs an allowed code, in any state, and a reason of at most 123 bytes", async () => {
    const { server, client, wss } = await connectPair();
    const invalid = (socket: WebSocket, code: number): void => {
      expect(() => socket.close(code)).toThrow(expect.objectContaining({ name: "InvalidAccessError" }));
    };
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, Number.NaN, 1000.5])
      invalid(client, code);
    invalid(open(urlOf(wss)), 1);
    expect(() => client.close(1000, "x".repeat(124))).toThrow(
      expect.objectContaining({ name: "SyntaxError" }),
    );
    client.close(1000, `${"é".repeat(61)}x`);
    invalid(client, 1);
    expect(await closed(server)).toEqual([1000, `${"é".repeat(61)}x`]);
    invalid(server, 1);
  });

  test("after close() neither ping nor pong comes", async () => {
    const { server, client } = await connectPair();
    for (const event of ["ping", "pong"] as const) client.on(event, () => expect.unreachable());
    client.close();
    server.ping();
    server.pong();
    expect(await closed(client)).toEqual([1005, ""]);
  });

  test("`mask` changes nothing, a ping carries no Blob, a Blob is the platform's, and servers have no url", async () => {
    const { server, client } = await connectPair();
    client.send("masked", { mask: false });
    expect(await messages(server, 1)).toEqual(["masked"]);
    expect(() => client.ping(new Blob(["x"]))).toThrow(TypeError);
    const like = { arrayBuffer: async () => new ArrayBuffer(1), [Symbol.toStringTag]: "Blob" };
    expect(() => client.send(like as unknown as Blob)).toThrow(TypeError);
    expect(server.url).toBe("");
  });
});

describe("for await", () => {
  test("gives texts as strings and bytes, and ends with the WebSocket", async () => {
    const { server, client } = await connectPair();
    const iterator = client[Symbol.asyncIterator]();
    server.send("one");
    server.send(Uint8Array.of(2));
    server.close(1000);
    const found: unknown[] = [];
    for await (const message of iterator) found.push(message);
    expect(found).toEqual(["one", Buffer.of(2)]);
  });

  test("has nothing to give once it is closed", async () => {
    const { server, client } = await connectPair();
    server.close();
    await closed(client);
    for await (const _ of client) expect.unreachable();
    expect(client.listenerCount("message")).toBe(0);
  });

  test("throws where the connection broke, after what had come", async () => {
    const { server, client } = await connectPair();
    const found: unknown[] = [];
    const loop = (async () => {
      for await (const message of client) found.push(message);
    })();
    server.send("one");
    await once(client, "message");
    server.terminate();
    await expect(loop).rejects.toMatchObject({ code: "BW_WS_ABNORMAL" });
    expect(found).toEqual(["one"]);
  });

  test("a slow loop holds the sender back", async () => {
    const { server, client } = await connectPair({ server: { maxBufferedAmount: 0 } });
    const part = Buffer.alloc(100_000);
    const iterator = client[Symbol.asyncIterator]();
    expect((await Promise.all([iterator.next(), server.send(part)]))[0].value).toHaveLength(part.length);
    let sent = 1;
    // Until so much waits that nothing leaves any more, though nobody paused anything.
    while (!client.isPaused || server.bufferedAmount < 1_000_000) {
      server.send(part);
      sent++;
      await new Promise(setImmediate);
    }
    server.close();
    let received = 1;
    for await (const message of iterator) received += Number((message as Buffer).length === part.length);
    expect(received).toBe(sent);
    expect(sent).toBeGreaterThan(20);
  });

  test("leaving the loop lets the messages flow on", async () => {
    const { server, client } = await connectPair();
    for (let i = 0; i < 200; i++) server.send(`${i}`);
    for await (const message of client) if (message === "3") break;
    expect([client.isPaused, client.readyState, client.listenerCount("message")]).toEqual([
      false,
      client.OPEN,
      0,
    ]);
    const next = once(client, "message");
    server.send("next");
    await next;
  });
});

describe("PreparedMessage", () => {
  test.each([
    ["text", new PreparedMessage("héllo"), "héllo", false],
    ["bytes", new PreparedMessage(Uint8Array.of(104, 105)), "hi", true],
    ["a text given as bytes", new PreparedMessage(Buffer.from("hi"), { binary: false }), "hi", false],
    ["a long one", new PreparedMessage("x".repeat(100_000)), "x".repeat(100_000), false],
  ] as const)("%s, to many and either way", async (_, message, text, isBinary) => {
    const pairs = await Promise.all([connectPair(), connectPair({ names: ["ours", "ws"] })]);
    for (const { server, client } of pairs) {
      const received = once(client, "message");
      server.send(message);
      const [data, wasBinary] = await received;
      expect([String(data), wasBinary]).toEqual([text, isBinary]);
    }
    const [{ server, client }] = pairs;
    const received = once(server, "message");
    client.send(message);
    expect(String((await received)[0])).toBe(text);
    const told = new Promise((resolve) => server.send(message, resolve));
    expect(await told).toBe(undefined);
  });

  test("owns its bytes, and takes no Blob", async () => {
    const bytes = Buffer.from("one");
    const message = new PreparedMessage(bytes);
    bytes.fill(0);
    expect(Buffer.from(message.payload).toString()).toBe("one");
    expect(() => new PreparedMessage(new Blob([]))).toThrow(TypeError);
  });
});
