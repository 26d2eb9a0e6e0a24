/**
 * Node's own server and no library, with answers made before: the floor. `/stream` is an event stream, written to in a
 * loop; `/poll/<id>` is held until there is an event.
 */
import type { ServerResponse } from "node:http";
import { eventName, payload, runTeller } from "./application.ts";

const event = `event: ${eventName}\ndata: ${JSON.stringify(payload)}\n\n`;
const streams = new Set<ServerResponse>();
/** A poll that is held, by its client. */
const held = new Map<string, ServerResponse>();
/** How many events each client has not been told. */
const untold = new Map<string, number>();

function answerPolls(): void {
  for (const [id, response] of held) {
    const events = untold.get(id) ?? 0;
    if (events === 0) continue;
    untold.set(id, 0);
    held.delete(id);
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": events * event.length });
    response.end(event.repeat(events), "latin1");
  }
}

function tell(): void {
  for (const stream of streams) stream.write(event, "latin1");
  for (const [id, events] of untold) untold.set(id, events + 1);
  // all events of a turn leave in one answer
  process.nextTick(answerPolls);
}

function hold(id: string, response: ServerResponse): void {
  if (!untold.has(id)) untold.set(id, 0);
  held.set(id, response);
  if (untold.get(id) !== 0) answerPolls();
}

runTeller(
  () => ({ each: tell, all: tell }),
  (request, response) => {
    const [, id] = /^\/poll\/(.*)/.exec(request.url ?? "") ?? [];
    if (id !== undefined) return hold(id, response);
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.flushHeaders();
    streams.add(response);
    response.on("close", () => streams.delete(response));
  },
);
