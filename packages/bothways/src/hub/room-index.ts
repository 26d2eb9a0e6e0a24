/**
 * Which member is in which room. Most rooms have one member (each socket's own room, a user's room), so a room is the
 * member itself until a second one comes.
 *
 * Invariants: a room exists while it has members. The cost of adding, removing and visiting does not depend on other
 * rooms. `Member` is not a Set.
 */
export class RoomIndex<Member extends object> {
  readonly #rooms: Map<string, Member | Set<Member>> = new Map();

  /** How many rooms have members. */
  get size(): number {
    return this.#rooms.size;
  }

  add(room: string, member: Member): void {
    const members = this.#rooms.get(room);
    if (members === undefined) this.#rooms.set(room, member);
    else if (members instanceof Set) members.add(member);
    else if (members !== member) this.#rooms.set(room, new Set([members, member]));
  }

  delete(room: string, member: Member): void {
    const members = this.#rooms.get(room);
    if (members instanceof Set) {
      members.delete(member);
      if (members.size === 0) this.#rooms.delete(room);
    } else if (members === member) this.#rooms.delete(room);
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
    return members === undefined ? [] : [members];
  }
}
