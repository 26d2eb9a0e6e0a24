/** One member of a room has the server emit to all, some times at once; when each has heard all of it, again. */
import { type Join, joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareRoom(port: number, join: Join, connections: number, atOnce = 1): Promise<Run> {
  let missing = 0;
  let isComplete: () => void;
  const clients = await joinAll(connections, () =>
    join(port, (events) => {
      missing -= events;
      if (missing === 0) isComplete();
    }),
  );
  /** Resolves when so many events have come. */
  const hear = (events: number, send: () => void): Promise<void> =>
    new Promise((resolve) => {
      missing = events;
      isComplete = resolve;
      send();
    });
  await hear(connections, () => {
    for (const client of clients) client.send("enter", 1);
  });
  return async (ms) => {
    const latenciesMs: number[] = [];
    const end = performance.now() + ms;
    for (let now = performance.now(); now < end; ) {
      await hear(connections * atOnce, () => clients[0]?.send("shout", atOnce));
      latenciesMs.push(performance.now() - now);
      now = performance.now();
    }
    return { items: latenciesMs.length * connections * atOnce, latenciesMs };
  };
}
