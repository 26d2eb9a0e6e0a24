/** Each connection sends events in batches, the next when the server has answered. */
import { type Join, joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareBatches(
  port: number,
  join: Join,
  connections: number,
  perBatch: number,
): Promise<Run> {
  let events = 0;
  let latenciesMs: number[] = [];
  const clients = await joinAll(connections, () => join(port, () => {}));
  const talk = async (client: (typeof clients)[number]): Promise<void> => {
    for (;;) {
      const since = performance.now();
      await client.send("up", perBatch);
      latenciesMs.push(performance.now() - since);
      events += perBatch;
    }
  };
  for (const client of clients) void talk(client);
  return async (ms) => {
    events = 0;
    latenciesMs = [];
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { items: events, latenciesMs };
  };
}
