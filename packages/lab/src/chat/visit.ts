/**
 * One socket's stay: it is in exactly one room, and what it does there is told to the others.
 */
import type { Server, Socket } from "bothways";
import type {
  ClientToServerEvents,
  Entry,
  InterServerEvents,
  Member,
  Message,
  PresenceKind,
  Receipt,
  Refused,
  ServerToClientEvents,
  SocketData,
} from "./events.ts";
import { limits, parseDraft, parseMessageId, parsePlace } from "./requests.ts";
import type { Robot } from "./robot.ts";
import type { Room } from "./room.ts";
import type { Rooms } from "./rooms.ts";

export type ChatServer = Server<ClientToServerEvents, ServerToClientEvents, InterServerEvents, SocketData>;
type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, InterServerEvents, SocketData>;

export class Visit {
  readonly #io: ChatServer;
  readonly #rooms: Rooms;
  readonly #socket: ChatSocket;
  readonly #visitor: string;
  #room: Room;

  constructor(io: ChatServer, rooms: Rooms, robot: Robot, socket: ChatSocket) {
    const { visitor, name, room }: Entry = socket.data.entry;
    this.#io = io;
    this.#rooms = rooms;
    this.#socket = socket;
    this.#visitor = visitor;
    this.#room = rooms.open(room) ?? rooms.first;
    this.#enter(name);
    // What these two return answers the ack.
    socket.on("enter", (where) => this.#move(where));
    socket.on("say", (draft) => this.#say(draft));
    socket.on("typing", (isTyping) => this.#typing(isTyping === true));
    socket.on("seen", (upToId) => this.#seen(upToId));
    socket.on("robot", () => robot.start(this.#room));
    socket.on("away", () => this.#setAway(true));
    socket.on("back", () => this.#setAway(false));
    socket.on("disconnect", () => this.#leave());
  }

  #enter(name: string): void {
    const room = this.#room;
    const isNew = room.member(this.#visitor) === undefined;
    const member = room.enter(this.#visitor, this.#socket.id, name);
    this.#socket.join(channel(room));
    this.#socket.emit("entered", {
      room: room.name,
      you: member.id,
      members: room.members,
      lastId: room.lastId,
      limits,
    });
    for (const message of room.history) this.#socket.emit("message", message);
    this.#tell(isNew ? "joined" : "back", member);
    this.#announceRooms();
  }

  #leave(): void {
    const member = this.#room.leave(this.#visitor, this.#socket.id);
    if (member === undefined) return;
    this.#tell("left", member);
    this.#announceRooms();
  }

  /** Another room, another name, or both. */
  #move(where: unknown): Refused | null {
    const place = parsePlace(where);
    if (place === undefined) return "bad-request";
    if (place.room === this.#room.name) {
      this.#tellAll("renamed", this.#room.enter(this.#visitor, this.#socket.id, place.name));
      return null;
    }
    const room = this.#rooms.open(place.room);
    if (room === undefined) return "too-many-rooms";
    this.#leave();
    this.#socket.leave(channel(this.#room));
    this.#room = room;
    this.#enter(place.name);
    return null;
  }

  #say(value: unknown): Receipt | { refused: Refused } {
    const draft = parseDraft(value);
    if (typeof draft === "string") return { refused: draft };
    const author = this.#room.member(this.#visitor);
    if (author === undefined) return { refused: "bad-request" };
    const { message, isNew } = this.#room.say(author, draft, Date.now());
    if (isNew) this.#socket.to(channel(this.#room)).emit("message", message);
    return { id: message.id, at: message.at };
  }

  #typing(isTyping: boolean): void {
    const member = this.#room.member(this.#visitor);
    if (member !== undefined)
      this.#socket.to(channel(this.#room)).volatile.emit("typing", member.id, isTyping);
  }

  #seen(upToId: unknown): void {
    const member = this.#room.setSeen(this.#visitor, parseMessageId(upToId));
    if (member !== undefined) this.#socket.to(channel(this.#room)).emit("seen", member.id, member.seen);
  }

  #setAway(away: boolean): void {
    const member = this.#room.setAway(this.#visitor, this.#socket.id, away);
    if (member !== undefined) this.#tell(away ? "away" : "back", member);
  }

  #tell(kind: PresenceKind, member: Member): void {
    this.#room.touchedAt = Date.now();
    this.#socket.to(channel(this.#room)).emit("presence", kind, member);
  }

  #tellAll(kind: PresenceKind, member: Member): void {
    this.#io.to(channel(this.#room)).emit("presence", kind, member);
  }

  #announceRooms(): void {
    this.#io.emit("rooms", this.#rooms.summaries);
  }
}

/** Says something in a room for one who is no socket. */
export function tellRoom(io: ChatServer, room: Room, message: Message): void {
  io.to(channel(room)).emit("message", message);
}

/** Each socket is in a room of its own id, so rooms that visitors name need a mark of their own. */
function channel(room: Room): string {
  return `room:${room.name}`;
}
