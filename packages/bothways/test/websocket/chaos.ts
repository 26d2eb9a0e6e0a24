/**
 * Both ends of WebSockets say what they like, over slow, stalling and breaking networks, until one of them has enough.
 * Whoever of ours and `ws` they are, either must hear what the other said, and how it ended.
 *
 * `npm run chaos:websocket -- --seconds 60 --seed 1` looks longer than the test does.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { FaultProxy } from "../../src/testing/index.ts";
import type { WebSocket } from "../../src/websocket/index.ts";
import { until } from "../chaos/until.ts";
import { openWebSocket } from "../fixtures/extended-connect.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { Random } from "../sim/random.ts";
import { implementations, pairs } from "./pairs.ts";
import { type Said, Speaker } from "./speaker.ts";

const deflates = [
  false,
  true,
  { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false },
  { threshold: 100, serverMaxWindowBits: 9, clientMaxWindowBits: 10, clientNoContextTakeover: false },
] as const;

const servers = {
  TCP: () => createServer(),
  TLS: () => createSecureServer({ cert: certificate, key: privateKey }),
  "HTTP/2": () => createHttp2Server(),
};
type Way = keyof typeof servers;

const host = "127.0.0.1";
/** How long what must come may take. */
const patienceMs = 20_000;
/** That nobody gives up on a machine that has much to do. */
const patient = { handshakeTimeout: 60_000, closeTimeout: 60_000 };
const goodbye = 4_000;

/** Two speakers with a network between them. */
interface Line {
  readonly way: Way;
  readonly server: Speaker;
  readonly client: Speaker;
  readonly network: FaultProxy;
  /** How many connections the server has. */
  connections(): number;
  close(): Promise<void>;
}

async function openLine(random: Random, everybody: Set<Speaker>): Promise<Line> {
  const way = random.pick<Way>(["TCP", "TCP", "TCP", "TLS", "HTTP/2"]);
  // ws serves none over HTTP/2, and ours opens none
  const [serverName, clientName] = way === "HTTP/2" ? (["ours", "ws"] as const) : random.pick(pairs);
  const perMessageDeflate = random.pick(deflates);
  const http = servers[way]().listen(0, host);
  await once(http, "listening");
  const wss = new implementations[serverName].WebSocketServer({
    ...patient,
    server: http,
    perMessageDeflate,
  });
  const network = await FaultProxy.listen({
    target: { port: (http.address() as AddressInfo).port },
    latencyMs: random.pick([0, 0, 3]),
    bytesPerSecond: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 2_000_000]),
    maxBufferedBytes: random.pick([10_000, 4_000_000]),
  });
  const connected = once(wss, "connection");
  const socket =
    way === "HTTP/2"
      ? (await openWebSocket(connectHttp2(network.url).on("error", () => {}))).socket
      : new implementations[clientName].WebSocket(
          `${way === "TLS" ? "wss" : "ws"}://${host}:${network.port}`,
          {
            perMessageDeflate,
            ...(way === "TLS" && { ca: certificate }),
          },
        );
  const client = new Speaker(clientName, socket as WebSocket, random, everybody);
  const [accepted] = (await connected) as [WebSocket];
  const server = new Speaker(serverName, accepted, random, everybody);
  if (!client.isOpen) await once(socket, "open");
  return {
    way,
    server,
    client,
    network,
    connections: () => wss.clients?.size ?? 0,
    async close() {
      await network.close();
      wss.close();
      http.close();
    },
  };
}

const ends = [
  "goodbye",
  "goodbye in a listener",
  "goodbye when all is heard",
  "terminate",
  "terminate in a listener",
  "cut",
] as const;

