/**
 * One cell of the matrix: a real client talks with a real server over one transport through one network, and both check
 * what they hear.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Server, type Socket as ServerSocket } from "../../src/server/index.ts";
import { FaultProxy, PolicyProxy } from "../../src/testing/index.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { type Client, type ClientName, clientNames, openClient, type Pages } from "./clients.ts";
import { Ear, messageOf } from "./conversation.ts";
import { type Network, networks, type Place, until, type Verdict } from "./networks.ts";
import { type Transport, transports, waysFrom } from "./transports.ts";

/** What carries HTTP between the client and the network. */
export const carriers = ["HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2"] as const;

export interface Cell {
  readonly client: ClientName;
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
  /** For the cells of Chromium. */
  readonly pages?: Pages;
}

export interface Outcome {
  /** From the beginning to `connect`. */
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

export const cells: readonly Cell[] = clientNames.flatMap((client) =>
  carriers.flatMap((carrier) =>
    networks.flatMap((network) =>
      transports.map((transport) => {
        const verdict = judge(client, carrier, network, transport);
        return { client, carrier, network, transport, verdict };
      }),
    ),
  ),
);

function judge(
  client: ClientName,
  carrier: Cell["carrier"],
  network: Network,
  { kind, needs }: Transport,
): Verdict {
  if (client === "Node" && carrier === "HTTP/2")
    return { impossible: "the client of Node.js speaks HTTP/1.1" };
  if (client === "Node" && needs !== undefined) return { impossible: `needs ${needs}` };
  if (carrier === "HTTP/2" && network.readsHttp) return { impossible: "a proxy's that reads HTTP/1.1" };
  return network.verdicts[kind];
}

export function isPossible({ verdict }: Cell): boolean {
  return verdict === "works" || "movesOnTo" in verdict;
}

export function nameOf({ client, carrier, network, transport }: Cell): string {
  return `${transport.name}, ${network.name}, ${client}, ${carrier}`;
}

interface Stage extends Place {
  readonly client: Client;
  readonly up: Ear;
  readonly wrong: string[];
  /** Of the server, to the client's one session. */
  say(number: number): void;
  close(): Promise<void>;
}

export async function runCell(cell: Cell, options: RunOptions): Promise<Outcome> {
  const stage = await openStage(cell, options);
  const { client, up, wrong } = stage;
  await converse(stage, cell, options).catch((error) => wrong.push(error.message));
  const { connectMs, heard, reasons, wrong: told } = await client.tell();
  const strikes = cell.network.count(stage);
  if (strikes === 0) wrong.push("the network did nothing");
  // a quick run shares its machine with others
  if (cell.verdict !== "works" && !(connectMs < moveOnMs * (options.isQuick ? 3 : 1))) {
    wrong.push(`connected after ${connectMs.toFixed(0)} ms`);
  }
  await stage.close();
  return { connectMs, up: up.heard, down: heard, strikes, wrong: [...wrong, ...told, ...up.wrong], reasons };
}

/** Both sides talk until the network has done its worst, and hear it all. */
async function converse(
  stage: Stage,
  { network, verdict, transport }: Cell,
  { messages, isQuick }: RunOptions,
): Promise<void> {
  const { client, up, wrong } = stage;
  let isOver = network.strike === undefined;
  const striking = network.strike?.(stage, isQuick).finally(() => {
    isOver = true;
  });
  // waited for below, if nothing else goes wrong before
  striking?.catch(() => {});
  let told = await client.connect();
  await stage.connected();
  let sent = 0;
  for (; sent < messages || !isOver; await new Promise((resolve) => setTimeout(resolve, 2))) {
    if (network.isQuiet && !isOver && sent >= messages / 2) continue;
    await until("the others have heard", async () => {
      if (sent - up.heard > maxUnheard) return false;
      if (sent - told.heard > maxUnheard) told = await client.tell();
      return sent - told.heard <= maxUnheard;
    });
    const from = sent;
    while (sent < from + 5) stage.say(sent++);
    told = await client.say(from, sent - from);
  }
  await striking;
  await until("all is heard", async () => up.heard >= sent && (await client.tell()).heard >= sent);
  const { heard, first } = await client.echo();
  const wanted = typeof verdict === "object" && "movesOnTo" in verdict ? verdict.movesOnTo : transport.name;
  if (first !== wanted) wrong.push(`connected by ${first}`);
  if (up.heard > sent || heard > sent) wrong.push(`sent ${sent}, heard ${up.heard} and ${heard}`);
}

async function openStage(
  { client: name, carrier, network, transport, verdict }: Cell,
  { isQuick, pages }: RunOptions,
): Promise<Stage> {
  const wrong: string[] = [];
  const up = new Ear("up");
  const tls = { cert: certificate, key: privateKey };
  const isHttp2 = carrier === "HTTP/2";
  const http = isHttp2 ? createSecureServer({ ...tls, allowHTTP1: true }) : createServer();
  http.on("request", (_request: unknown, response: ServerResponse) => void response.end());
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const proxy = await PolicyProxy.listen({
    target: { port },
    ...network.policies,
    ...(carrier === "HTTP/1.1 over TLS" && { tls }),
  });
  const target = { port: isHttp2 ? port : proxy.port };
  const faults = await FaultProxy.listen({ target, ...network.shape });
  const url = faults.url.replace("http", carrier === "HTTP/1.1" ? "http" : "https");
  const server = new Server(http, {
    maxBufferedBytes,
    onError: (error) => wrong.push(`the server: ${error}`),
    transports: transports.map((each) => each.name),
    // where TLS ends at the proxy, the server cannot know that it is its own
    origins: [url],
    authenticate: ({ httpVersion }) => {
      if (socket === undefined && isHttp2 !== (httpVersion === "2.0")) wrong.push(`over HTTP/${httpVersion}`);
    },
    ...network.server,
  });
  let socket: ServerSocket | undefined;
  let isClosing = false;
  server.on("connection", (newcomer) => {
    if (socket !== undefined) wrong.push("a second session");
    socket = newcomer;
    socket.on("n", (number, message) => up.take(number, message));
    socket.on("echo", () => true);
    socket.on("disconnect", (reason) => isClosing || wrong.push(`the server lost the session: ${reason}`));
  });
  const ways = verdict === "works" ? [transport] : waysFrom(transport);
  // on a slow machine too a stream has the time to open before what would be tried beside it
  const movesToStream =
    typeof verdict === "object" && "movesOnTo" in verdict && verdict.movesOnTo === "stream";
  const hedge = isQuick && movesToStream ? { hedgeDelay: 1_500 } : {};
  const given = { url, ways, maxBufferedBytes, isHttp2, tls: { ca: certificate }, ...hedge };
  const client = await openClient(name, given, pages);
  const isConnected = async (): Promise<boolean> => socket !== undefined && (await client.tell()).isConnected;
  return {
    client,
    proxy,
    faults,
    kind: transport.kind,
    up,
    wrong,
    struck: 0,
    connected: () => until("both sides are connected", isConnected),
    say: (number) => void socket?.emit("n", number, messageOf(number)),
    async close() {
      isClosing = true;
      await client.close();
      await faults.close();
      await proxy.close();
      await server.close();
    },
  };
}
