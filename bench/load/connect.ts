/** Connects, joins, and stays. Some join before the measured ones, so that the server's code is warm. */
import { type Join, joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareConnect(port: number, join: Join, connections: number): Promise<Run> {
  const enter = async (): Promise<number> => {
    const since = performance.now();
    await join(port, () => {});
    return performance.now() - since;
  };
  await joinAll(connections * 0.4, enter);
  return async () => ({ items: connections, latenciesMs: await joinAll(connections, enter) });
}
