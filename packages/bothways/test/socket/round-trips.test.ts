/**
 * How many round trips lie between `io()` and `connect`, with a token that is checked asynchronously: TCP's own, and one; a stream is one more.
 * The proxy's handshake costs one round trip, as on a real network.
 */
import { describe, expect, test } from "vitest";
import { httpTechniques, next, Rig, techniques } from "../suites/rig.ts";

const roundTripMs = 200;

async function soon(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2));
}

const cases = [...techniques, ...httpTechniques].map((technique) => {
  const isStream = ["stream", "sse", "multipart"].includes(technique.name);
  return { ...technique, technique, count: isStream ? 3 : 2 };
});

describe.each(cases)("$platform client, $name", ({ technique, count }) => {
  const proxy = { latencyMs: roundTripMs / 2, handshakeRtt: true };

  /** Round trips from `io()` to `connect`. */
  async function measure(rig: Rig): Promise<number> {
    const startedAt = performance.now();
    const client = rig.client("/", { auth: { token: "secret" } });
    await next(client, "connect");
    return (performance.now() - startedAt) / roundTripMs;
  }

  test(`joined, with auth, in ${count}`, async () => {
    const rig = await Rig.open(technique, {
      proxy,
      async authenticate({ url }) {
        await soon();
        return url;
      },
    });
    rig.io.use(async (socket) => {
      await soon();
      if (socket.handshake.auth.token !== "secret") throw new Error("who?");
    });
    const counts = [await measure(rig), await measure(rig), await measure(rig)];
    const best = Math.min(...counts);
    console.log(`round trips to joined, ${technique.platform} ${technique.name}: ${best.toFixed(2)}`);
    expect(best).toBeGreaterThan(count - 0.05);
    expect(best).toBeLessThanOrEqual(count + 0.2);
  });
});
