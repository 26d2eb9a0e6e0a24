/**
 * How many round trips lie between `io()` and `connect`, with a token that is checked asynchronously: TCP's own, and one.
 * The proxy's handshake costs one round trip, as on a real network.
 */
import { describe, expect, test } from "vitest";
import { next, Rig, techniques } from "../suites/rig.ts";

const roundTripMs = 200;

async function soon(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2));
}

describe.each(techniques)("$platform client, $name", (technique) => {
  const proxy = { latencyMs: roundTripMs / 2, handshakeRtt: true };

  /** Round trips from `io()` to `connect`. */
  async function measure(rig: Rig): Promise<number> {
    const startedAt = performance.now();
    const client = rig.client("/", { auth: { token: "secret" } });
    await next(client, "connect");
    return (performance.now() - startedAt) / roundTripMs;
  }

  test("joined, with auth, in two", async () => {
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
    expect(best).toBeGreaterThan(1.95);
    expect(best).toBeLessThanOrEqual(2.2);
  });
});
