/**
 * One client as its sockets see it: `socket.conn`. The sockets of all the namespaces it joined share it.
 *
 * Invariant: `sockets` holds those that have not left, at most one per namespace.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { Packet } from "../model/packet.ts";
import type { Peer } from "../model/peer.ts";
import type { DisconnectReason } from "../model/reasons.ts";

/** What a connection tells its sockets. */
export interface ConnectionSocket {
  readonly nsp: { readonly name: string };
  confirm(): void;
  receive(packet: Packet): void;
  notify(event: "away" | "back" | "drain" | "dropped", ...args: number[]): void;
  /** The authentication ends in so many ms. */
  warn(ms: number): void;
  end(reason: DisconnectReason): void;
}

/** A client with all its sockets, one for each namespace it joined: `socket.conn`. */
export class Connection {
  /** @internal */
  readonly peer: Peer;
  /** @internal Replaced, never changed: sockets leave while it is walked. */
  sockets: readonly ConnectionSocket[] = [];
  /** @internal */
  isConfirmed: boolean = false;
  #waiting: { resolve: () => void; reject: (error: BothwaysError) => void }[] = [];

  constructor(peer: Peer) {
    this.peer = peer;
  }

  /** The transport in use, as of now; its name is `""` while the client is away. */
  get transport(): { readonly name: string } {
    return { name: this.peer.transport };
  }

  /** Bytes that wait to be sent to this client. */
  get bufferedBytes(): number {
    return this.peer.bufferedBytes;
  }

  /**
   * When the client's authentication ends, in ms since 1970: the session ends with it. Infinity where it does not. Set by
   * `authenticate`, and by middleware that judges tokens. Throws a RangeError for what is no such time, as seconds.
   */
  get expiresAt(): number {
    return this.peer.expiresAt;
  }

  set expiresAt(expiresAt: number) {
    this.peer.expiresAt = expiresAt;
  }

  /** Events for this client that policies have dropped, so far. */
  get dropped(): number {
    return this.peer.dropped;
  }

  /** Resolves when less waits than the high-water mark, and when there is room for what was refused. */
  ready(): Promise<void> {
    if (!this.peer.isFull) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** @internal */
  drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve();
    for (const socket of this.sockets) socket.notify("drain");
  }

  /** Disconnects all sockets of this client, and ends its session. */
  close(): void {
    this.end("server namespace disconnect", "BW_CLOSED");
  }

  /** @internal */
  end(reason: DisconnectReason, code: ErrorCode): void {
    this.leave(reason);
    this.peer.close(code);
  }

  /** @internal */
  leave(reason: DisconnectReason): void {
    for (const { reject } of this.#waiting) reject(new BothwaysError("BW_DISCONNECTED"));
    this.#waiting = [];
    for (const socket of this.sockets) socket.end(reason);
  }

  /** @internal */
  find(namespace: string): ConnectionSocket | undefined {
    return this.sockets.find((socket) => socket.nsp.name === namespace);
  }

  /** @internal */
  add(socket: ConnectionSocket): void {
    this.sockets = this.sockets.concat(socket);
  }

  /** @internal */
  remove(socket: ConnectionSocket): void {
    this.sockets = this.sockets.filter((other) => other !== socket);
  }
}
