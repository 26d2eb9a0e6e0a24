/**
 * Virtual time: a heap of events, and the processes that they happen to.
 *
 * Invariants: events of one time happen in the order they were scheduled. A process that is paused handles nothing, and
 * then everything at once: first the input that waits, then its timers, as an event loop does.
 */

interface Event {
  readonly time: number;
  readonly order: number;
  readonly process: Process | undefined;
  readonly isTimer: boolean;
  run: (() => void) | undefined;
}

export class Schedule {
  now = 0;
  /** Events that happened. */
  count = 0;
  #order = 0;
  #heap: Event[] = [];

  /** Something reaches `process` from outside, or, without one, happens to the world. */
  at(time: number, process: Process | undefined, run: () => void): Event {
    return this.#push(Math.max(time, this.now), process, false, run);
  }

  after(delayMs: number, process: Process | undefined, run: () => void): Event {
    return this.#push(this.now + delayMs, process, false, run);
  }

  timer(delayMs: number, process: Process, run: () => void): Event {
    return this.#push(this.now + delayMs, process, true, run);
  }

  /** Lets the next event happen. False when there is none before `limit`. */
  step(limit: number): boolean {
    const event = this.#heap[0];
    if (event === undefined || event.time > limit) return false;
    this.#pop();
    const { run, process } = event;
    if (run === undefined) return true;
    this.now = event.time;
    this.count++;
    event.run = undefined;
    if (process === undefined) run();
    else process.happen(run, event.isTimer);
    return true;
  }

  #push(time: number, process: Process | undefined, isTimer: boolean, run: () => void): Event {
    const event = { time, order: this.#order++, process, isTimer, run };
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Event;
      if (isBefore(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
    return event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    const { length } = heap;
    if (length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      const below = heap[child] as Event;
      if (isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order);
}

/** One operating-system process with a clock and an event loop of its own. */
export class Process {
  readonly schedule: Schedule;
  /** How its clock runs against true time, and how coarse it is. */
  readonly rate: number;
  readonly grainMs: number;
  #isDead = false;
  #offset = 0;
  #pausedUntil = 0;
  #inputs: (() => void)[] = [];
  #timers: (() => void)[] = [];
  #deferred: (() => void)[] = [];
  readonly #pending = new Set<{ readonly due: number; readonly run: () => void; event: Event }>();

  constructor(schedule: Schedule, rate: number, grainMs: number) {
    this.schedule = schedule;
    this.rate = rate;
    this.grainMs = grainMs;
  }

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  now(): number {
    const exact = this.#exact();
    return this.grainMs === 0 ? exact : Math.floor(exact / this.grainMs) * this.grainMs;
  }

  setTimer(run: () => void, delayMs: number): () => void {
    const due = this.#exact() + Math.max(0, delayMs);
    const timer = { due, run, event: undefined as unknown as Event };
    timer.event = this.#arm(timer);
    this.#pending.add(timer);
    return () => {
      timer.event.run = undefined;
      this.#pending.delete(timer);
    };
  }

  /** When what runs now is done. */
  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  pause(durationMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.schedule.now + durationMs);
    this.schedule.at(this.#pausedUntil, undefined, () => this.#wake());
  }

  /** The machine slept: its clock jumps ahead. */
  jump(durationMs: number): void {
    this.#offset += durationMs;
    for (const timer of this.#pending) {
      timer.event.run = undefined;
      timer.event = this.#arm(timer);
    }
  }

  /** It died: nothing happens to it any more. */
  kill(): void {
    this.#isDead = true;
    for (const { event } of this.#pending) event.run = undefined;
    this.#pending.clear();
    this.#timers = [];
    this.#deferred = [];
  }

  happen(run: () => void, isTimer: boolean): void {
    if (this.#isDead) return;
    if (this.schedule.now < this.#pausedUntil) (isTimer ? this.#timers : this.#inputs).push(run);
    else this.#turn(run);
  }

  #wake(): void {
    if (this.#isDead || this.schedule.now < this.#pausedUntil) return;
    const runs = [...this.#inputs, ...this.#timers];
    this.#inputs = [];
    this.#timers = [];
    for (const run of runs) this.#turn(run);
  }

  #turn(run: () => void): void {
    run();
    while (this.#deferred.length > 0) {
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const each of deferred) each();
    }
  }

  #exact(): number {
    return this.schedule.now * this.rate + this.#offset;
  }

  #arm(timer: { readonly due: number; readonly run: () => void }): Event {
    return this.schedule.timer(Math.max(0, (timer.due - this.#exact()) / this.rate), this, () => {
      // one that was cancelled while it waited for its turn
      if (this.#pending.delete(timer as never)) timer.run();
    });
  }
}
