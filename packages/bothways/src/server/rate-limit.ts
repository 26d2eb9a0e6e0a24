/**
 * How many events a client may send: a token bucket for all of them, and one for each event that has a rate of its own.
 *
 * Invariants: nothing grows with what the client sends; a client that keeps to its rates is never refused.
 */

/** In events per second. As many may come at once as in one second. */
export interface RateLimits {
  /** All events of one client together. */
  readonly perClient?: number;
  /** Single events by their names; `"*"` is for all others together. */
  readonly perEvent?: Readonly<Record<string, number>>;
}

/** `close`: so much was refused that the client does not mean to keep to its rate. */
export type RateVerdict = "admit" | "refuse" | "close";

/** A client is closed when it was refused what it may send in so many seconds, faster than it may send it. */
const EXCESS_SECONDS = 10;

class Bucket {
  readonly #perMs: number;
  readonly #size: number;
  #tokens: number;
  #at = 0;

  constructor(perSecond: number, seconds: number) {
    this.#perMs = perSecond / 1000;
    this.#size = Math.max(1, perSecond * seconds);
    this.#tokens = this.#size;
  }

  take(now: number): boolean {
    this.#tokens = Math.min(this.#size, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

interface Rate {
  readonly allowed: Bucket;
  readonly excess: Bucket;
}

export class RateLimiter {
  readonly #all: Rate | undefined;
  readonly #byEvent: ReadonlyMap<string, Rate>;

  constructor({ perClient, perEvent = {} }: RateLimits) {
    this.#all = perClient === undefined ? undefined : createRate(perClient);
    this.#byEvent = new Map(
      Object.entries(perEvent).map(([event, perSecond]) => [event, createRate(perSecond)]),
    );
  }

  judge(event: string, now: number): RateVerdict {
    for (const rate of [this.#all, this.#byEvent.get(event) ?? this.#byEvent.get("*")]) {
      if (rate && !rate.allowed.take(now)) return rate.excess.take(now) ? "refuse" : "close";
    }
    return "admit";
  }
}

function createRate(perSecond: number): Rate {
  return { allowed: new Bucket(perSecond, 1), excess: new Bucket(perSecond, EXCESS_SECONDS) };
}
