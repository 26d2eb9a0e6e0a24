/** Events go round: each echo that comes has the next connection in turn send one, so that all have their share. */
import { type Join, joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareRounds(
  port: number,
  join: Join,
  connections: number,
  inFlight: number,
): Promise<Run> {
  let echoes = 0;
  let next = 0;
  const send = (): void => clients[next++ % connections]?.send("echo", 1);
  const clients = await joinAll(connections, () =>
    join(port, (events) => {
      echoes += events;
      for (let event = 0; event < events; event++) send();
    }),
  );
  for (let event = 0; event < inFlight; event++) send();
  return async (ms) => {
    echoes = 0;
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { items: echoes, latenciesMs: [] };
  };
}
