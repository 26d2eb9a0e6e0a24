/** Events both ways: what they carry, in which order they come, and who hears them. */
import { describe, expect, test } from "vitest";
import { type Client, next, Rig, type ServerSocket, type Technique } from "./rig.ts";

/** Each direction: the one that emits, then the one that listens. */
const ways: readonly ["up" | "down", (pair: { client: Client; server: ServerSocket }) => [Client, Client]][] =
  [
    ["up", ({ client, server }) => [client, server as unknown as Client]],
    ["down", ({ client, server }) => [server as unknown as Client, client]],
  ];

const values: readonly [string, unknown[]][] = [
  ["nothing", []],
  ["plain values", [1, -0.5, "text", true, false, null, [], {}, [1, [2, [3]]], { a: { b: "c" } }]],
  ["Unicode", ["žluťoučký 한국어 🦄 \u0000\u2028\uFEFF", { 키: "값" }]],
  ["lone surrogates, as they are", ["\ud83e", "\udd84\ud83e", { a: ["\udfff"] }]],
  ["line breaks and what looks like our own frames", ["a\nm2[]\r\nc4000,bye", "!0", "!!1", "!"]],
  ["a long text", ["x한".repeat(50_000)]],
  [
    "an object whose keys mean something elsewhere",
    [JSON.parse('{"__proto__":1,"constructor":2,"length":3}')],
  ],
];

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 31) & 255);

export function events(technique: Technique): void {
  describe.each(ways)("events %s", (way, pick) => {
    test.each(values)("%s", async (_name, args) => {
      const rig = await Rig.open(technique);
      const [from, to] = pick(await rig.join());
      const heard = next(to, "event");
      expect(from.emit("event", ...args)).toBe(true);
      expect(await heard).toEqual(args);
    });

    test("binary at any depth, without base64", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join();
      const [from, to] = pick({ client, server });
      const big = bytes(300 * 1024);
      const before = client.report();
      const heard = next(to, "event");
      from.emit(
        "event",
        Uint8Array.of(1, 2, 255),
        bytes(4).buffer,
        Buffer.from("node"),
        new DataView(bytes(8).buffer, 2, 3),
        { deep: [{ empty: new Uint8Array(0) }], text: "!0" },
        big,
      );
      const [plain, buffer, node, view, nested, long] = (await heard) as [
        ...Uint8Array[],
        { deep: unknown },
        Uint8Array,
      ];
      expect(plain).toEqual(Uint8Array.of(1, 2, 255));
      expect(buffer).toEqual(bytes(4));
      expect(node).toEqual(new Uint8Array(Buffer.from("node")));
      expect(view).toEqual(bytes(8).slice(2, 5));
      expect(nested).toEqual({ deep: [{ empty: new Uint8Array(0) }], text: "!0" });
      expect(Buffer.compare(long as Uint8Array, big)).toBe(0);
      expect((plain as Uint8Array).constructor).toBe(Uint8Array);
      // base64 would make it a third longer
      const after = client.report();
      const crossed = after.bytesSent + after.bytesReceived - before.bytesSent - before.bytesReceived;
      expect(crossed).toBeGreaterThan(big.length);
      expect(crossed).toBeLessThan(big.length + 1_000);
    });

    test("bytes that were handed over are the receiver's own, and the sender may go on with his", async () => {
      const rig = await Rig.open(technique);
      const [from, to] = pick(await rig.join());
      const mine = bytes(100);
      const heard: Uint8Array[] = [];
      const all = new Promise<void>((resolve) => {
        to.on("bytes", (given: Uint8Array) => {
          heard.push(given);
          if (heard.length === 3) resolve();
        });
      });
      for (let index = 0; index < 3; index++) {
        mine.fill(index);
        from.emit("bytes", mine);
      }
      await all;
      expect(heard.map(([first]) => first)).toEqual([0, 1, 2]);
      expect(heard[0]?.buffer.byteLength).toBe(100);
    });

    test("1,000 events of all kinds stay in order", async () => {
      const rig = await Rig.open(technique);
      const [from, to] = pick(await rig.join());
      const heard: number[] = [];
      to.onAny((_event, number: number) => heard.push(number));
      const answers: Promise<unknown>[] = [];
      to.on("asked", (number) => number);
      for (let number = 0; number < 1_000; number++) {
        if (number % 5 === 1) from.emit("bytes", number, bytes(number % 200));
        else if (number % 5 === 2) answers.push(from.emitWithAck("asked", number));
        else if (number % 5 === 3) from.emit("long", number, "y".repeat(number));
        else from.emit("short", number);
        if (number % 100 === 99) await new Promise(setImmediate);
      }
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 200 }, (_, index) => index * 5 + 2));
      const end = next(to, "end");
      from.emit("end", 1_000);
      await end;
      expect(heard).toEqual(Array.from({ length: 1_001 }, (_, index) => index));
    });

    test("once, off, onAny, offAny", async () => {
      const rig = await Rig.open(technique);
      const [from, to] = pick(await rig.join());
      const heard: string[] = [];
      const a = (): number => heard.push("a");
      const gone = (): number => heard.push("gone");
      const any = (event: string): number => heard.push(`any ${event}`);
      to.on("x", a)
        .on("x", gone)
        .once("x", () => heard.push("once"))
        .onAny(any)
        .off("x", gone);
      from.emit("x");
      from.emit("x");
      from.emit("stop");
      await next(to, "stop");
      to.offAny(any).off("x");
      from.emit("x");
      from.emit("end");
      await next(to, "end");
      expect(heard).toEqual(["any x", "a", "once", "any x", "a", "any stop"]);
    });

    test("reserved names are refused where they are emitted", async () => {
      const rig = await Rig.open(technique);
      const [from] = pick(await rig.join());
      for (const name of ["connect", "disconnect", "connect_error", "drain", "gap"]) {
        expect(() => from.emit(name)).toThrow(expect.objectContaining({ code: "BW_RESERVED_EVENT" }));
      }
    });

    // a poll that is answered at once is never there when a volatile event comes
    const isDeaf = way === "down" && technique.name === "short-polling";
    test.skipIf(isDeaf)("volatile events arrive where nothing is in their way", async () => {
      const rig = await Rig.open(technique);
      const [from, to] = pick(await rig.join());
      const heard = next(to, "maybe");
      const sending = setInterval(() => from.volatile.emit("maybe", 1, Uint8Array.of(2)), 5);
      expect(await heard).toEqual([1, Uint8Array.of(2)]);
      clearInterval(sending);
    });
  });

  test("what cannot be encoded throws at the caller and harms nothing", async () => {
    const rig = await Rig.open(technique);
    const { client, server } = await rig.join();
    const circle: unknown[] = [];
    circle.push(circle);
    for (const side of [client, server as unknown as Client]) {
      expect(() => side.emit("x", circle)).toThrow();
      expect(() => side.emit("x", 1n)).toThrow(TypeError);
      await expect(side.emitWithAck("x", 1n)).rejects.toThrow(TypeError);
    }
    server.on("fine", () => "yes");
    expect(await client.emitWithAck("fine")).toBe("yes");
  });

  test("a handler that throws breaks nothing", async () => {
    const rig = await Rig.open(technique);
    const { client, server } = await rig.join();
    server.on("boom", () => {
      throw new Error("one");
    });
    server.on("later", async () => {
      throw new Error("two");
    });
    server.on("fine", () => "still here");
    client.emit("boom");
    client.emit("later");
    expect(await client.emitWithAck("fine")).toBe("still here");
    expect(rig.errors).toEqual([new Error("one"), new Error("two")]);
  });
}
