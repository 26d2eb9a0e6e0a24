/** Events go round: each echo has the next connection that talks send one. The others are there and are silent. */
import { type Join, joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareRounds(
  port: number,
  join: Join,
  { connections, talking, inFlight }: Readonly<Record<"connections" | "talking" | "inFlight", number>>,
): Promise<Run> {
  let echoes = 0;
  let next = 0;
  const send = (): unknown => clients[next++ % talking]?.send("echo", 1);
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
