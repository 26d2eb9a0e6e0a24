/**
 * How many round trips lie between `io()` and `connect`, with a token that is checked asynchronously: TCP's own, and one; a stream is one more.
 * The proxy's handshake costs one round trip, as on a real network.
 */
import { describe, expect, test } from "vitest";
import { httpTechniques, next, Rig, techniques } from "../suites/rig.ts";

/** What a slow machine adds counts for less, the longer the way is; one round trip more is one more on each. */
const roundTripsMs = [200, 800, 3_200] as const;

async function soon(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2));
}

const cases = [...techniques, ...httpTechniques].map((technique) => {
  const isStream = ["stream", "sse", "multipart"].includes(technique.name);
  return { ...technique, technique, count: isStream ? 3 : 2 };
});

describe.each(cases)("$platform client, $name", ({ technique, count }) => {
  /** Round trips from `io()` to `connect`: the fewest of three. */
  async function measure(roundTripMs: number): Promise<number> {
    const rig = await Rig.open(technique, {
      proxy: { latencyMs: roundTripMs / 2, handshakeRtt: true },
      async authenticate({ url }) {
        await soon();
        return url;
      },
    });
    rig.io.use(async (socket) => {
      await soon();
      if (socket.handshake.auth.token !== "secret") throw new Error("who?");
    });
    const counts: number[] = [];
    while (counts.length < 3) {
      const startedAt = performance.now();
      await next(rig.client("/", { auth: { token: "secret" } }), "connect");
      counts.push((performance.now() - startedAt) / roundTripMs);
    }
    return Math.min(...counts);
  }

  test(`joined, with auth, in ${count}`, async () => {
    let best = Infinity;
    for (const roundTripMs of roundTripsMs) if (best > count + 0.2) best = await measure(roundTripMs);
    console.log(`round trips to joined, ${technique.platform} ${technique.name}: ${best.toFixed(2)}`);
    expect(best).toBeGreaterThan(count - 0.05);
    expect(best).toBeLessThanOrEqual(count + 0.2);
  });
});
