/**
 * One cell of the matrix: a real client talks with a real server over one transport through one network, and both check
 * what they hear.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Socket as Client, io as connect } from "../../src/client/index.node.ts";
import { Server, type Socket as ServerSocket } from "../../src/server/index.ts";
import { FaultProxy, PolicyProxy } from "../../src/testing/index.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { Ear, messageOf } from "./conversation.ts";
import { type Network, networks, type Place, until, type Verdict } from "./networks.ts";
import { fallback, type Transport, transports } from "./transports.ts";

/** What carries HTTP between the client and the network. */
export const carriers = ["HTTP/1.1", "HTTP/1.1 over TLS"] as const;

export interface Cell {
  readonly carrier: (typeof carriers)[number];
  readonly network: Network;
  readonly transport: Transport;
  readonly verdict: Verdict;
}

export interface RunOptions {
  /** At least so many each way. */
  readonly messages: number;
  /** Fewer faults. */
  readonly isQuick: boolean;
}

export interface Outcome {
  /** What carried the session in the end. */
  readonly transport: string;
  /** From `io()` to `connect`. */
  readonly connectMs: number;
  /** Messages heard by the server, and by the client. */
  readonly up: number;
  readonly down: number;
  readonly strikes: number;
  /** What went wrong; nothing, where all is well. */
  readonly wrong: readonly string[];
  /** Why attempts failed, as the client's report has it. */
  readonly reasons: readonly string[];
}

/** A client that has to move on is connected by then. */
export const moveOnMs = 1_500;
/** Nobody says more as long as so much is on its way. */
const maxUnheard = 300;
const maxBufferedBytes = 16_777_216;

export const cells: readonly Cell[] = carriers.flatMap((carrier) =>
  networks.flatMap((network) =>
    transports.map((transport) => ({
      carrier,
      network,
      transport,
      verdict: network.verdicts[transport.kind],
    })),
  ),
);

export function nameOf({ carrier, network, transport }: Cell): string {
  return `${transport.name}, ${network.name}, ${carrier}`;
}

interface Stage extends Place {
  readonly client: Client;
  readonly up: Ear;
  readonly down: Ear;
  readonly wrong: string[];
  /** Of the server, to the client's one session. */
  say(number: number): void;
  close(): Promise<void>;
}

export async function runCell(cell: Cell, options: RunOptions): Promise<Outcome> {
  const stage = await openStage(cell);
  const { client, up, down, wrong } = stage;
  const begunAt = performance.now();
  let connectMs = Number.NaN;
  client.once("connect", () => {
    connectMs = performance.now() - begunAt;
  });
  await converse(stage, cell, options).catch((error) => wrong.push(error.message));
  const { transport, attempts } = client.report();
  const strikes = cell.network.count(stage);
  if (strikes === 0) wrong.push("the network did nothing");
  if (cell.verdict === "moves on" && !(connectMs < moveOnMs)) {
    wrong.push(`connected after ${connectMs.toFixed(0)} ms`);
  }
  const failures = attempts.filter(({ reason }) => reason !== "");
  const reasons = failures.map(({ transport: name, reason }) => `${name}: ${reason}`);
  await stage.close();
  return {
    transport,
    connectMs,
    up: up.heard,
    down: down.heard,
    strikes,
    wrong: [...wrong, ...up.wrong, ...down.wrong],
    reasons: [...new Set(reasons)],
  };
}

/** Both sides talk until the network has done its worst, and hear it all. */
async function converse(
  stage: Stage,
  { network, verdict, transport }: Cell,
  options: RunOptions,
): Promise<void> {
  const { client, up, down, wrong } = stage;
  const { messages, isQuick } = options;
  let isOver = network.strike === undefined;
  const striking = network.strike?.(stage, isQuick).finally(() => {
    isOver = true;
  });
  // waited for below, if nothing else goes wrong before
  striking?.catch(() => {});
  client.connect();
  await stage.connected();
  let sent = 0;
  for (; sent < messages || !isOver; await new Promise((resolve) => setTimeout(resolve, 2))) {
    if (network.isQuiet && !isOver && sent >= messages / 2) continue;
    await until("the others have heard", () => sent - Math.min(up.heard, down.heard) <= maxUnheard);
    for (let burst = 0; burst < 5; burst++) {
      client.emit("n", sent, messageOf(sent));
      stage.say(sent++);
    }
  }
  await striking;
  await until("all is heard", () => up.heard >= sent && down.heard >= sent);
  const wanted = verdict === "moves on" ? fallback.name : transport.name;
  await until(`${wanted} carries the session`, () => client.io.transport === wanted);
  // what came twice would come before this
  await client.emitWithAck("echo");
  if (up.heard > sent || down.heard > sent) wrong.push(`sent ${sent}, heard ${up.heard} and ${down.heard}`);
}

async function openStage({ carrier, network, transport, verdict }: Cell): Promise<Stage> {
  const wrong: string[] = [];
  const up = new Ear("up");
  const down = new Ear("down");
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const onError = (error: unknown): unknown => wrong.push(`the server: ${error}`);
  const server = new Server(http, { maxBufferedBytes, onError, ...network.server });
  let socket: ServerSocket | undefined;
  let isClosing = false;
  server.on("connection", (newcomer) => {
    socket = newcomer;
    socket.on("n", (number, message) => up.take(number, message));
    socket.on("echo", () => true);
    socket.on("disconnect", (reason) => isClosing || wrong.push(`the server lost the session: ${reason}`));
  });
  const isSecure = carrier !== "HTTP/1.1";
  const proxy = await PolicyProxy.listen({
    target: { port: (http.address() as AddressInfo).port },
    ...network.policies,
    ...(isSecure && { tls: { cert: certificate, key: privateKey } }),
  });
  const faults = await FaultProxy.listen({ target: { port: proxy.port }, ...network.shape });
  const ways = verdict === "moves on" ? [transport, fallback] : [transport];
  const client = connect(faults.url.replace("http", isSecure ? "https" : "http"), {
    transports: ways.map(({ create }) => create()),
    forceNew: true,
    autoConnect: false,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    timeout: 5_000,
    maxBufferedBytes,
    tls: { ca: certificate },
  });
  client.on("n", (number, message) => down.take(number, message));
  client.on("gap", ({ reason }) => wrong.push(`gap: ${reason}`));
  return {
    client,
    proxy,
    faults,
    kind: transport.kind,
    up,
    down,
    wrong,
    struck: 0,
    connected: () => until("both sides are connected", () => client.connected && socket !== undefined),
    say: (number) => void socket?.emit("n", number, messageOf(number)),
    async close() {
      isClosing = true;
      client.disconnect();
      await faults.close();
      await proxy.close();
      await server.close();
    },
  };
}
