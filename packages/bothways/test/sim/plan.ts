/**
 * What one seed draws before anything happens: options of both sides, the network's habits, and its own part of the menu of
 * faults (a swarm: most seeds know only some of them, and strike harder with those).
 */
import type { DriverOptions } from "../../src/server/driver.ts";
import { driverOptionsOf } from "../../src/server/options.ts";
import {
  disconnect,
  dropOldest,
  latestByKey,
  type Overflow,
  type QueueLimit,
} from "../../src/session/overflow.ts";
import type { SessionOptions } from "../../src/session/session.ts";
import type { Random } from "./random.ts";

/** Faults that strike at a moment of their own. */
export const strikes = [
  "cut",
  "half-open",
  "stall",
  "slow",
  "outage",
  "pause client",
  "pause server",
  "jump",
  "switch",
  "race",
  "wake",
  "hide",
  "restart",
  "leave",
  "steal",
] as const;
export type StrikeName = (typeof strikes)[number];

/** How often an HTTP exchange meets each of its own faults. */
export interface ExchangeRates {
  readonly lostRequest: number;
  readonly lostAnswer: number;
  /** The browser repeats a POST whose connection died without an answer. */
  readonly repeat: number;
  /** Something on the way delivers a request once more, late. */
  readonly copy: number;
  readonly slow: number;
}

export interface Plan {
  readonly server: DriverOptions;
  readonly client: SessionOptions & QueueLimit;
  readonly clients: number;
  /** Clients run the product's own driver, not the simulation's loop. */
  readonly hasDriver: boolean;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly splitRate: number;
  readonly refuseRate: number;
  readonly exchange: ExchangeRates;
  readonly strikes: readonly StrikeName[];
  readonly strikeCount: number;
  readonly messages: number;
  readonly trafficMs: number;
  readonly hedgeRate: number;
  /** Outputs are drained when all that came together was handled, not after each frame. */
  readonly isPatient: boolean;
  readonly askRate: number;
  readonly volatileRate: number;
  readonly bigRate: number;
  /** Joining is answered later than the hello. */
  readonly joinDelayMs: number;
  /** What a peer claims in place of the credit it means. */
  readonly credit: "honest" | "none" | "falling" | "huge";
  readonly grainMs: number;
  readonly rates: readonly number[];
  /** A stream of the server is no longer and no older. */
  readonly streamBytes: number;
  readonly streamAgeMs: number;
}

const policies: readonly Overflow[] = [disconnect, dropOldest, latestByKey];
export const never = 1e15;

export function drawPlan(random: Random): Plan {
  const some = (rate: number, low: number, high: number): number =>
    random.chance(rate) ? random.between(low, high) : 0;
  const credit = random.chance(0.12) ? random.pick(["none", "falling", "huge"] as const) : "honest";
  const hasDriver = random.chance(0.2);
  // the product's client has windows of its own, and acknowledges in its own time
  const windowBytes = random.pick(hasDriver ? [5000, 1_000_000] : [100, 700, 5000, 1_000_000]);
  const window = {
    windowMessages: random.pick([1, 2, 4, 16, 64, 1024]),
    windowBytes,
    highWaterMarkBytes: 1000,
    // where one message fills the window, each waits for the acknowledgement of the one before
    ackDelayMs:
      windowBytes < 5000 || credit !== "honest" ? random.pick([0, 10, 50]) : random.pick([0, 10, 100, 1000]),
  };
  const limit = (): QueueLimit => {
    const isTight = random.chance(0.25);
    return {
      maxQueueBytes: isTight ? random.pick([400, 1500, 4000]) : never,
      overflow: random.pick(policies),
    };
  };
  return {
    server: {
      ...driverOptionsOf({}),
      ...window,
      ...limit(),
      pingIntervalMs: random.pick([1000, 2000, 5000]),
      // longer than the slowest way there and back
      pingTimeoutMs: random.pick([1200, 1500, 2500]),
      connectTimeoutMs: random.pick([2500, 5000]),
      resumeWindowMs: random.pick([2500, 8000, 20_000]),
      maxNamespacesPerPeer: 4,
      maxJsonDepth: 16,
    },
    client: { ...window, windowMessages: hasDriver ? 1024 : random.pick([1, 3, 16, 1024]), ...limit() },
    clients: random.pick([1, 1, 1, 2, 3]),
    hasDriver,
    latencyMs: random.pick([0, 1, 20, 80]),
    jitterMs: random.pick([0, 5, 50, 300]),
    splitRate: some(0.5, 0, 1),
    refuseRate: some(0.3, 0, 0.5),
    exchange: {
      lostRequest: some(0.5, 0, 0.1),
      lostAnswer: some(0.5, 0, 0.1),
      repeat: some(0.5, 0, 0.3),
      copy: some(0.5, 0, 0.3),
      slow: some(0.5, 0, 0.3),
    },
    strikes: strikes.filter(() => random.chance(0.55)),
    strikeCount: random.int(13),
    messages: 150 + random.int(250),
    trafficMs: random.between(6000, 25_000),
    hedgeRate: some(0.5, 0.1, 1),
    isPatient: random.chance(0.5),
    askRate: some(0.6, 0, 0.6),
    volatileRate: some(0.5, 0, 0.2),
    bigRate: some(0.4, 0, 0.1),
    joinDelayMs: random.chance(0.3) ? random.between(1, 400) : 0,
    credit,
    grainMs: random.pick([0, 0, 1, 16]),
    rates: Array.from({ length: 4 }, () => random.pick([1, 1, 1, 0.98, 1.02])),
    streamBytes: random.pick([200, 5000, never]),
    streamAgeMs: random.pick([300, 10_000, never]),
  };
}
