/**
 * Connects, joins, has some messages sent back, and stays. Some join before the measured ones, so that the server's code
 * is warm.
 */
import { type Join, joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareConnect(
  port: number,
  join: Join,
  connections: number,
  echoes = 0,
): Promise<Run> {
  const enter = async (): Promise<number> => {
    const since = performance.now();
    let heard = 0;
    let isDone: () => void;
    const done = new Promise<void>((resolve) => {
      isDone = resolve;
    });
    const client = await join(port, (events) => {
      heard += events;
      if (heard === echoes) isDone();
    });
    const tookMs = performance.now() - since;
    if (echoes > 0) {
      client.send("echo", echoes);
      await done;
    }
    return tookMs;
  };
  await joinAll(connections * 0.4, enter);
  return async () => ({ items: connections, latenciesMs: await joinAll(connections, enter) });
}
