/**
 * Who a client is, and until when: what `authenticate` and `refreshAuth` return, read.
 *
 * Invariant: a judgement that takes longer than it may is a refusal.
 */
import { BothwaysError } from "../model/bothways-error.ts";

export interface Identity {
  /** As the application returned it: `socket.identity`. */
  readonly identity: unknown;
  /** Names the user, where it does: nobody else may resume the session. */
  readonly user: string | undefined;
  /** In ms since 1970; Infinity where it does not end. */
  readonly expiresAt: number;
}

export function readIdentity(identity: unknown): Identity {
  const { user = identity, expiresAt } = isRecord(identity) ? identity : {};
  return {
    identity,
    user: typeof user === "string" || typeof user === "number" ? String(user) : undefined,
    expiresAt: readTime(expiresAt),
  };
}

/** A Date, or ms since 1970. Seconds, as JSON Web Tokens count them, would be over at once, so they are refused. */
export function readTime(time: unknown): number {
  if (time === undefined || time === null) return Number.POSITIVE_INFINITY;
  const ms = time instanceof Date ? time.getTime() : time;
  if (typeof ms === "number" && ms > LEAST_MS) return ms;
  throw new RangeError("expiresAt must be a Date or milliseconds since 1970");
}

/** The spring of 1973: whoever means a later day in seconds stays below. */
const LEAST_MS = 1e11;

/** Waits for `value`, or rejects with BW_SILENT. */
export async function inTime<Value>(value: Value, timeoutMs: number): Promise<Awaited<Value>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new BothwaysError("BW_SILENT", "authentication took too long");
    timer = setTimeout(reject, timeoutMs, error);
  });
  return Promise.race([value, late]).finally(() => clearTimeout(timer));
}

function isRecord(value: unknown): value is { readonly user?: unknown; readonly expiresAt?: unknown } {
  return typeof value === "object" && value !== null;
}
