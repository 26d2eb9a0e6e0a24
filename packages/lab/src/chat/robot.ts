/**
 * A robot that counts aloud, so that one visitor alone sees what a cut network does to traffic.
 *
 * Invariants: one count per room at a time; a count ends by itself, and when the room is empty.
 */
import { type Message, ROBOT } from "./events.ts";
import type { Room } from "./room.ts";

export const COUNT_TO = 30;
const PERIOD_MS = 700;

export class Robot {
  readonly #tell: (room: Room, message: Message) => void;
  readonly #counting = new Map<Room, NodeJS.Timeout>();

  constructor(tell: (room: Room, message: Message) => void) {
    this.#tell = tell;
  }

  start(room: Room): void {
    if (this.#counting.has(room)) return;
    const startedAt = Date.now();
    let count = 0;
    const timer = setInterval(() => {
      if (room.size === 0 || count === COUNT_TO) return this.#stop(room);
      count++;
      const draft = { key: `${startedAt}-${count}`, text: String(count) };
      this.#tell(room, room.say({ id: ROBOT, name: "robot" }, draft, Date.now()).message);
    }, PERIOD_MS);
    this.#counting.set(room, timer);
  }

  close(): void {
    for (const room of this.#counting.keys()) this.#stop(room);
  }

  #stop(room: Room): void {
    clearInterval(this.#counting.get(room));
    this.#counting.delete(room);
  }
}
