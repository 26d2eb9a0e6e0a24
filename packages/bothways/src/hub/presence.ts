/**
 * Which users are in which rooms of a namespace. docs/guide/presence.md.
 *
 * Invariants: a user is in a room while one of its sockets is; `join` and `leave` are raised for the first of them and
 * the last, in turn.
 */
import { Emitter } from "../model/emitter.ts";
import type { Listener, Untyped } from "../model/events.ts";
import { callHandler } from "./handler.ts";

/** What `presence()` takes. */
export interface PresenceOptions<AnySocket> {
  /** Whose socket it is; `undefined` where it is not counted. Asked once, when it enters its first room. */
  readonly key: (socket: AnySocket) => string | undefined;
  /** What others may know of the user; asked each time, of the socket that entered last. */
  readonly data?: (socket: AnySocket) => Untyped;
}

/** A user in a room. */
export interface Present {
  /** As `key` of the options gave it. */
  readonly key: string;
  /** How many of its sockets are in the room. */
  readonly count: number;
  /** As `data` of the options gave it, of the socket that entered last. */
  readonly data: Untyped;
}

/** A user who came or went. */
export interface PresenceChange {
  /** The room that was entered or left. */
  readonly room: string;
  /** As `key` of the options gave it. */
  readonly key: string;
  /** As `data` of the options gave it. */
  readonly data: Untyped;
}

/** What a presence raises. */
export interface PresenceEvents {
  /** The user's first socket entered the room. */
  join: (change: PresenceChange) => void;
  /** Its last one left. */
  leave: (change: PresenceChange) => void;
}

type Users<AnySocket> = Map<string, Set<AnySocket>>;

/**
 * Which users are in which rooms of a namespace: what `presence()` returns.
 *
 * @example
 * const presence = io.presence({ key: (socket) => socket.data.user });
 * presence.on("join", ({ room, key }) => io.to(room).emit("came", key));
 */
export class Presence<AnySocket extends { readonly id: string }> extends Emitter<PresenceEvents> {
  readonly #options: PresenceOptions<AnySocket>;
  readonly #onError: (error: unknown, socket: AnySocket | undefined) => void;
  readonly #rooms: Map<string, Users<AnySocket>> = new Map();
  readonly #keys: WeakMap<AnySocket, { readonly key: unknown }> = new WeakMap();

  /** @internal */
  constructor(
    options: PresenceOptions<AnySocket>,
    onError: (error: unknown, socket: AnySocket | undefined) => void,
  ) {
    super();
    this.#options = options;
    this.#onError = onError;
  }

  /** The users in a room, in the order they came. */
  who(room: string): Promise<Present[]> {
    const users = [...(this.#rooms.get(room) ?? [])];
    return Promise.resolve(
      users.map(([key, sockets]) => ({ key, count: sockets.size, data: this.#dataOf([...sockets].at(-1)) })),
    );
  }

  /** @internal */
  enter(room: string, socket: AnySocket): void {
    // Its own room, which it enters before the application knows of it.
    if (room === socket.id) return;
    const key = this.#keyOf(socket);
    if (key === undefined) return;
    const users: Users<AnySocket> = this.#rooms.get(room) ?? new Map();
    this.#rooms.set(room, users);
    const sockets = users.get(key);
    if (sockets) sockets.add(socket);
    else {
      users.set(key, new Set([socket]));
      this.#raise("join", room, key, socket);
    }
  }

  /** @internal */
  leave(room: string, socket: AnySocket): void {
    const users = this.#rooms.get(room);
    const key = users && this.#keyOf(socket);
    const sockets = key === undefined ? undefined : users?.get(key);
    if (key === undefined || !sockets?.delete(socket) || sockets.size > 0) return;
    users?.delete(key);
    if (users?.size === 0) this.#rooms.delete(room);
    this.#raise("leave", room, key, socket);
  }

  #keyOf(socket: AnySocket): string | undefined {
    let known = this.#keys.get(socket);
    if (known === undefined) {
      known = { key: this.#ask(this.#options.key, socket) };
      this.#keys.set(socket, known);
    }
    return typeof known.key === "string" ? known.key : undefined;
  }

  #dataOf(socket: AnySocket | undefined): Untyped {
    const { data } = this.#options;
    return data && socket && this.#ask(data, socket);
  }

  #ask(ask: Listener, socket: AnySocket): unknown {
    return callHandler(ask, this.#options, [socket], (error) => this.#onError(error, socket));
  }

  #raise(event: keyof PresenceEvents, room: string, key: string, socket: AnySocket): void {
    const listeners = this.take(event);
    if (listeners.length === 0) return;
    const change: PresenceChange = { room, key, data: this.#dataOf(socket) };
    for (const { listener } of listeners) {
      callHandler(listener, this, [change], (error) => this.#onError(error, socket));
    }
  }
}
