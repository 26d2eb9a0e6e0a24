/** The load generator's process: prepares a load, then runs it for as long as it is told, as often as it is told. */
import { answer, cpuUs } from "../servers/process.js";
import type { LoadResult, Task } from "../works.ts";
import { bothways } from "./bothways.ts";
import { prepareConnect } from "./connect.ts";
import { prepareEcho } from "./echo.ts";
import { rawWebSocket } from "./raw.ts";
import { prepareRoom } from "./room.ts";
import { prepareRoundTrips } from "./round-trips.ts";
import { prepareRounds } from "./rounds.ts";
import { socketio } from "./socketio.ts";
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

function prepare({ load, server, port, application }: Task): Promise<Run> {
  const dialect = application ? rawWebSocket(application) : server === "socketio" ? socketio : bothways;
  switch (load.type) {
    case "echo":
      return prepareEcho(port, dialect[load.transport], load.connections, load.inFlight);
    case "room":
      return prepareRoom(port, dialect.websocket, load.connections, load.atOnce);
    case "rounds":
      return prepareRounds(port, dialect.websocket, load);
    case "visits":
      return prepareVisits(port, dialect.websocket, load.otherRooms);
    case "connect":
      return prepareConnect(port, dialect[load.transport], load.connections, load.echoes);
    case "round-trips":
      return prepareRoundTrips(port, server, load.joins, load.rttMs);
  }
}

async function measure(measured: Run, ms: number): Promise<LoadResult> {
  const cpuBefore = cpuUs();
  const since = performance.now();
  const { items, latenciesMs, value } = await measured(ms);
  const tookMs = performance.now() - since;
  const cpuShare = (cpuUs() - cpuBefore) / 1000 / tookMs;
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const [p50Ms, p99Ms] = [0.5, 0.99].map((part) => sorted[Math.floor(sorted.length * part)]);
  return { items, seconds: tookMs / 1000, cpuShare, p50Ms, p99Ms, value };
}
