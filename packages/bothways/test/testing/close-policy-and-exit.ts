/** A thread that puts a policy proxy to every use that holds a handle, closes it, and ends by itself if none is left. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { PolicyProxy } from "../../src/testing/index.ts";

/** Longer than any test waits: only a timer that was cleared lets the thread end. */
const longMs = 600_000;

const backend = createServer().listen(0, "127.0.0.1");
await once(backend, "listening");
const { port } = backend.address() as AddressInfo;
const proxy = await PolicyProxy.listen({ target: { port }, idleTimeoutMs: longMs, maxConnections: 1 });

const clients = [connect(proxy.port, "127.0.0.1"), connect(proxy.port, "127.0.0.1")];
for (const client of clients) client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
const [upstream] = await once(backend, "connection");
while (proxy.stats.strikes.maxConnections === 0) await new Promise(setImmediate);
proxy.change({ answer: 503 }, longMs);
proxy.loseNext();

await proxy.close();
for (const socket of [...clients, upstream]) socket.destroy();
backend.close();
