/**
 * One room: who is in it and what was said last.
 *
 * Invariants: names in a room differ; ids of messages count up by one; history never exceeds its two bounds.
 */
import type { Draft, Member, Message } from "./events.ts";

export const MAX_HISTORY_MESSAGES = 200;
export const MAX_HISTORY_BYTES = 4 * 1024 * 1024;

/** What a message costs beside its text and picture. */
const MESSAGE_OVERHEAD_BYTES = 256;

interface Seat {
  member: Member;
  /** Id of the socket that sits here; an older socket of the same visitor has no say any more. */
  socketId: string;
}

export class Room {
  readonly name: string;
  /** When somebody last came, went or spoke. */
  touchedAt = 0;
  readonly #seats = new Map<string, Seat>();
  readonly #history: Message[] = [];
  #historyBytes = 0;
  #lastId = 0;
  #lastMemberId = 0;

  constructor(name: string) {
    this.name = name;
  }

  get history(): readonly Message[] {
    return this.#history;
  }

  get lastId(): number {
    return this.#lastId;
  }

  get members(): Member[] {
    return Array.from(this.#seats.values(), (seat) => seat.member);
  }

  get size(): number {
    return this.#seats.size;
  }

  member(visitor: string): Member | undefined {
    return this.#seats.get(visitor)?.member;
  }

  /** Takes a seat, or the same one again: after a lost session a visitor comes back on another socket. */
  enter(visitor: string, socketId: string, name: string): Member {
    const held = this.#seats.get(visitor)?.member;
    const member: Member = {
      id: held?.id ?? ++this.#lastMemberId,
      name: this.#freeName(name, visitor),
      away: false,
      seen: held?.seen ?? 0,
    };
    this.#seats.set(visitor, { member, socketId });
    return member;
  }

  /** The member who left, or undefined where the seat is another socket's. */
  leave(visitor: string, socketId: string): Member | undefined {
    const seat = this.#seats.get(visitor);
    if (seat?.socketId !== socketId) return undefined;
    this.#seats.delete(visitor);
    return seat.member;
  }

  setAway(visitor: string, socketId: string, away: boolean): Member | undefined {
    const seat = this.#seats.get(visitor);
    if (seat?.socketId !== socketId) return undefined;
    seat.member = { ...seat.member, away };
    return seat.member;
  }

  /** The member, where there is news. */
  setSeen(visitor: string, upToId: number): Member | undefined {
    const seat = this.#seats.get(visitor);
    const seen = Math.min(upToId, this.#lastId);
    if (seat === undefined || seen <= seat.member.seen) return undefined;
    seat.member = { ...seat.member, seen };
    return seat.member;
  }

  /** Keeps a message. A draft that the same member sends again is found, not kept twice. */
  say(author: { id: number; name: string }, draft: Draft, at: number): { message: Message; isNew: boolean } {
    const known = this.#history.find((message) => message.key === draft.key && message.from === author.id);
    if (known !== undefined) return { message: known, isNew: false };
    const message: Message = { ...draft, id: ++this.#lastId, from: author.id, name: author.name, at };
    this.#history.push(message);
    this.#historyBytes += cost(message);
    while (this.#history.length > MAX_HISTORY_MESSAGES || this.#historyBytes > MAX_HISTORY_BYTES) {
      const oldest = this.#history.shift();
      if (oldest !== undefined) this.#historyBytes -= cost(oldest);
    }
    return { message, isNew: true };
  }

  /** "Ann", or "Ann 2" where another visitor is Ann. */
  #freeName(wanted: string, visitor: string): string {
    const taken = new Set<string>();
    for (const [other, seat] of this.#seats) if (other !== visitor) taken.add(fold(seat.member.name));
    let name = wanted;
    for (let n = 2; taken.has(fold(name)); n++) name = `${wanted} ${n}`;
    return name;
  }
}

function fold(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

function cost(message: Message): number {
  return MESSAGE_OVERHEAD_BYTES + 2 * message.text.length + (message.picture?.bytes.length ?? 0);
}
