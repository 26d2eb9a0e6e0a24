/** The server of a hostile run, in a process of its own. Says what became of it when it is asked. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Server } from "../../src/server/index.ts";

/** What a run ends with. */
export interface Verdict {
  readonly clients: number;
  readonly openRequests: number;
  readonly connections: number;
  readonly isPolluted: boolean;
  /** Errors that are neither the application's nor a refused event: faults of our own. */
  readonly faults: readonly string[];
  readonly rssMb: number;
  /** How long this process ran, and how long it stood ready while others had the processors; 0 where nobody tells. */
  readonly ranMs: number;
  readonly waitedMs: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

const names = Object.getOwnPropertyNames(Object.prototype).join();
const faults: string[] = [];
const thrown = new Error("the application's own");
const io = new Server({
  connectTimeout: 3_000,
  pingInterval: 4_000,
  pingTimeout: 3_000,
  resumeWindow: 5_000,
  onError(error) {
    if (error !== thrown && !String(error).startsWith("BothwaysError")) faults.push(String(error));
  },
});
io.of("/other");
io.on("connection", (socket) => {
  socket.on("echo", (value) => value);
  socket.on("never", () => new Promise(() => {}));
  socket.on("throw", () => {
    throw thrown;
  });
});

const httpServer = createServer({ headersTimeout: 3_000, connectionsCheckingInterval: 1_000 });
httpServer.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
io.attach(httpServer);
await once(httpServer, "listening");
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.send?.({ port: (httpServer.address() as AddressInfo).port });

/** Linux keeps these books. */
function readSchedule(): string {
  try {
    return readFileSync("/proc/self/schedstat", "utf8");
  } catch {
    return "0 0 0";
  }
}

async function judge(): Promise<Verdict> {
  const [ranNs = 0, waitedNs = 0] = readSchedule().split(" ").map(Number);
  const connections = await new Promise<number>((resolve) =>
    httpServer.getConnections((_error, count) => resolve(count)),
  );
  return {
    clients: io.stats().sessions,
    openRequests: io.stats().openRequests,
    connections,
    isPolluted: Object.getOwnPropertyNames(Object.prototype).join() !== names,
    faults,
    ranMs: Math.round(ranNs / 1e6),
    waitedMs: Math.round(waitedNs / 1e6),
    rssMb: Math.round(process.memoryUsage().rss / 1e6),
    loopDelayP99Ms: Math.round(delay.percentile(99) / 1e6),
    loopDelayMaxMs: Math.round(delay.max / 1e6),
  };
}

process.on("message", () => void judge().then((verdict) => process.send?.(verdict)));
process.on("disconnect", () => process.exit());
