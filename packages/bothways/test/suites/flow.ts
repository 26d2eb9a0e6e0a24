/** What waits, where, and what happens when too much does. */
import { describe, expect, test } from "vitest";
import { next, nextReason, Rig, type Technique, untilConnected } from "./rig.ts";

const kilobyte = "k".repeat(1_024);

export function flow(technique: Technique): void {
  describe("waiting on the client", () => {
    test("what is emitted before connecting arrives first (option: client autoConnect)", async () => {
      const rig = await Rig.open(technique);
      const heard: unknown[] = [];
      rig.io.on("connection", (socket) => socket.onAny((event, value) => heard.push([event, value])));
      const client = rig.client("/", { autoConnect: false });
      client.emit("a", 1);
      client.timeout(60_000).emit("b", 2, () => {});
      client.volatile.emit("lost", 3);
      client.once("connect", () => client.emit("c", 4));
      expect(client.report().bufferedBytes).toBeGreaterThan(0);
      client.connect();
      await untilConnected(client);
      client.emit("end");
      await expect
        .poll(() => heard)
        .toEqual([
          ["a", 1],
          ["b", 2],
          ["c", 4],
          ["end", undefined],
        ]);
      expect(client.report().bufferedBytes).toBe(0);
    });

    test("emit throws at the limit, and what was accepted is not lost (option: client maxBufferedBytes)", async () => {
      const rig = await Rig.open(technique);
      const heard: number[] = [];
      rig.io.on("connection", (socket) => socket.on("n", (number: number) => heard.push(number)));
      const client = rig.client("/", { autoConnect: false, maxBufferedBytes: 10_000 });
      let accepted = 0;
      const fill = (): void => {
        for (;;) client.emit("n", accepted++, kilobyte);
      };
      expect(fill).toThrow(expect.objectContaining({ code: "BW_BACKPRESSURE" }));
      accepted--;
      expect(accepted).toBe(9);
      client.connect();
      await expect.poll(() => heard).toEqual(Array.from({ length: accepted }, (_, index) => index));
      expect(client.emit("n", accepted, kilobyte)).toBe(true);
      await expect.poll(() => heard.length).toBe(accepted + 1);
    });

    test("emit returns false beyond the high-water mark, and drain follows (option: client highWaterMark)", async () => {
      const rig = await Rig.open(technique);
      const client = rig.client("/", { autoConnect: false, highWaterMark: 4_000 });
      let drains = 0;
      client.on("drain", () => drains++);
      expect([1, 2, 3, 4, 5].map(() => client.emit("n", kilobyte))).toEqual([true, true, true, false, false]);
      const drained = next(client, "drain");
      client.connect();
      await drained;
      await untilConnected(client);
      expect(client.emit("n", kilobyte)).toBe(true);
      expect(drains).toBe(1);
    });

    test("ready() waits until emit may go on", async () => {
      const rig = await Rig.open(technique);
      const client = rig.client("/", { autoConnect: false, highWaterMark: 4_000 });
      await client.ready();
      for (let kilobytes = 0; kilobytes < 5; kilobytes++) client.emit("n", kilobyte);
      const ready = client.ready().then(() => client.report().bufferedBytes);
      client.connect();
      expect(await ready).toBeLessThanOrEqual(4_000);
    });

    test("credit: far more than the window crosses, whoever sends (options: windowBytes, windowMessages)", async () => {
      const rig = await Rig.open(technique, {
        windowMessages: 10,
        windowBytes: 300_000,
        maxBufferedBytes: 10_000_000,
      });
      const { client, server } = await rig.join();
      const heard = { up: 0, down: 0 };
      server.on("n", (number: number) => {
        expect(number).toBe(heard.up++);
      });
      client.on("n", (number: number) => {
        expect(number).toBe(heard.down++);
      });
      for (let number = 0; number < 500; number++) {
        client.emit("n", number, kilobyte);
        server.emit("n", number, kilobyte);
      }
      await expect.poll(() => heard).toEqual({ up: 500, down: 500 });
      expect(rig.errors).toEqual([]);
    });
  });

  describe("waiting on the server", () => {
    const limits = { windowBytes: 300_000, highWaterMark: 65_536, maxBufferedBytes: 262_144 };
    const text = "t".repeat(8_192);

    test("emit returns false beyond the high-water mark, and drain follows (option: highWaterMark)", async () => {
      const rig = await Rig.open(technique, limits);
      const { client, server } = await rig.join();
      let heard = 0;
      client.on("n", () => heard++);
      let sent = 0;
      const drained = next(server, "drain");
      do sent++;
      while (server.emit("n", text) && sent < 100);
      expect(sent).toBeGreaterThan(8);
      expect(sent).toBeLessThan(60);
      expect(server.conn.bufferedBytes).toBeGreaterThan(65_536);
      await drained;
      expect(server.emit("n", text)).toBe(true);
      await expect.poll(() => heard).toBe(sent + 1);
    });

    test("a client that does not keep up is disconnected, and comes back knowing that it missed something (option: maxBufferedBytes)", async () => {
      const rig = await Rig.open(technique, limits);
      const { client, server } = await rig.join();
      const left = nextReason(server);
      const reason = nextReason(client);
      const gap = next(client, "gap");
      const accepted: boolean[] = [];
      for (let number = 0; number < 200; number++) accepted.push(server.emit("n", text));
      expect(await left).toBe("slow consumer");
      expect(await reason).toBe("transport close");
      expect((await gap)[0]).toMatchObject({ reason: "overflow" });
      await untilConnected(client);
      expect(client).toMatchObject({ recovered: false, active: true });
      expect(client.id).not.toBe(server.id);
    });

    test("drop-oldest keeps the newest (option: slowConsumer)", async () => {
      const rig = await Rig.open(technique, { ...limits, slowConsumer: "drop-oldest" });
      const { client, server } = await rig.join();
      const heard: number[] = [];
      client.on("n", (number: number) => heard.push(number));
      for (let number = 0; number < 200; number++) server.emit("n", number, text);
      await expect.poll(() => heard.at(-1)).toBe(199);
      expect(heard.length).toBeGreaterThan(20);
      expect(heard.length).toBeLessThan(150);
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      expect(server.connected).toBe(true);
    });
  });
}
