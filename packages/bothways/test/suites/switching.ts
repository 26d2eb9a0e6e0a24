/** Which technique carries the conversation, and moving from one to the other while it goes on. */
import { describe, expect, test } from "vitest";
import type { ClientTransport } from "../../src/model/transport.ts";
import { countBothWays } from "./recovery.ts";
import { next, Rig, type Technique } from "./rig.ts";

/** Never opens. */
const broken: ClientTransport = {
  name: "broken",
  open(_request, _hello, handler) {
    queueMicrotask(() => handler.lost("BW_LINK_LOST", undefined, "broken"));
    return { transport: "broken", rewinds: false, send() {}, flush() {}, close() {} };
  },
};

export function switching(technique: Technique): void {
  const both = () => ({ transports: [technique.create(), technique.other()], upgrade: false });
  const otherName = technique.other().name;

  describe("a live switch", () => {
    test("there and back, while both sides talk", async () => {
      const rig = await Rig.open(technique, { proxy: { latencyMs: 3 } });
      const { client, server } = await rig.join("/", both());
      const heard = countBothWays(client, server);
      const events: string[] = [];
      for (const event of ["connect", "disconnect", "gap"] as const)
        client.on(event, () => events.push(event));
      for (const event of ["away", "back", "disconnect"] as const) server.on(event, () => events.push(event));
      const names: string[] = [];
      client.io.on("transport", (name) => names.push(name));
      let sent = 0;
      const talk = setInterval(() => {
        for (let count = 0; count < 5; count++) {
          client.emit("n", sent, Uint8Array.of(1));
          server.emit("n", sent++, "x".repeat(sent % 300));
        }
      }, 1);
      for (let round = 0; round < 5; round++) {
        for (const name of [otherName, technique.name]) {
          const moved = next(client.io, "transport");
          client.io.switchTo(name);
          expect(await moved).toEqual([name]);
          expect(client.io.transport).toBe(name);
          const enough = sent + 30;
          await expect.poll(() => sent, { interval: 5 }).toBeGreaterThan(enough);
        }
      }
      clearInterval(talk);
      expect(sent).toBeGreaterThan(300);
      await expect.poll(() => heard).toEqual({ up: sent, down: sent, bad: [] });
      expect(events).toEqual([]);
      expect(names).toHaveLength(10);
      await expect.poll(() => server.conn.transport.name).toBe(technique.name);
      expect(rig.io.stats().sessions).toBe(1);
    });

    test("a switch that fails changes nothing", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join("/", {
        transports: [technique.create(), broken],
        upgrade: false,
      });
      const heard = countBothWays(client, server);
      client.io.switchTo("broken");
      await expect.poll(() => client.report().attempts.at(-1)?.outcome).toBe("failed");
      expect(client.io.transport).toBe(technique.name);
      client.emit("n", 0);
      server.emit("n", 0);
      await expect.poll(() => heard).toEqual({ up: 1, down: 1, bad: [] });
    });

    test("a name it does not have is refused", async () => {
      const rig = await Rig.open(technique);
      const { client } = await rig.join("/", both());
      expect(() => client.io.switchTo("carrier-pigeon")).toThrow("carrier-pigeon");
      expect(client.report().attempts).toHaveLength(1);
    });

    test("a cut during a switch", async () => {
      const rig = await Rig.open(technique, { proxy: { latencyMs: 5 }, pingInterval: 200, pingTimeout: 200 });
      const { client, server } = await rig.join("/", both());
      const heard = countBothWays(client, server);
      for (let number = 0; number < 100; number++) {
        client.emit("n", number);
        server.emit("n", number);
      }
      client.io.switchTo(otherName);
      const strike = rig.proxy.cutOnNext({ direction: "up", scope: "all" });
      await strike;
      await expect.poll(() => heard).toEqual({ up: 100, down: 100, bad: [] });
    });
  });

  test("the report tells how it came to be, and what went over it", async () => {
    const rig = await Rig.open(technique);
    const { client, server } = await rig.join("/", both());
    server.on("n", (number: number) => number);
    for (let number = 0; number < 10; number++) await client.emitWithAck("n", number);
    const moved = next(client.io, "transport");
    client.io.switchTo(otherName);
    await moved;
    const report = client.report();
    expect(report).toMatchObject({ transport: otherName, sent: 10, duplicates: 0, bufferedBytes: 0 });
    // the answers, and that it joined
    expect(report.received).toBe(11);
    expect(report.bytesSent).toBeGreaterThan(10 * 8);
    expect(report.bytesReceived).toBeGreaterThan(report.bytesSent);
    expect(report.attempts).toEqual([
      {
        transport: technique.name,
        startedAt: expect.any(Number),
        ms: expect.any(Number),
        outcome: "closed",
        verdict: "ok",
        code: 4409,
        status: expect.any(Number),
        reason: expect.any(String),
      },
      expect.objectContaining({ transport: otherName, outcome: "open", code: 0, reason: "" }),
    ]);
    const [first, second] = report.attempts;
    expect(first?.ms).toBeGreaterThan(0);
    expect(second?.startedAt).toBeGreaterThan(first?.startedAt ?? Number.NaN);
  });

  test("nobody answers: the report says why", async () => {
    const rig = await Rig.open(technique, { proxy: true });
    rig.proxy.admit("refuse");
    const client = rig.client("/", { ...both(), reconnection: false });
    const [error] = await next(client, "connect_error");
    expect(error).toMatchObject({ code: "BW_LINK_LOST" });
    const { attempts } = client.report();
    expect(attempts.map(({ transport, outcome }) => [transport, outcome])).toEqual([
      [technique.name, "failed"],
      [otherName, "failed"],
    ]);
    expect(client.active).toBe(true);
  });
}
