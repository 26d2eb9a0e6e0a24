/** What the server's pure parts need of Node: time, timers, randomness. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { nativeCodec } from "../dialect/native/codec.ts";
import { eventStreamCodec, jsonCodec } from "../dialect/plain/codec.ts";
import type { HubObserver, HubPlatform } from "../hub/platform.ts";
import { channels } from "../observe/channels.ts";
import type { DriverPlatform } from "./driver.ts";
import type { Dialect } from "./options.ts";

type Report = (error: unknown) => void;

/** What a timer's callback throws is reported: nobody stands around it who could take it. */
function createTimers(report: Report): DriverPlatform["setTimer"] {
  return (callback, delayMs) => {
    const run = (): void => {
      try {
        callback();
      } catch (error) {
        report(error);
      }
    };
    // the check phase comes after the poll phase: what the kernel holds for us is read before a deadline is judged, and
    // what comes on a new connection is accepted in one turn and read in the next
    const timer = setTimeout(() => setImmediate(() => setImmediate(run)), delayMs).unref();
    return () => clearTimeout(timer);
  };
}

const SECRET_BYTES = 16;
/** Random bytes are drawn in bulk: a call costs more than the bytes. Each is used once. */
let pool = Buffer.alloc(0);

function createSecret(bytes = SECRET_BYTES): string {
  if (pool.length < bytes) pool = randomBytes(256 * SECRET_BYTES);
  const secret = pool.toString("base64url", 0, bytes);
  pool.fill(0, 0, bytes);
  pool = pool.subarray(bytes);
  return secret;
}

/**
 * Reads the clock once per turn of the event loop, in which a busy server asks several times per message. What handlers
 * take within the turn is not in it, which makes no deadline come early.
 */
function createTurnClock(): () => number {
  let now: number | undefined;
  const forget = (): void => {
    now = undefined;
  };
  return () => {
    if (now === undefined) {
      now = performance.now();
      setImmediate(forget);
    }
    return now;
  };
}

export function createPlatform(report: Report): DriverPlatform {
  const signingKey = randomBytes(32);
  return {
    now: createTurnClock(),
    wallClock: Date.now,
    setTimer: createTimers(report),
    defer: setImmediate,
    report,
    tokens: {
      epoch: createSecret(6),
      createSecret,
      sign: (text) => createHmac("sha256", signingKey).update(text).digest("base64url").slice(0, 22),
      isEqual,
    },
  };
}

/** Texts of one length may differ in bytes, for which `timingSafeEqual` throws: one of them is a stranger's. */
function isEqual(a: string, b: string): boolean {
  const [bytes, others] = [Buffer.from(a), Buffer.from(b)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}

/** `encode` is called with what is kept: every dialect that is spoken here says later what was said then. */
export function createHubPlatform(report: Report, dialects: readonly Dialect[] = []): HubPlatform {
  const codecs = [nativeCodec, ...(dialects.includes("plain") ? [jsonCodec, eventStreamCodec] : [])];
  return {
    createId: () => createSecret(15),
    setTimer: createTimers(report),
    now: () => performance.now(),
    encode: (packet) => codecs.reduce((length, codec) => length + codec.toMessage(packet).data.length, 0),
    onError: report,
    observer: hubObserver,
  };
}

const joined = channels["bothways:namespace:joined"];
const refused = channels["bothways:namespace:refused"];
const left = channels["bothways:namespace:left"];
const roomJoined = channels["bothways:room:joined"];
const roomLeft = channels["bothways:room:left"];
const errors = channels["bothways:server:error"];

const hubObserver: HubObserver = {
  joined(namespace, socket) {
    if (joined.hasSubscribers) joined.publish({ namespace, socket });
  },
  refused(namespace, message) {
    if (refused.hasSubscribers) refused.publish({ namespace, message });
  },
  left(namespace, socket, reason) {
    if (left.hasSubscribers) left.publish({ namespace, socket, reason });
  },
  enteredRoom(namespace, socket, room) {
    if (roomJoined.hasSubscribers) roomJoined.publish({ namespace, socket, room });
  },
  leftRoom(namespace, socket, room) {
    if (roomLeft.hasSubscribers) roomLeft.publish({ namespace, socket, room });
  },
};

/** Where errors go that no peer is to see. */
export function createReporter(onError?: Report): Report {
  const print = createPrinter();
  onError ??= print;
  return (...report) => {
    if (errors.hasSubscribers) errors.publish({ error: report[0] });
    try {
      onError(...report);
    } catch (error) {
      print(error);
    }
  };
}

/** A peer that provokes errors does not fill the disk with them. */
const maxPrintedPerMinute = 100;

function createPrinter(): (error: unknown) => void {
  let since = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (error) => {
    const now = performance.now();
    if (now - since >= 60_000) {
      if (count > maxPrintedPerMinute) print(`${count - maxPrintedPerMinute} more errors were not printed`);
      since = now;
      count = 0;
    }
    if (count++ < maxPrintedPerMinute) print(describe(error));
  };
}

function print(text: string): void {
  process.stderr.write(`bothways: ${text}\n`);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
