/**
 * What was last said in the rooms of a namespace. docs/guide/history.md.
 *
 * A message that is kept gets an offset, which grows by one in the whole namespace, and carries it as its last argument:
 * its position, `<epoch>.<offset>`. The epoch changes with the process, so that no offset is mistaken for another's. A
 * position is compared here and nowhere else.
 *
 * Invariants: a room's messages are in the order of their offsets, and `forgotten` is the offset of the newest of them
 * that is kept no more; the cost of all that is kept is at most `maxBytes`, but for one message.
 */
import type { Packet } from "../model/packet.ts";
import type { HubPlatform } from "./platform.ts";

/** What `history()` takes. */
export interface HistoryOptions {
  /** Rooms whose broadcasts are kept: one, a list, or a function of the name. Default: all, but sockets' own. */
  readonly rooms?: string | readonly string[] | ((room: string) => boolean);
  /** Messages of one room. Default 100. */
  readonly maxMessages?: number;
  /** Length of what is kept in all rooms of the namespace, as encoded, with 256 for each message. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Older messages are not sent again, in ms. Default 120,000. */
  readonly maxAgeMs?: number;
}

/** What `socket.join(room, { since })` tells. */
export interface JoinedRoom {
  /** The position of the room, or rooms, now. `""` where nothing is kept. */
  readonly position: string;
  /** Nothing that came after `since` is missing. */
  readonly recovered: boolean;
  /** How many messages were sent again. */
  readonly replayed: number;
}

export interface KeptMessage {
  readonly packet: Packet;
  /** Rooms whose members it was not for. */
  readonly except: readonly string[];
}

export interface Missed {
  readonly messages: readonly KeptMessage[];
  readonly recovered: boolean;
  readonly position: string;
}

interface Entry extends KeptMessage {
  readonly offset: number;
  readonly at: number;
  readonly bytes: number;
}

interface RoomLog {
  readonly entries: Entry[];
  forgotten: number;
}

/** What an entry costs beside its encoded length. */
const ENTRY_OVERHEAD_BYTES = 256;

export class RoomHistory {
  readonly #platform: HubPlatform;
  readonly #keeps: (room: string) => boolean;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  readonly #epoch: string;
  /** Those that were quiet longest come first. */
  readonly #logs: Map<string, RoomLog> = new Map();
  #bytes = 0;
  #last = 0;
  /** As `forgotten`, of all rooms that have no log any more. */
  #forgotten = 0;

  constructor(platform: HubPlatform, options: HistoryOptions, isOwnRoom: (room: string) => boolean) {
    const { rooms } = options;
    this.#platform = platform;
    this.#maxMessages = options.maxMessages ?? 100;
    this.#maxBytes = options.maxBytes ?? 1_048_576;
    this.#maxAgeMs = options.maxAgeMs ?? 120_000;
    this.#epoch = platform.createId().slice(0, 8);
    const names = new Set(typeof rooms === "function" ? [] : [rooms ?? []].flat());
    if (typeof rooms === "function") this.#keeps = rooms;
    else if (rooms === undefined) this.#keeps = (room) => !isOwnRoom(room);
    else this.#keeps = (room) => names.has(room);
  }

  /** Gives the packet of a broadcast its position and keeps it; `undefined` where no room it goes to keeps anything. */
  record(
    plain: Packet,
    data: readonly unknown[],
    rooms: readonly string[],
    except: readonly string[],
  ): Packet | undefined {
    const kept = new Set(rooms.filter(this.#keeps));
    if (kept.size === 0) return undefined;
    const offset = this.#last + 1;
    const position = this.#position(offset);
    const packet: Packet = { ...plain, data: [...data, position], position, encoded: {} };
    const bytes = this.#platform.encode(packet) + ENTRY_OVERHEAD_BYTES;
    this.#last = offset;
    const entry: Entry = { packet, except, offset, bytes, at: this.#platform.now() };
    for (const room of kept) this.#append(room, entry);
    return packet;
  }

  /** What came after `since` in any of the rooms, each message once; nothing, where there is no `since`. */
  missed(rooms: readonly string[], since: string | null | undefined): Missed {
    const position = this.#position(this.#last);
    if (since === null || since === undefined) return { messages: [], recovered: true, position };
    const offset = since === "" ? 0 : this.#parse(since);
    const messages = new Map<number, Entry>();
    let recovered = offset !== undefined;
    for (const room of rooms) {
      const log = this.#read(room);
      for (const entry of log?.entries ?? [])
        if (entry.offset > (offset ?? 0)) messages.set(entry.offset, entry);
      recovered &&= this.#keeps(room) && (offset ?? 0) >= (log?.forgotten ?? this.#forgotten);
    }
    const inOrder = [...messages.values()].sort((one, other) => one.offset - other.offset);
    return { messages: inOrder, recovered, position };
  }

  #append(room: string, entry: Entry): void {
    const log = this.#logs.get(room) ?? { entries: [], forgotten: this.#forgotten };
    this.#logs.delete(room);
    this.#logs.set(room, log);
    log.entries.push(entry);
    this.#bytes += entry.bytes;
    this.#forgetOld(log);
    while (log.entries.length > this.#maxMessages) this.#forgetFirst(log);
    while (this.#bytes > this.#maxBytes && this.#logs.size > 1) this.#forgetQuietest();
    while (this.#bytes > this.#maxBytes && log.entries.length > 1) this.#forgetFirst(log);
  }

  /** A room in which nothing is left has no log. */
  #read(room: string): RoomLog | undefined {
    const log = this.#logs.get(room);
    if (log === undefined) return undefined;
    this.#forgetOld(log);
    if (log.entries.length > 0) return log;
    this.#forget(room, log);
    return undefined;
  }

  #forgetOld(log: RoomLog): void {
    const oldest = this.#platform.now() - this.#maxAgeMs;
    while ((log.entries[0]?.at ?? oldest) < oldest) this.#forgetFirst(log);
  }

  #forgetFirst(log: RoomLog): void {
    const entry = log.entries.shift();
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    log.forgotten = entry.offset;
  }

  #forgetQuietest(): void {
    for (const [room, log] of this.#logs) return this.#forget(room, log);
  }

  #forget(room: string, log: RoomLog): void {
    while (log.entries.length > 0) this.#forgetFirst(log);
    this.#logs.delete(room);
    this.#forgotten = Math.max(this.#forgotten, log.forgotten);
  }

  #position(offset: number): string {
    return `${this.#epoch}.${offset}`;
  }

  /** `undefined` where it is none of ours: it may be anything, since clients say it. */
  #parse(position: unknown): number | undefined {
    if (typeof position !== "string") return undefined;
    const [epoch, offset] = position.split(".");
    if (epoch !== this.#epoch || !offset || position !== this.#position(Number(offset))) return undefined;
    return Number(offset) <= this.#last ? Number(offset) : undefined;
  }
}
