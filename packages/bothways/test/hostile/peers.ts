/** Hostile peers, one function per kind: each does its worst over one connection for as long as it may. */
import { connect, type Socket } from "node:net";
import { frame } from "../advisories/frames.ts";
import type { Random } from "../sim/random.ts";
import { fuzz } from "./fuzz.ts";

export interface Attack {
  readonly port: number;
  readonly random: Random;
  /** Says when it is over. */
  readonly signal: AbortSignal;
}

function open({ port, signal }: Attack): Socket {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.on("data", () => {});
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  return socket;
}

/** Calls `act` again and again until the connection is over, and then begins anew. */
function repeat(
  attack: Attack,
  everyMs: number,
  begin: (socket: Socket) => void,
  act: (socket: Socket) => void,
): void {
  const socket = open(attack);
  begin(socket);
  const timer = setInterval(() => socket.writable && act(socket), everyMs);
  socket.once("close", () => {
    clearInterval(timer);
    if (attack.signal.aborted) return;
    const again = setTimeout(() => repeat(attack, everyMs, begin, act), 500 + attack.random.int(1_000));
    attack.signal.addEventListener("abort", () => clearTimeout(again), { once: true });
  });
}

function helloOf({ random }: Attack, changes: object = {}): string {
  const attempt = `hostile-${random.next()}-${random.next()}-${random.next()}`;
  const hello = { version: 1, attempt, generation: 1, received: 0, credit: [100, 1e6], join: [["/"]] };
  return `h${JSON.stringify({ ...hello, ...changes })}`;
}

