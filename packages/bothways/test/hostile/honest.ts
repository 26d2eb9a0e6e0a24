/** The honest clients of a hostile run, half over each transport: each asks once in a while and measures the answer. */
import { io as connect } from "../../src/client/index.node.ts";

const [port, count, seconds] = process.argv.slice(2).map(Number) as [number, number, number];
/** Each client asks so often. */
const INTERVAL_MS = 1_000;
/** So many connect at once. */
const BATCH = 50;

export interface HonestResult {
  readonly latenciesMs: readonly number[];
  /** Questions without an answer, and disconnects. */
  readonly failures: readonly string[];
}

const failures: string[] = [];
const latenciesMs: number[] = [];
const timers: NodeJS.Timeout[] = [];
const clients = Array.from({ length: count }, (_, index) => {
  const transports = [index % 2 === 0 ? "websocket" : "long-polling"];
  const socket = connect(`http://127.0.0.1:${port}`, { forceNew: true, autoConnect: false, transports });
  return { socket, ask: () => ask(index) };
});

async function ask(index: number): Promise<void> {
  const since = performance.now();
  try {
    await clients[index]?.socket.timeout(10_000).emitWithAck("echo", index);
    latenciesMs.push(performance.now() - since);
  } catch (error) {
    failures.push(`${index % 2 === 0 ? "websocket" : "long-polling"}: ${String(error)}`);
  }
}

for (let first = 0; first < count; first += BATCH) {
  const batch = clients.slice(first, first + BATCH);
  await Promise.all(
    batch.map(({ socket }) => new Promise<void>((resolve) => socket.connect().once("connect", resolve))),
  );
}
for (const { socket } of clients) socket.on("disconnect", (reason) => failures.push(`disconnect: ${reason}`));
// warm: the first question of each is not measured
await Promise.all(clients.map(({ ask }) => ask()));
latenciesMs.length = 0;
process.send?.("ready");
await new Promise((resolve) => process.once("message", resolve));
clients.forEach(({ ask }, index) => {
  const begin = (): void => void timers.push(setInterval(ask, INTERVAL_MS));
  setTimeout(begin, (index / count) * INTERVAL_MS);
});
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
for (const timer of timers) clearInterval(timer);
await new Promise((resolve) => setTimeout(resolve, 500));
const result: HonestResult = { latenciesMs, failures };
for (const { socket } of clients) socket.off("disconnect").disconnect();
process.send?.(result);
process.on("message", () => process.exit());
