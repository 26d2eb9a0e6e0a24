/**
 * What the chat's page and its server say to each other. The server hands these types to `Server`, the page reads them
 * through JSDoc, so an event that only one side knows does not compile.
 */

/** Bounds that both sides keep: the page to explain, the server to enforce. */
export interface Limits {
  readonly nameLength: number;
  readonly roomLength: number;
  readonly textLength: number;
  readonly pictureBytes: number;
}

export interface Picture {
  /** One of the raster types in `pictureTypes`; SVG is not among them, since it can carry scripts. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A message as it is written. */
export interface Draft {
  /** Drawn at random by the writer: a draft that is sent again is stored once. */
  readonly key: string;
  readonly text: string;
  readonly picture?: Picture | undefined;
}

/** A message as the room keeps it. */
export interface Message extends Draft {
  /** Counts 1, 2, 3 … in each room, so a hole or a repetition shows. */
  readonly id: number;
  /** The writer's {@link Member.id}; {@link ROBOT} for the robot. */
  readonly from: number;
  readonly name: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
}

/** `from` of what the robot says. */
export const ROBOT = 0;

export interface Member {
  readonly id: number;
  readonly name: string;
  /** The transport was lost and the session waits for the member to come back. */
  readonly away: boolean;
  /** This member has seen all messages up to this id. */
  readonly seen: number;
}

export interface RoomSummary {
  readonly name: string;
  readonly members: number;
}

/** The state of a room for one who just entered. Its history follows as `message` events up to `lastId`. */
export interface Entered {
  readonly room: string;
  readonly you: number;
  readonly members: readonly Member[];
  readonly lastId: number;
  readonly limits: Limits;
}

export type PresenceKind = "joined" | "left" | "away" | "back" | "renamed";

/** Why the server did not do as asked; the page has a sentence for each. */
export type Refused =
  | "bad-request"
  | "empty"
  | "text-too-long"
  | "picture-type"
  | "picture-too-large"
  | "too-many-rooms";

export interface Receipt {
  readonly id: number;
  readonly at: number;
}

/** What the page passes as `auth`: whenever a session begins, the visitor is in the room before anything else is read. */
export interface Entry {
  /** A secret of the page, 128 random bits in hex: who presents it again is the same visitor. */
  readonly visitor: string;
  readonly name: string;
  readonly room: string;
}

export interface ClientToServerEvents {
  enter(where: { name: string; room: string }, answer: (refused: Refused | null) => void): void;
  say(draft: Draft, answer: (receipt: Receipt | { refused: Refused }) => void): void;
  typing(isTyping: boolean): void;
  seen(upToId: number): void;
  /** Starts a robot that counts aloud in the room, so that one visitor alone has traffic to watch. */
  robot(): void;
}

export interface ServerToClientEvents {
  entered(state: Entered): void;
  message(message: Message): void;
  presence(kind: PresenceKind, member: Member): void;
  typing(memberId: number, isTyping: boolean): void;
  seen(memberId: number, upToId: number): void;
  rooms(rooms: readonly RoomSummary[]): void;
}

/** The chat runs on one node: servers have nothing to say to each other. */
export type InterServerEvents = Record<string, never>;

export interface SocketData {
  entry: Entry;
}
