/**
 * One client's authentication over time: whose it is, until when, and what renews it.
 *
 * Invariant: the wall clock decides when it ends, which may be set while a deadline is waited for.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import { NEVER } from "../session/session.ts";
import { type Identity, inTime, readIdentity } from "./identity.ts";

export interface AuthenticationOptions {
  /** Its client is told so long before it ends. */
  readonly authWarningMs: number;
  /** Gives the identity that a token stands for, or throws. */
  readonly refreshAuth: ((token: unknown, identity: unknown) => unknown) | undefined;
  /** To judge a token may take so long. */
  readonly connectTimeoutMs: number;
}

export interface Clocks {
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since 1970. */
  wallClock(): number;
}

export class Authentication {
  /** When `tick` is due, in monotonic ms. */
  deadline = NEVER;
  readonly #options: AuthenticationOptions;
  readonly #clocks: Clocks;
  #current: Identity;
  #isWarned = false;
  #isRefreshing = false;

  constructor(identity: Identity, options: AuthenticationOptions, clocks: Clocks) {
    this.#options = options;
    this.#clocks = clocks;
    this.#current = identity;
    this.#wait();
  }

  get current(): Identity {
    return this.#current;
  }

  /** A newer judgement counts. */
  set current(identity: Identity) {
    this.#current = identity;
    this.#isWarned = false;
    this.#wait();
  }

  /** Judges a token in place of what came before. Rejects with a BothwaysError where it is no good, and changes nothing. */
  async refresh(token: unknown): Promise<void> {
    const { refreshAuth, connectTimeoutMs } = this.#options;
    if (!refreshAuth) throw new BothwaysError("BW_UNAUTHORIZED", "no token is taken");
    // one at a time: to judge a token is costly, to send one is not
    if (this.#isRefreshing) throw new BothwaysError("BW_RATE_LIMIT", "another token is being judged");
    this.#isRefreshing = true;
    const { identity, user } = this.#current;
    try {
      const judged = readIdentity(await inTime(refreshAuth(token, identity), connectTimeoutMs));
      if (judged.user !== user) throw new BothwaysError("BW_IDENTITY");
      this.current = judged;
    } catch (error) {
      if (error instanceof BothwaysError) throw error;
      throw new BothwaysError("BW_UNAUTHORIZED", error instanceof Error ? error.message : String(error));
    } finally {
      this.#isRefreshing = false;
    }
  }

  /** The ms that are left, where the client is to be told: once ahead, and when it is over (0 or less). */
  tick(): number | undefined {
    const leftMs = this.#current.expiresAt - this.#clocks.wallClock();
    const isTold = leftMs <= (this.#isWarned ? 0 : this.#options.authWarningMs);
    this.#isWarned ||= isTold;
    this.#wait();
    return isTold ? leftMs : undefined;
  }

  #wait(): void {
    const aheadMs = this.#isWarned ? 0 : this.#options.authWarningMs;
    const { now, wallClock } = this.#clocks;
    this.deadline = now() + this.#current.expiresAt - wallClock() - aheadMs;
  }
}
