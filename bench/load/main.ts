/** The load generator's process: prepares a load, then runs it for as long as it is told, as often as it is told. */
import { answer, cpuUs } from "../servers/process.js";
import type { LoadResult, ServerName, Task } from "../works.ts";
import { prepareBatches } from "./batches.ts";
import { bothways } from "./bothways.ts";
import { prepareConnect } from "./connect.ts";
import type { Dialect } from "./conversation.ts";
import { prepareEcho } from "./echo.ts";
import { wire } from "./http.ts";
import { bare, betterSse } from "./plain-http.ts";
import { rawWebSocket } from "./raw.ts";
import { prepareRoom } from "./room.ts";
import { prepareRoundTrips } from "./round-trips.ts";
import { prepareRounds } from "./rounds.ts";
import { socketio } from "./socketio.ts";
import { prepareTell } from "./tell.ts";
import { prepareVisits } from "./visits.ts";

export type LoadQuestion =
  | { readonly type: "prepare"; readonly task: Task }
  | { readonly type: "run"; readonly ms: number };

export type Run = (ms: number) => Promise<{
  readonly items: number;
  readonly latenciesMs: readonly number[];
  readonly value?: number;
}>;

let run: Run | undefined;

answer(async (question: LoadQuestion) => {
  if (question.type === "run") return run && measure(run, question.ms);
  run = await prepare(question.task);
  return {};
});

/** How the load generator speaks to a server. */
const dialects: Partial<Record<ServerName, Dialect>> = { socketio, "better-sse": betterSse, bare };

function prepare({ load, server, port, application }: Task): Promise<Run> {
  const dialect = application ? rawWebSocket(application) : (dialects[server] ?? bothways);
  if (load.type === "round-trips") return prepareRoundTrips(port, server, load.joins, load.rttMs);
  const transport = "transport" in load ? load.transport : "websocket";
  const join = dialect[transport];
  if (join === undefined) throw new Error(`${server} is not spoken to over ${transport}`);
  switch (load.type) {
    case "echo":
      return prepareEcho(port, join, load.connections, load.inFlight);
    case "room":
      return prepareRoom(port, join, load.connections, load.atOnce);
    case "tell":
      return prepareTell(port, join, load);
    case "batches":
      return prepareBatches(port, join, load.connections, load.perBatch);
    case "rounds":
      return prepareRounds(port, join, load);
    case "visits":
      return prepareVisits(port, join, load.otherRooms);
    case "connect":
      return prepareConnect(port, join, load.connections, load.echoes);
  }
}

async function measure(measured: Run, ms: number): Promise<LoadResult> {
  const cpuBefore = cpuUs();
  const since = performance.now();
  const bytesBefore = wire.bytes;
  const { items, latenciesMs, value } = await measured(ms);
  const bytesPerItem = (wire.bytes - bytesBefore) / items || undefined;
  const tookMs = performance.now() - since;
  const cpuShare = (cpuUs() - cpuBefore) / 1000 / tookMs;
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const [p50Ms, p99Ms] = [0.5, 0.99].map((part) => sorted[Math.floor(sorted.length * part)]);
  return { items, seconds: tookMs / 1000, cpuShare, p50Ms, p99Ms, bytesPerItem, value };
}