function upgrade(attack: Attack, hello?: string): string {
  const offer = hello === undefined ? "" : `, ${Buffer.from(hello).toString("base64url")}`;
  return (
    `GET /bothways/ HTTP/1.1\r\nHost: 127.0.0.1:${attack.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n" +
    `Sec-WebSocket-Protocol: bothways.1${offer}\r\n\r\n`
  );
}

function post(body: string, more = ""): string {
  const length = Buffer.byteLength(body);
  return `POST /bothways/ HTTP/1.1\r\nHost: x\r\n${more}Content-Length: ${length}\r\n\r\n${body}`;
}

const text = (payload: string): Buffer => frame({ payload });

/** One who joined, and then sends `bytes` each time. */
function member(attack: Attack, everyMs: number, bytes: Buffer, isReading = true): void {
  const begin = (socket: Socket): void => {
    socket.write(upgrade(attack, helloOf(attack)));
    // a frame before the answer would be an error of another kind
    socket.once("data", () => {
      socket.write(text("n1"));
      if (!isReading) socket.pause();
    });
  };
  repeat(attack, everyMs, begin, (socket) => void (socket.bytesRead > 0 && socket.write(bytes)));
}

const pings = Buffer.concat(Array.from({ length: 50 }, () => frame({ opcode: 9, payload: "x".repeat(100) })));
const fragments = Buffer.concat([
  frame({ fin: false }),
  ...Array.from({ length: 200 }, () => frame({ fin: false, opcode: 0, payload: "x" })),
]);
const moreFragments = Buffer.concat(
  Array.from({ length: 200 }, () => frame({ fin: false, opcode: 0, payload: "" })),
);
const deep = text(`m2["echo",${"[".repeat(5_000)}${"]".repeat(5_000)}]`);
const polluting = text('m2["echo",{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]');
const questions = Buffer.concat(Array.from({ length: 20 }, () => text(`m21["echo","${"x".repeat(500)}"]`)));
const endless = Buffer.concat(Array.from({ length: 20 }, () => text('m21["never"]')));
const reserved = Buffer.concat(
  ["disconnect", "connect", "error", "throw"].map((name) => text(`m21["${name}"]`)),
);
const joins = Buffer.concat(Array.from({ length: 40 }, (_, at) => text(`m0/nowhere${at},`)));

export const kinds: Readonly<Record<string, (attack: Attack) => void>> = {
  silent: (attack) =>
    repeat(
      attack,
      1_000,
      () => {},
      () => {},
    ),
  "slow head": (attack) =>
    repeat(
      attack,
      500,
      (socket) => void socket.write("POST /bothways/ HTTP/1.1\r\n"),
      (socket) => void socket.write("a: b\r\n"),
    ),
  "slow body": (attack) =>
    repeat(
      attack,
      500,
      (socket) => void socket.write("POST /bothways/ HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\nh"),
      (socket) => void socket.write("x"),
    ),
  "huge body": (attack) =>
    repeat(
      attack,
      1_000,
      (socket) =>
        void socket.write("POST /bothways/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
      (socket) => void socket.write(`4000\r\n${"x".repeat(0x4000)}\r\n`),
    ),
  "header flood": (attack) =>
    repeat(
      attack,
      1_000,
      (socket) => void socket.write(`GET /bothways/ HTTP/1.1\r\nHost: x\r\n${"a: b\r\n".repeat(2_200)}\r\n`),
      (socket) => void socket.write(`GET /bothways/ HTTP/1.1\r\nHost: x\r\n${"a: b\r\n".repeat(2_200)}\r\n`),
    ),
  "no hello": (attack) =>
    repeat(
      attack,
      1_000,
      (socket) => void socket.write(upgrade(attack)),
      () => {},
    ),
  "never confirms": (attack) =>
    repeat(
      attack,
      1_000,
      (socket) => void socket.write(upgrade(attack, helloOf(attack))),
      () => {},
    ),
  "forged sessions": (attack) =>
    repeat(
      attack,
      200,
      () => {},
      (socket) =>
        void socket.write(
          post(helloOf(attack, { generation: 9, sid: `a.${attack.random.next()}.b`, secret: "stolen" })),
        ),
    ),
  "unknown keys": (attack) =>
    repeat(
      attack,
      100,
      () => {},
      (socket) => void socket.write(post(`q${attack.random.next()}~x,1`)),
    ),
  "wrong origin": (attack) =>
    repeat(
      attack,
      100,
      () => {},
      (socket) => void socket.write(post("x", "Origin: https://evil.example\r\n")),
    ),
  "a thousand namespaces": (attack) => {
    const join = Array.from({ length: 1_000 }, (_, at) => [`/n${at}`]);
    repeat(
      attack,
      500,
      () => {},
      (socket) => void socket.write(post(helloOf(attack, { join }))),
    );
  },
  "broken frames": (attack) => member(attack, 300, frame({ rsv: 7, opcode: 11, payload: "x" })),
  unmasked: (attack) => member(attack, 300, frame({ isMasked: false, payload: "x" })),
  oversized: (attack) => member(attack, 300, frame({ declared: 2n ** 40n })),
  "bad UTF-8": (attack) => member(attack, 300, frame({ payload: Uint8Array.of(0xff, 0xfe) })),
  pings: (attack) => member(attack, 500, pings, false),
  fragments: (attack) => repeatFragments(attack),
  deep: (attack) => member(attack, 500, deep),
  polluting: (attack) => member(attack, 200, polluting),
  "asks and does not read": (attack) => member(attack, 500, questions, false),
  "handlers that never end": (attack) => member(attack, 1_000, endless),
  "reserved names": (attack) => member(attack, 300, reserved),
  "unknown namespaces": (attack) => member(attack, 500, joins),
  noise: (attack) => {
    const run = async (): Promise<void> => {
      while (!attack.signal.aborted) {
        await fuzz({ port: attack.port, seed: attack.random.next(), cases: 1, lanes: 1 });
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    void run();
  },
};

function repeatFragments(attack: Attack): void {
  let isFirst = true;
  repeat(
    attack,
    200,
    (socket) => {
      isFirst = true;
      socket.write(upgrade(attack, helloOf(attack)));
    },
    (socket) => {
      if (socket.bytesRead === 0) return;
      socket.write(isFirst ? fragments : moreFragments);
      isFirst = false;
    },
  );
}
