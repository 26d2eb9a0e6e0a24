/** What the server's pure parts need of Node: time, timers, randomness. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { HubPlatform } from "../hub/platform.ts";
import type { DriverPlatform } from "./driver.ts";

function setTimer(callback: () => void, delayMs: number): () => void {
  // the check phase comes after the poll phase: what the kernel holds for us is read before a deadline is judged
  const timer = setTimeout(() => setImmediate(callback), delayMs).unref();
  return () => clearTimeout(timer);
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

export function createPlatform(): DriverPlatform {
  const signingKey = randomBytes(32);
  return {
    now: createTurnClock(),
    setTimer,
    defer: setImmediate,
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

export function createHubPlatform(onError: ((error: unknown) => void) | undefined): HubPlatform {
  return {
    createId: () => createSecret(15),
    setTimer,
    onError: createReporter(onError),
  };
}

/** Where errors go that no peer is to see. */
export function createReporter(onError: ((error: unknown) => void) | undefined): (error: unknown) => void {
  return onError ?? ((error) => process.stderr.write(`${describe(error)}\n`));
}

function describe(error: unknown): string {
  return `bothways: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
