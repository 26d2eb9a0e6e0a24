/**
 * Cuts and half-open drops, 20 of each during 10,000 messages each way over WebSocket and long polling, and 6 of each during
 * 3,000 over the other techniques of HTTP, 3 of each during 1,500 through a framework: each fault strikes while messages
 * are under way, and none of them may be lost, repeated or out of order. What was struck should arrive within the time
 * it takes to notice, the first back-off, and three round trips: that is printed, and several times as long on a machine
 * that is slow or busy is still in time.
 */
import { describe, expect, test } from "vitest";
import type { Direction, Strike } from "../../src/testing/index.ts";
import { createHonoFront } from "../fixtures/fetch-fronts.ts";
import { countBothWays } from "../suites/recovery.ts";
import { httpTechniques, Rig, type Technique, techniques } from "../suites/rig.ts";

const latencyMs = 5;
const pingInterval = 300;
const pingTimeout = 300;
const reconnectionDelay = 100;
/** At least this long, so that nothing but messages springs a fault. */
const text = "m".repeat(120);

type Kind = "cut" | "half-open";

const detectionMs: Record<Kind, number> = { cut: 0, "half-open": pingInterval + pingTimeout };

interface Fault {
  readonly kind: Kind;
  readonly direction: Direction;
  readonly afterBytes: number;
}

/** Kinds and directions in turn; where in the stream they strike differs. */
function plan(index: number): Fault {
  return {
    kind: index % 2 === 0 ? "cut" : "half-open",
    direction: index % 4 < 2 ? "up" : "down",
    afterBytes: (index * 389) % 3_000,
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Case {
  readonly technique: Technique;
  readonly messages: number;
  readonly faultsOfEachKind: number;
}

const isNode = ({ platform }: Technique): boolean => platform === "Node";
const cases: readonly Case[] = [
  ...techniques.filter(isNode).map((technique) => ({ technique, messages: 10_000, faultsOfEachKind: 20 })),
  ...httpTechniques.filter(isNode).map((technique) => ({ technique, messages: 3000, faultsOfEachKind: 6 })),
  ...[...techniques, ...httpTechniques]
    .filter(({ platform, name }) => platform === "Node" && /^(stream|long-polling)$/.test(name))
    .map((technique) => ({
      ...technique,
      name: `${technique.name} through Hono`,
      createFront: createHonoFront,
    }))
    .map((technique) => ({ technique, messages: 1500, faultsOfEachKind: 3 })),
];

describe.each(cases)("$technique.name", ({ technique, messages, faultsOfEachKind }) => {
  /** Some faults meet no message under way, do not count and are struck again: there must be traffic left for each. */
  const maxFaults = 3 * faultsOfEachKind;

  test(`${2 * faultsOfEachKind} faults, nothing lost, repeated or out of order`, async () => {
    // a request that a fault cut in half is waited for as long as connectTimeout, and the rig for that
    const rig = await Rig.open(technique, {
      proxy: { latencyMs },
      pingInterval,
      pingTimeout,
      connectTimeout: 3_000,
    });
    const { client, server } = await rig.join("/", { reconnectionDelay, randomizationFactor: 0 });
    const heard = countBothWays(client, server);
    const events: string[] = [];
    client.on("gap", (gap) => events.push(`gap ${gap.reason}`));
    client.on("connect", () => client.recovered || events.push("not recovered"));
    server.on("disconnect", (reason) => events.push(`server: ${reason}`));

    let sent = 0;
    const counted: Record<Kind, number> = { cut: 0, "half-open": 0 };
    const replayMs: Record<Kind, number[]> = { cut: [], "half-open": [] };

    /** Both sides say the next `count` messages, a few at a time. */
    const talk = async (count: number): Promise<void> => {
      for (const end = Math.min(sent + count, messages); sent < end; await sleep(2)) {
        for (let burst = 0; burst < 6 && sent < end; burst++) {
          client.emit("n", sent, text);
          server.emit("n", sent++, text);
        }
      }
    };

    const suffer = async ({ kind, direction, afterBytes }: Fault): Promise<void> => {
      const trap = { direction, afterBytes, minBytes: text.length, scope: "all" } as const;
      let isCounted = false;
      const strike = (kind === "cut" ? rig.proxy.cutOnNext(trap) : rig.proxy.halfOpenOnNext(trap)).then(
        async ({ atMs, bytesInFlightUp, bytesInFlightDown }: Strike) => {
          const said = sent;
          isCounted = (direction === "up" ? bytesInFlightUp : bytesInFlightDown) >= text.length;
          while (heard[direction] < said) await sleep(1);
          if (isCounted) replayMs[kind].push(performance.now() - atMs);
        },
      );
      await talk(Math.floor(messages / maxFaults));
      await Promise.all([strike, expect.poll(() => heard, { interval: 5 }).toEqual(all())]);
      if (isCounted) counted[kind]++;
    };
    const all = () => ({ up: sent, down: sent, bad: [] });

    for (let index = 0; Math.min(counted.cut, counted["half-open"]) < faultsOfEachKind; index++) {
      expect(index).toBeLessThan(maxFaults);
      await suffer(plan(index));
    }
    while (sent < messages) await talk(500);
    await expect.poll(() => heard).toEqual({ up: messages, down: messages, bad: [] });
    expect(events).toEqual([]);

    const { replayed, duplicates } = client.report();
    console.log(
      `${technique.name}: replayed ${replayed} of ${messages} up, ${duplicates} duplicates dropped down`,
    );
    for (const kind of ["cut", "half-open"] as const) {
      const times = replayMs[kind].toSorted((a, b) => a - b);
      const limitMs = detectionMs[kind] + reconnectionDelay + 3 * 2 * latencyMs;
      const median = times[times.length >> 1] ?? Number.NaN;
      const worst = times.at(-1) ?? Number.NaN;
      console.log(
        `  ${counted[kind]} × ${kind}: arrived after ${median.toFixed(0)} ms (median), ${worst.toFixed(0)} ms (worst); limit ${limitMs} ms`,
      );
      expect(median).toBeLessThan(3 * limitMs + 1_000);
      expect(worst).toBeLessThan(3 * limitMs + 10_000);
    }
    // a busy machine may have taken the link for dead just now
    await expect.poll(() => client.report().attempts.at(-1)?.outcome).toBe("open");
  });
});
