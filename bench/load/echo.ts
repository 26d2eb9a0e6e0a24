/** Each connection keeps so many events in flight and answers each echo with another event. */
import type { Join } from "./conversation.ts";
import { joinAll } from "./conversation.ts";
import type { Run } from "./main.ts";

export async function prepareEcho(
  port: number,
  join: Join,
  connections: number,
  inFlight: number,
): Promise<Run> {
  let echoes = 0;
  let latenciesMs: number[] = [];
  const clients = await joinAll(connections, async () => {
    let received = 0;
    // the latency is that of one event at a time: when it has come, the newest one is watched
    let watched = 0;
    let watchedSince = 0;
    const client = await join(port, (events) => {
      received += events;
      echoes += events;
      if (received > watched) {
        const now = performance.now();
        latenciesMs.push(now - watchedSince);
        watched = received + inFlight - 1;
        watchedSince = now;
      }
      client.send("echo", events);
    });
    return client;
  });
  for (const client of clients) client.send("echo", inFlight);
  return async (ms) => {
    echoes = 0;
    latenciesMs = [];
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { items: echoes, latenciesMs };
  };
}