/** One connection, from its beginning to its end: what was wrong with it. */
async function converse(random: Random, everybody: Set<Speaker>): Promise<string[]> {
  const line = await openLine(random, everybody);
  const { server, client, network } = line;
  const speakers = [server, client];
  for (const speaker of speakers) everybody.add(speaker);
  const ender = random.pick(speakers);
  const other = ender === server ? client : server;
  const end = random.pick(ends);
  const title = `over ${line.way}, a client of ${client.name}, a server of ${server.name}, ${end} by the ${ender === server ? "server" : "client"}`;
  const faults: string[] = [];
  const complain = (what: string): unknown => faults.push(`${title}: ${what}`);
  const waitFor = async (what: string, isTrue: () => boolean): Promise<void> => {
    if (!(await until(isTrue, patienceMs))) complain(`waited in vain for ${what}`);
  };

  const talk = async (speaker: Speaker): Promise<void> => {
    for (let left = 5 + random.int(60); left > 0 && speaker.isOpen; left--) {
      if (random.chance(0.03)) network.stall({ forMs: random.between(0, 50) });
      await speaker.act();
    }
  };
  const talked = Promise.all(speakers.map(talk));
  if (end === "goodbye when all is heard") {
    await talked;
    for (const speaker of speakers) everybody.delete(speaker);
    const isHeard = ({ heard }: Speaker, { said }: Speaker): boolean => heard.length === said.length;
    await waitFor("all that was said", () => isHeard(server, client) && isHeard(client, server));
    await waitFor("callbacks and drains", () => speakers.every(({ isSettled }) => isSettled));
    for (const speaker of speakers) speaker.ping("last");
    await waitFor("the last pongs", () => speakers.every(({ pongs }) => pongs.at(-1) === "last"));
  } else await sleep(random.between(0, 100));

  const said = { before: 0 };
  const leave = (): void => {
    ender.onHearing = undefined;
    if (end.startsWith("terminate")) return ender.socket.terminate();
    said.before = ender.said.length;
    ender.socket.close(goodbye, "enough");
  };
  if (end === "cut") network.cut({ graceful: random.chance(0.5) });
  else if (end.endsWith("listener")) {
    ender.onHearing = leave;
    // where nothing more is heard
    void talked.then(leave);
  } else leave();
  await talked;
  // Who does not read hears of no end.
  for (const { socket } of speakers) socket.resume();
  await waitFor("the end", () => speakers.every(({ closes }) => closes.length > 0));
  await Promise.all(speakers.map(({ hasHeardAll }) => hasHeardAll));

  for (const speaker of speakers) {
    for (const fault of examine(speaker, speaker === server ? client : server))
      complain(`${speaker === server ? "server" : "client"}: ${fault}`);
  }
  if (end.startsWith("goodbye")) {
    if (other.heard.length < said.before)
      complain(`${other.heard.length} of ${said.before} heard before the goodbye`);
    if (speakers.some(({ closes }) => closes[0] !== goodbye))
      complain(`closed with ${speakers.map(({ closes }) => closes)}`);
  }
  if (line.connections() > 0) complain("the server still has it");
  await line.close();
  for (const speaker of speakers) everybody.delete(speaker);
  return faults;
}

/** What holds however it ended. */
function* examine(mine: Speaker, theirs: Speaker): Generator<string> {
  const wrong = mine.heard.findIndex((message, at) => !isSame(message, theirs.said[at]));
  if (wrong >= 0) yield `heard message ${wrong} otherwise`;
  if (mine.late > 0) yield `${mine.late} messages after the end`;
  if (mine.closes.length !== 1) yield `closed ${mine.closes.length} times`;
  if (mine.errors.length > 0) yield `${mine.errors}`;
  if (mine.pings.some((text, at) => text !== theirs.pinged[at])) yield "pings out of order";
  // ws forgets those of messages that are being compressed, and tells those of Blobs out of turn
  if (mine.name === "ws") return;
  if (mine.called !== mine.asked) yield `${mine.called} callbacks of ${mine.asked}`;
  if (mine.written.some((number, at) => number !== at)) yield "callbacks out of order";
}

function isSame(one: Said, other: Said | undefined): boolean {
  return other !== undefined && one.isBinary === other.isBinary && Buffer.compare(one.data, other.data) === 0;
}

/** Eight connections at a time. The same seed makes the same choices, and meets other networks. */
export async function runChaos(
  seconds: number,
  seed: number,
): Promise<{ connections: number; faults: readonly string[] }> {
  const faults: string[] = [];
  const everybody = new Set<Speaker>();
  let connections = 0;
  const end = performance.now() + seconds * 1_000;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      const own = seed * 100_000 + connections++;
      faults.push(...(await converse(new Random(own), everybody)).map((fault) => `${own}: ${fault}`));
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return { connections, faults };
}

if (import.meta.main) {
  const number = (byDefault: string) => ({ type: "string", default: byDefault }) as const;
  const { values } = parseArgs({ options: { seconds: number("60"), seed: number("1") } });
  const { connections, faults } = await runChaos(Number(values.seconds), Number(values.seed));
  for (const fault of faults) console.log(`FAIL ${fault}`);
  console.log(`${connections} connections, ${faults.length} faults`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
