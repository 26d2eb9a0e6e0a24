/**
 * Guests that talk with a server over every technique, through networks that cut, delay, silence, refuse and repeat, while
 * they move between techniques, leave and come back, and the server is restarted: all that the documentation promises of
 * delivery must hold. The simulation looks at one session; this at all that is built on it, over real sockets.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Policies } from "../../src/testing/index.ts";
import { Random } from "../sim/random.ts";
import { Guest } from "./guest.ts";
import { Host, resumeWindow } from "./host.ts";
import { until } from "./until.ts";

export interface ChaosOptions {
  readonly guests: number;
  readonly seconds: number;
  /** The same choices; what they meet differs from run to run. */
  readonly seed: number;
}

export interface ChaosOutcome {
  readonly faults: readonly string[];
  /** How often each thing was done to somebody. */
  readonly struck: Readonly<Record<string, number>>;
  /** Events that reached the server, and answers that came on either side. */
  readonly heard: number;
  readonly answers: number;
  /** Of the server, when everybody had gone. */
  readonly after: object;
}

const policies: readonly Partial<Policies>[] = [
  { upgrade: "strip" },
  { upgrade: "hang" },
  { upgrade: 502 },
  { answer: 503 },
  { bufferBytes: Infinity },
  { idleTimeoutMs: 300 },
];

type Action = (guest: Guest, random: Random, host: Host) => unknown;

/** What may happen, and how often beside the others. */
const actions: Readonly<Record<string, readonly [weight: number, act: Action]>> = {
  cut: [20, ({ network }, random) => network.cut({ graceful: random.chance(0.5) })],
  silence: [8, ({ network }, random) => network.halfOpen({ affects: random.pick(["up", "down", "both"]) })],
  stall: [10, ({ network }, random) => network.stall({ forMs: random.between(0, 1_500) })],
  "cut in a message": [
    4,
    ({ network }, random) => arm(network.cutAfter(1 + random.int(5_000), random.pick(["up", "down"]))),
  ],
  "lost answer": [6, ({ office }) => arm(office.loseNext())],
  "repeated request": [6, ({ office }) => arm(office.duplicateNext(({ method }) => method === "POST"))],
  policy: [4, ({ office }, random) => office.change(random.pick(policies), random.between(0, 2_000))],
  "nobody answers": [
    2,
    ({ network }, random) => network.admit(random.pick(["refuse", "blackhole"]), random.between(0, 2_000)),
  ],
  "long absence": [
    0.3,
    ({ network }) => {
      network.admit("refuse", 8_000);
      network.cut();
    },
  ],
  switch: [
    12,
    ({ seats }, random) => {
      const { socket } = random.pick(seats);
      const known = socket.report().attempts.map(({ transport }) => transport);
      if (known.length) socket.switchTo(random.pick(known));
    },
  ],
  stroll: [12, ({ seats }, random) => random.pick(seats).stroll()],
  leave: [2, ({ seats }, random) => random.pick(seats).leave()],
  kick: [0.5, (_guest, _random, host) => host.kick()],
  restart: [0.2, (_guest, _random, host) => host.restart()],
};

const lots = Object.entries(actions).flatMap(([name, [weight, act]]) =>
  Array.from({ length: weight * 10 }, () => ({ name, act })),
);

export async function runChaos({ guests: count, seconds, seed }: ChaosOptions): Promise<ChaosOutcome> {
  const random = new Random(seed);
  const host = await Host.open(random);
  const guests: Guest[] = [];
  for (let index = 0; index < count; index++) guests.push(await Guest.open(`guest ${index}`, host, random));
  const speaking = setInterval(() => host.broadcast(), 10);

  const struck: Record<string, number> = {};
  const end = performance.now() + 1_000 * seconds;
  while (performance.now() < end) {
    await sleep(random.between(0, 1_000 / count));
    const { name, act } = random.pick(lots);
    await act(random.pick(guests), random, host);
    struck[name] = (struck[name] ?? 0) + 1;
  }

  clearInterval(speaking);
  host.hush();
  for (const guest of guests) guest.heal();
  const seats = guests.flatMap((guest) => guest.seats);
  await Promise.all(seats.map((seat) => seat.settle()));
  const answers = seats.reduce((sum, seat) => sum + seat.answers, host.answers);
  await Promise.all(guests.map((guest) => guest.close()));
  const isEmpty = () => host.io.stats().sessions === 0 && host.io.stats().openRequests === 0;
  await until(isEmpty, 3 * resumeWindow);
  const after = host.io.stats();
  await host.io.close();
  return { faults: host.faults, struck, heard: host.heard, answers, after };
}

/** One that is still armed when its proxy closes is rejected. */
function arm(strike: Promise<unknown>): void {
  strike.catch(() => {});
}
