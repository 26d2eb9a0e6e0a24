/**
 * Stands in a connection for the socket that a client may get, while it is being asked whether there may be a namespace
 * of that name: it counts as one of the client's namespaces, and goes when the client takes its wish back or leaves.
 */
import { DISCONNECT, type Packet } from "../model/packet.ts";
import type { Connection, ConnectionSocket } from "./connection.ts";

export class NamespaceWish implements ConnectionSocket {
  readonly nsp: { readonly name: string };
  readonly #connection: Connection;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.nsp = { name };
    connection.add(this);
  }

  /** The client still waits. */
  get isHeld(): boolean {
    return this.#connection.sockets.includes(this);
  }

  confirm(): void {}

  notify(): void {}

  warn(): void {}

  receive(packet: Packet): void {
    if (packet.type === DISCONNECT) this.end();
  }

  end(): void {
    this.#connection.remove(this);
  }
}
