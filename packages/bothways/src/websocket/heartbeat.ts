/**
 * One timer for the heartbeats of all connections with the same interval: a wheel of slots, one of which is visited per
 * tick. A connection joins the slot that was just visited, so it is first looked at after a full turn.
 *
 * Invariant: the timer runs only while there is somebody to visit, and never keeps the process alive.
 */

/** Visited once per interval. */
export interface Beating {
  beat(): void;
}

const slotCount = 16;
const wheels = new Map<number, Wheel>();

/** Visits `member` every `interval` milliseconds, until what is returned is called. */
export function startBeating(member: Beating, interval: number): () => void {
  let wheel = wheels.get(interval);
  if (wheel === undefined) {
    wheel = new Wheel(interval);
    wheels.set(interval, wheel);
  }
  return wheel.add(member);
}

class Wheel {
  readonly #slots: readonly Set<Beating>[] = Array.from({ length: slotCount }, () => new Set<Beating>());
  readonly #interval: number;
  readonly #timer: NodeJS.Timeout;
  #visited = 0;
  #count = 0;

  constructor(interval: number) {
    this.#interval = interval;
    this.#timer = setInterval(() => this.#tick(), interval / slotCount).unref();
  }

  add(member: Beating): () => void {
    const slot = this.#slots[this.#visited];
    slot?.add(member);
    this.#count++;
    return () => {
      if (slot?.delete(member) && --this.#count === 0) this.#stop();
    };
  }

  #tick(): void {
    this.#visited = (this.#visited + 1) % slotCount;
    for (const member of this.#slots[this.#visited] ?? []) member.beat();
  }

  #stop(): void {
    clearInterval(this.#timer);
    wheels.delete(this.#interval);
  }
}
