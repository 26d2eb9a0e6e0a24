/**
 * What stands between a socket's events and their handlers: the functions of `socket.use`.
 *
 * Invariants: events pass in the order they came, also where a function takes its time; at most `limit` wait for those
 * ahead of them.
 */
import type { Untyped } from "../model/events.ts";
import { type Middleware, runMiddleware, type Verdict } from "./middleware.ts";

/** An event as `socket.use` gets it; what a function changes in it, those behind it see. */
export type EventData = [event: string, ...args: Untyped[]];

interface Arrival {
  readonly data: EventData;
  readonly verdict: Verdict;
}

export class EventGate {
  readonly #limit: number;
  #functions: readonly Middleware<EventData>[] = [];
  #waiting: Arrival[] = [];
  #isBusy = false;
  #isDraining = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(middleware: Middleware<EventData>): void {
    this.#functions = [...this.#functions, middleware];
  }

  /** False where too many wait already. */
  admit(data: EventData, verdict: Verdict): boolean {
    if (this.#waiting.length >= this.#limit) return false;
    this.#waiting.push({ data, verdict });
    this.#drain();
    return true;
  }

  /** Those that wait never pass. */
  clear(): void {
    this.#waiting = [];
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    while (!this.#isBusy) {
      const arrival = this.#waiting.shift();
      if (arrival === undefined) break;
      this.#judge(arrival);
    }
    this.#isDraining = false;
  }

  #judge({ data, verdict }: Arrival): void {
    this.#isBusy = true;
    const decided = (act: () => void): void => {
      act();
      this.#isBusy = false;
      this.#drain();
    };
    runMiddleware(this.#functions, data, {
      passed: () => decided(() => verdict.passed()),
      refused: (refusal, error) => decided(() => verdict.refused(refusal, error)),
      failed: (error) => verdict.failed(error),
    });
  }
}
