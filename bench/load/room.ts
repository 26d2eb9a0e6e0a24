/** One member of a room has the server emit to all, some times at once; when each has heard, again. */
import { type Join, joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareRoom(port: number, join: Join, connections: number, atOnce = 1): Promise<Run> {
  let deliveries = 0;
  let missing = connections;
  let latenciesMs: number[] = [];
  let since = 0;
  let isComplete: () => void;
  const entered = new Promise<void>((resolve) => {
    isComplete = resolve;
  });
  const clients = await joinAll(connections, () =>
    join(port, (events) => {
      deliveries += events;
      missing -= events;
      if (missing === 0) isComplete();
    }),
  );
  const shout = (): void => {
    const now = performance.now();
    latenciesMs.push(now - since);
    since = now;
    missing = connections * atOnce;
    clients[0]?.send("shout", atOnce);
  };
  for (const client of clients) client.send("enter", 1);
  await entered;
  isComplete = shout;
  shout();
  return async (ms) => {
    deliveries = 0;
    latenciesMs = [];
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { items: deliveries, latenciesMs };
  };
}
