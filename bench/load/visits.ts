/** Clients visit a room over and over, in a house with many other rooms. */
import { type Conversation, type Join, joinAll, roomsPerFurnish } from "./conversation.ts";
import type { Run } from "./main.ts";

const inFlight = 16;

export async function prepareVisits(port: number, join: Join, otherRooms: number): Promise<Run> {
  let visits = 0;
  let furnished = 0;
  let isFurnished: () => void;
  const ready = new Promise<void>((resolve) => {
    isFurnished = resolve;
  });
  const missing = otherRooms / roomsPerFurnish;
  const [owner] = await joinAll(1, () =>
    join(port, (events) => {
      furnished += events;
      if (furnished === missing) isFurnished();
      else owner?.send("furnish", 1);
    }),
  );
  if (missing > 0) {
    owner?.send("furnish", 1);
    await ready;
  }
  const visitors: Conversation[] = await joinAll(8, async () => {
    const visitor = await join(port, (events) => {
      visits += events;
      visitor.send("visit", events);
    });
    return visitor;
  });
  for (const visitor of visitors) visitor.send("visit", inFlight);
  return async (ms) => {
    visits = 0;
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { items: visits, latenciesMs: [] };
  };
}
