/**
 * Connections that come, talk and go in every way, over and over, in a process of its own: what is held must not grow.
 * `npm run soak -- --seconds 600`; the test runs it for two thousand connections.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { WebSocket, WebSocketServer } from "../../src/websocket/index.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** In bytes. */
interface Held {
  readonly connections: number;
  /** Of the heap and of buffers, garbage apart. */
  readonly held: number;
  readonly rss: number;
}

const atOnce = 20;
/** How a connection ends. */
const ends: readonly ((client: WebSocket, server: WebSocket) => void)[] = [
  (client) => client.close(1000, "done"),
  (_, server) => server.close(4000, "done"),
  (client) => client.terminate(),
  (_, server) => server.terminate(),
  (client) => (client._socket as Socket).resetAndDestroy(),
  (client, server) => {
    client.close();
    server.close();
  },
];

async function talk(wss: WebSocketServer, index: number): Promise<void> {
  const { port } = wss.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}/${index}`, { perMessageDeflate: index % 2 === 0 });
  client.on("error", () => {});
  await once(client, "open");
  for (const data of ["text", Buffer.alloc(3_000, "x"), "y".repeat(20_000)]) {
    client.send(data);
    await once(client, "message");
  }
  const server = [...(wss.clients ?? [])].find((one) => pathOf.get(one) === `/${index}`);
  if (server === undefined) throw new Error("no such connection");
  const closed = [client, server].map((one) => new Promise((resolve) => one.once("close", resolve)));
  ends[index % ends.length]?.(client, server);
  await Promise.all(closed);
}

const pathOf = new WeakMap<WebSocket, string | undefined>();

function measure(connections: number): Held {
  collect();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { connections, held: heapUsed + arrayBuffers, rss };
}

/** Ten measures, the first when a tenth is done; `done` tells how far it is, from 0 to 1. */
async function soak(done: (connections: number) => number): Promise<Held[]> {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
  wss.on("connection", (socket, { url }) => {
    pathOf.set(socket, url);
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
  });
  await once(wss, "listening");
  const measures: Held[] = [];
  for (let connections = 0; measures.length < 10; ) {
    await Promise.all(Array.from({ length: atOnce }, (_, i) => talk(wss, connections + i)));
    connections += atOnce;
    if (done(connections) * 10 >= measures.length + 1) measures.push(measure(connections));
  }
  wss.close();
  return measures;
}

const { values } = parseArgs({
  options: { seconds: { type: "string" }, connections: { type: "string", default: "2000" } },
});
const began = performance.now();
const measures = await soak((connections) =>
  values.seconds === undefined
    ? connections / Number(values.connections)
    : (performance.now() - began) / 1_000 / Number(values.seconds),
);
console.log(JSON.stringify(measures));
