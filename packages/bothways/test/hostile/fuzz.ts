/**
 * A fuzzer for a whole server, over real sockets: valid conversations, HTTP and WebSocket, cut, repeated, overwritten and
 * spliced, and plain random bytes. Everything follows from the seed but the network's own timing.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { frame } from "../advisories/frames.ts";
import { Random } from "../sim/random.ts";

export interface FuzzOptions {
  readonly port: number;
  readonly seed: number;
  readonly cases: number;
  /** How many at once. */
  readonly lanes: number;
}

/** Runs `cases` conversations; returns how many of their connections the server ended by itself. */
export async function fuzz({ port, seed, cases, lanes }: FuzzOptions): Promise<number> {
  let next = 0;
  let ended = 0;
  const lane = async (): Promise<void> => {
    while (next < cases) {
      const random = new Random(seed * 1_000_003 + next++);
      if (await converse(port, random)) ended++;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return ended;
}

/** One connection. True if the server ended it. */
async function converse(port: number, random: Random): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  const closed = new Promise<true>((resolve) => socket.once("close", () => resolve(true)));
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received = (received + chunk.toString("latin1")).slice(0, 10_000);
  });
  const script = random.pick([noise, requests, upgrades, frames, exchanges]);
  for (const make of script(random)) {
    await writeInPieces(socket, make(received), random);
    if (random.chance(0.5)) await Promise.race([closed, answered(socket)]);
  }
  if (random.chance(0.3)) socket.end();
  const isOver = await Promise.race([closed, answered(socket)]);
  if (random.chance(0.5)) socket.resetAndDestroy();
  else socket.destroy();
  return isOver;
}

/** Waits for an answer, or a little while. */
async function answered(socket: Socket): Promise<false> {
  const signal = AbortSignal.timeout(15);
  await once(socket, "data", { signal }).catch(() => {});
  return false;
}

async function writeInPieces(socket: Socket, bytes: Buffer, random: Random): Promise<void> {
  const cuts = random.chance(0.3) ? random.int(4) : 0;
  let rest = bytes;
  for (let cut = 0; cut < cuts; cut++) {
    const at = random.int(rest.length + 1);
    socket.write(rest.subarray(0, at));
    rest = rest.subarray(at);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!socket.destroyed) socket.write(rest);
}

/** Makes what is to be sent next, of what came in so far. */
type Step = (received: string) => Buffer;

function noise(random: Random): Step[] {
  return [() => Buffer.from(Array.from({ length: random.int(3_000) }, () => random.int(256)))];
}

function requests(random: Random): Step[] {
  return Array.from(
    { length: 1 + random.int(3) },
    () => () => mutate(post(random.pick(bodies)), random, 0.7),
  );
}

function upgrades(random: Random): Step[] {
  return [() => mutate(Buffer.from(upgradeHead(random)), random, 0.8)];
}

/** A good upgrade, perhaps a good hello, and then frames that are mostly not. */
function frames(random: Random): Step[] {
  const steps: Step[] = [() => Buffer.from(upgradeHead(random))];
  const count = 1 + random.int(6);
  for (let at = 0; at < count; at++) steps.push(() => randomFrame(random));
  return steps;
}

function randomFrame(random: Random): Buffer {
  const payload = mutate(Buffer.from(random.pick(messages)), random, 0.5);
  const isRight = random.chance(0.6);
  const bytes = isRight
    ? frame({ opcode: random.pick([1, 1, 1, 2, 9]), payload: payload.subarray(0, 125) })
    : frame({
        fin: random.chance(0.7),
        rsv: random.chance(0.8) ? 0 : random.int(8),
        opcode: random.int(16),
        isMasked: random.chance(0.8),
        payload,
        ...(random.chance(0.2) && { declared: BigInt(random.next()) << BigInt(random.int(32)) }),
      });
  return mutate(bytes, random, 0.2);
}

/** A hello by HTTP, then polls and batches with its key, of which some are mutated. */
function exchanges(random: Random): Step[] {
  const steps: Step[] = [() => post(hello(random))];
  const count = 1 + random.int(5);
  for (let at = 0; at < count; at++) {
    steps.push((received) => {
      const key = /"key":"([^"]+)"/.exec(received)?.[1] ?? "no~key";
      const kind = random.pick(["q", "k", "k"]);
      const lines = Array.from({ length: random.int(4) }, () => random.pick(messages));
      const body = [`${kind}${key},${random.pick([at, at, at, random.int(9), -1])}`, ...lines].join("\n");
      return random.chance(0.5) ? post(body) : mutate(post(body), random, 0.6);
    });
  }
  return steps;
}

function hello(random: Random): string {
  const attempt = `fuzz-${random.next()}-${random.next()}-fuzz`;
  const join = [["/"], ["/other", { token: "x" }]];
  return `h${JSON.stringify({ version: 1, attempt, generation: 1, received: 0, credit: [100, 1e6], join })}`;
}

const messages: readonly string[] = [
  "n1",
  'm2["echo",1]',
  'm21["echo",{"a":[1,"x",null],"__proto__":{"polluted":true}}]',
  'm2/other,["echo"]',
  'm3["x"]',
  'm37["x"]',
  'm51{"message":"no"}',
  "m0/other,",
  "m0/nowhere,",
  "m1",
  "m1/other,",
  'v2["echo",2]',
  "a1,100,100000",
  "a0,0,0",
  "p",
  "o",
  "c4000,bye",
  "c4409,",
  'm2["throw"]',
  'm29["throw"]',
  'm2["disconnect"]',
  "\0\0\0\0\u0001x",
];

const bodies: readonly string[] = [
  ...messages,
  "",
  "\0",
  "h{}",
  "qkey,1",
  "kno~key,1\nn1",
  "x".repeat(5_000),
];

function post(body: string): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from(`POST /bothways/?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`),
    bytes,
  ]);
}

function upgradeHead(random: Random): string {
  const offer = random.chance(0.7) ? `, ${Buffer.from(hello(random)).toString("base64url")}` : "";
  return (
    "GET /bothways/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n" +
    `Sec-WebSocket-Protocol: bothways.1${offer}\r\n\r\n`
  );
}

/** With this probability: a few edits, each of which cuts, repeats, overwrites or inserts. */
function mutate(bytes: Buffer, random: Random, probability: number): Buffer {
  if (!random.chance(probability)) return bytes;
  let result = bytes;
  for (let edits = 1 + random.int(4); edits > 0; edits--) {
    const at = random.int(result.length + 1);
    const end = Math.min(result.length, at + random.int(20));
    const insert = random.pick([
      Buffer.alloc(0),
      Buffer.from([random.int(256)]),
      result.subarray(at, end),
      Buffer.from(
        random.pick(["\r\n", "\n", ",", '"', "[[[[", "\0", "99999999999", "é", "%00", "__proto__", ": "]),
      ),
    ]);
    result = Buffer.concat([result.subarray(0, at), insert, result.subarray(random.chance(0.5) ? at : end)]);
  }
  return result;
}
