/**
 * A server whose application emits 250 MiB and looks at no result, and what that does to its memory. A program of its
 * own, run with `--expose-gc`; told over IPC whom to be: us, or Socket.IO, which has the same API.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

export interface Question {
  /** Module with a `Server`. */
  readonly module: string;
  readonly options: object;
  /** Sockets that say what they got; one more, that says nothing, is there too. */
  readonly readers: number;
}

export interface Findings {
  /** heapUsed + external + arrayBuffers after a forced collection: the most over what it was before. */
  readonly growthBytes: number;
  /** The most that was ever charged to the process's account, looked at after each emit. */
  readonly bufferedBytes: number;
  readonly peakRssBytes: number;
  /** Reasons of those who were disconnected. */
  readonly reasons: readonly string[];
}

interface AnySocket {
  join(room: string): void;
  on(event: string, listener: (value: never) => void): void;
}

interface AnyServer {
  on(event: "connection", listener: (socket: AnySocket) => void): void;
  to(room: string): { emit(event: string, ...args: unknown[]): void };
  stats?(): { readonly bufferedBytes: number };
}

const chunk = "x".repeat(65_536);
export const chunks = 4_000;
/** The application waits for its readers after so many, and takes a sample after so many. */
export const paceChunks = 8;
const sampleChunks = 160;

function usedBytes(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

function answer({ module, options, readers }: Question): void {
  let got = 0;
  let joined = 0;
  let go = (): void => {};
  const reasons: string[] = [];
  const httpServer = createServer();

  /** Until each reader has what was sent so far. */
  async function pace(sent: number): Promise<void> {
    do await new Promise(setImmediate);
    while (got < (readers * sent) / paceChunks);
  }

  async function run(io: AnyServer): Promise<void> {
    io.on("connection", (socket) => {
      socket.join("room");
      socket.on("got", () => got++);
      socket.on("disconnect", (reason: string) => reasons.push(reason));
      if (++joined === readers + 1) go();
    });
    httpServer.listen(0, "127.0.0.1", () => process.send?.((httpServer.address() as AddressInfo).port));
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    const before = usedBytes();
    let growthBytes = 0;
    let bufferedBytes = 0;
    for (let sent = 1; sent <= chunks; sent++) {
      io.to("room").emit("chunk", sent, chunk);
      bufferedBytes = Math.max(bufferedBytes, io.stats?.().bufferedBytes ?? 0);
      if (sent % paceChunks === 0) await pace(sent);
      if (sent % sampleChunks === 0) growthBytes = Math.max(growthBytes, usedBytes() - before);
    }
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    process.send?.({ growthBytes, bufferedBytes, peakRssBytes, reasons } satisfies Findings, () =>
      process.exit(),
    );
  }

  void import(module).then(({ Server }) => run(new Server(httpServer, options)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.once("message", answer);
