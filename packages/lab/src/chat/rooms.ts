/**
 * The rooms of the chat.
 *
 * Invariants: there are never more than `MAX_ROOMS`; the first one is always there; a room with people in it is never
 * closed to make place.
 */
import type { RoomSummary } from "./events.ts";
import { Room } from "./room.ts";

export const MAX_ROOMS = 50;
export const FIRST_ROOM = "lobby";

export class Rooms {
  readonly first: Room = new Room(FIRST_ROOM);
  readonly #rooms = new Map<string, Room>([[FIRST_ROOM, this.first]]);

  get summaries(): RoomSummary[] {
    return Array.from(this.#rooms.values(), (room) => ({ name: room.name, members: room.size }));
  }

  /** The room of this name, made where there is none; undefined where there is no place for another. */
  open(name: string): Room | undefined {
    const room = this.#rooms.get(name);
    if (room !== undefined) return room;
    if (this.#rooms.size >= MAX_ROOMS && !this.#closeOne()) return undefined;
    const made = new Room(name);
    this.#rooms.set(name, made);
    return made;
  }

  /** Closes the empty room that was quiet longest. */
  #closeOne(): boolean {
    let quietest: Room | undefined;
    for (const room of this.#rooms.values()) {
      if (room.size > 0 || room === this.first) continue;
      if (quietest === undefined || room.touchedAt < quietest.touchedAt) quietest = room;
    }
    return quietest !== undefined && this.#rooms.delete(quietest.name);
  }
}
