/** Has the server tell its clients events, some times at once; when each has heard all of them, again. */
import { type Join, joinAll } from "./conversation.ts";
import { RawHttp } from "./http.ts";
import type { Run } from "./main.ts";

export async function prepareTell(
  port: number,
  join: Join,
  { connections, whom, atOnce }: { connections: number; whom: "each" | "all"; atOnce: number },
): Promise<Run> {
  let missing = 0;
  let isComplete = (): void => {};
  await joinAll(connections, () =>
    join(port, (events) => {
      missing -= events;
      if (missing < 0) throw new Error("more events than were told");
      if (missing === 0) isComplete();
    }),
  );
  const control = new RawHttp(port);
  const tell = (times: number): Promise<unknown> => {
    missing = connections * times;
    const heard = new Promise<void>((resolve) => {
      isComplete = resolve;
    });
    return Promise.all([heard, control.request(`/tell/${whom}/${times}`)]);
  };
  return async (ms) => {
    const latenciesMs: number[] = [];
    const end = performance.now() + ms;
    for (let now = performance.now(); now < end; ) {
      await tell(atOnce);
      latenciesMs.push(performance.now() - now);
      now = performance.now();
    }
    return { items: latenciesMs.length * connections * atOnce, latenciesMs };
  };
}
