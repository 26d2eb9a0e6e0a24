/**
 * What a client that never reads costs, with an application that does not care: 250 MiB are emitted to it alone, or to a
 * room of ten it is in. Beside it what it costs Socket.IO.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { io as connect } from "../../src/client/index.node.ts";
import { webSocket } from "../../src/transport/node-client/websocket.ts";
import { chunks, type Findings, paceChunks, type Question } from "./stalled-program.ts";
import { hello, protocols } from "./strangers.ts";

const MIB = 1_048_576;
/** What one client may hold, by the defaults, in its queue, its window and its socket. */
const clientCap = 4 * MIB;

interface Reader {
  on(event: "chunk", listener: (number: number) => void): unknown;
  emit(event: "got"): unknown;
  disconnect(): unknown;
}

interface Library {
  readonly module: string;
  /** Opens a WebSocket, joins, and never reads again. */
  stall(port: number): WebSocket;
  read(url: string): Promise<Reader>;
}

const theirs = createRequire(new URL("../../../../bench/package.json", import.meta.url));

const bothways: Library = {
  module: new URL("../../src/server/index.ts", import.meta.url).href,
  stall: (port) => stalled(`ws://127.0.0.1:${port}/bothways/`, protocols(hello()), "a0,1024,1048576"),
  read: async (url) => connect(url, { forceNew: true, transports: [webSocket()] }) as unknown as Reader,
};

const socketIo: Library = {
  module: pathToFileURL(theirs.resolve("socket.io")).href,
  stall: (port) => stalled(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, [], "40"),
  read: async (url) => {
    const client = await import(pathToFileURL(theirs.resolve("socket.io-client")).href);
    return client.default(url, { forceNew: true, transports: ["websocket"] });
  },
};

function stalled(url: string, subprotocols: string[], first: string): WebSocket {
  const socket = new WebSocket(url, subprotocols);
  socket.on("error", () => {});
  socket.on("open", () => {
    socket.send(first);
    socket.pause();
  });
  onTestFinished(() => socket.terminate());
  return socket;
}

interface Outcome extends Findings {
  /** Chunks each reader got, in order. */
  readonly heard: readonly number[];
}

async function emit250MiB(library: Library, readers: number, options: object = {}): Promise<Outcome> {
  const child: ChildProcess = fork(fileURLToPath(new URL("./stalled-program.ts", import.meta.url)), {
    execArgv: ["--expose-gc", "--max-old-space-size=1024", "--disable-warning=ExperimentalWarning"],
  });
  onTestFinished(() => void child.kill());
  child.send({ module: library.module, options, readers } satisfies Question);
  const [port] = await once(child, "message");
  library.stall(port);
  const heard = Array.from({ length: readers }, () => 0);
  for (let index = 0; index < readers; index++) {
    const reader = await library.read(`http://127.0.0.1:${port}`);
    onTestFinished(() => void reader.disconnect());
    reader.on("chunk", (number) => {
      // what comes out of order is not counted
      if (number === (heard[index] ?? 0) + 1) heard[index] = number;
      if (number % paceChunks === 0) reader.emit("got");
    });
  }
  const [findings] = await once(child, "message");
  return { ...(findings as Findings), heard };
}

function megabytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

function print(what: string, ours: Findings, others: Findings): void {
  console.log(
    `${what}: peak RSS ${megabytes(ours.peakRssBytes)}, Socket.IO ${megabytes(others.peakRssBytes)}; ` +
      `growth ${megabytes(ours.growthBytes)}, Socket.IO ${megabytes(others.growthBytes)}`,
  );
}

// gigabytes for a room of ten
describe("250 MiB for a client that never reads", { timeout: 600_000 }, () => {
  test.each(["disconnect", "drop-oldest", "latest-by-key", "block"])("alone, %s", async (slowConsumer) => {
    const ours = await emit250MiB(bothways, 0, { slowConsumer });
    expect(ours.growthBytes).toBeLessThan(8 * MIB);
    expect(ours.bufferedBytes).toBeLessThan(clientCap);
    expect(ours.bufferedBytes).toBeGreaterThan(MIB / 2);
    // a broadcast waits for nobody, so under `block` the client is disconnected too
    const isOver = slowConsumer === "disconnect" || slowConsumer === "block";
    expect(ours.reasons).toEqual(isOver ? ["slow consumer"] : []);
  });

  test("alone, beside Socket.IO", async () => {
    print("one stalled reader", await emit250MiB(bothways, 0), await emit250MiB(socketIo, 0));
  });

  test("in a room of ten, where the other nine get everything", async () => {
    const maxTotalBufferedBytes = 16 * MIB;
    const ours = await emit250MiB(bothways, 9, { maxTotalBufferedBytes });
    expect(ours.heard).toEqual(Array.from({ length: 9 }, () => chunks));
    expect(ours.growthBytes).toBeLessThan(8 * MIB);
    expect(ours.bufferedBytes).toBeLessThan(maxTotalBufferedBytes);
    expect(ours.reasons).toEqual(["slow consumer"]);
    print("one of ten stalled", ours, await emit250MiB(socketIo, 9));
  });
});
