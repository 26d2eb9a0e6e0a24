/**
 * Which member is in which room. Most rooms have one member (each socket's own room, a user's room), so a room is the
 * member itself until a second one comes.
 *
 * A room that empties stays as a vacancy until half of the rooms are. V8's `Map` keeps what was deleted in the chains it
 * searches until it makes a new table, so that one name that comes and goes beside 100,000 others would cost 70 µs.
 *
 * Invariants: a room exists while it has members. The cost of adding, removing and visiting does not depend on other
 * rooms. There are never more vacancies than rooms. `Member` is not a Set.
 */
export class RoomIndex<Member extends object> {
  /** `null` is a vacancy. */
  readonly #rooms: Map<string, Member | Set<Member> | null> = new Map();
  #vacancies = 0;

  /** How many rooms have members. */
  get size(): number {
    return this.#rooms.size - this.#vacancies;
  }

  add(room: string, member: Member): void {
    const members = this.#rooms.get(room);
    if (members instanceof Set) members.add(member);
    else if (members && members !== member) this.#rooms.set(room, new Set([members, member]));
    else if (!members) {
      if (members === null) this.#vacancies--;
      this.#rooms.set(room, member);
    }
  }

  delete(room: string, member: Member): void {
    const members = this.#rooms.get(room);
    if (members instanceof Set) {
      members.delete(member);
      if (members.size === 0) this.#vacate(room);
    } else if (members === member) this.#vacate(room);
  }

  has(room: string, member: Member): boolean {
    const members = this.#rooms.get(room);
    return members instanceof Set ? members.has(member) : members === member;
  }

  /** Calls `visitor` once with each member of any of `rooms` that is in none of `except`. */
  visit(rooms: readonly string[], except: readonly string[], visitor: (member: Member) => void): void {
    const seen = rooms.length > 1 ? new Set<Member>() : undefined;
    for (const room of rooms) {
      for (const member of this.#members(room)) {
        if (seen?.has(member)) continue;
        seen?.add(member);
        if (!this.isInAny(except, member)) visitor(member);
      }
    }
  }

  isInAny(rooms: readonly string[], member: Member): boolean {
    for (const room of rooms) if (this.has(room, member)) return true;
    return false;
  }

  #members(room: string): Iterable<Member> {
    const members = this.#rooms.get(room);
    if (members instanceof Set) return members;
    return members ? [members] : [];
  }

  #vacate(room: string): void {
    this.#rooms.set(room, null);
    this.#vacancies++;
    if (this.#vacancies <= this.size) return;
    for (const [name, members] of this.#rooms) if (members === null) this.#rooms.delete(name);
    this.#vacancies = 0;
  }
}
