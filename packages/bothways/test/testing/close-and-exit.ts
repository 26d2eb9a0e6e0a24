/** A thread that puts a proxy to every use that holds a handle, closes it, and ends by itself if none is left. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { FaultProxy } from "../../src/testing/index.ts";

/** Longer than any test waits: only a timer that was cleared lets the thread end. */
const longMs = 600_000;

const backend = createServer().listen(0, "127.0.0.1");
await once(backend, "listening");
const { port } = backend.address() as AddressInfo;
const proxy = await FaultProxy.listen({ target: { port }, latencyMs: longMs });

const client = connect(proxy.port, "127.0.0.1");
client.write("under way");
const [upstream] = await once(backend, "connection");
while (proxy.inFlight("up") === 0) await new Promise(setImmediate);
proxy.stall({ forMs: longMs });
proxy.admit("blackhole", longMs);
const hole = connect(proxy.port, "127.0.0.1");
await once(hole, "connect");
proxy.cutOnNext({ direction: "up" });

await proxy.close();
for (const socket of [client, hole, upstream]) socket.destroy();
backend.close();
