/**
 * What an application sees of its clients: namespaces, sockets, rooms. It knows values only; the server's driver feeds
 * it and carries what it sends.
 *
 * Invariant: a client has at most one socket per namespace, whether joined or joining.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { DefaultEventsMap, Untyped } from "../model/events.ts";
import { CONNECT, CONNECT_ERROR, type Packet } from "../model/packet.ts";
import type { Peer, PeerHandler } from "../model/peer.ts";
import type { DisconnectReason } from "../model/reasons.ts";
import { Connection } from "./connection.ts";
import { Namespace } from "./namespace.ts";
import { defaultHubLimits, type HubLimits, type HubPlatform } from "./platform.ts";
import { Socket } from "./socket.ts";

export class Hub<
  ListenEvents = DefaultEventsMap,
  EmitEvents = ListenEvents,
  ServerSideEvents = DefaultEventsMap,
  SocketData = Untyped,
> implements PeerHandler
{
  /** The default namespace. */
  readonly sockets: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  readonly #platform: HubPlatform;
  readonly #limits: HubLimits;
  readonly #namespaces: Map<string, Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> =
    new Map();
  readonly #connections: Map<Peer, Connection> = new Map();

  constructor(platform: HubPlatform, limits?: Partial<HubLimits>) {
    this.#platform = platform;
    this.#limits = { ...defaultHubLimits, ...limits };
    this.sockets = this.of("/");
  }

  /** The namespace of that name, made with the first call. A leading `/` may be left out. */
  of(name: string): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const path = name.startsWith("/") ? name : `/${name}`;
    if (/[,\r\n]/.test(path)) throw new BothwaysError("BW_NAMESPACE", "no commas or line breaks in its name");
    let namespace = this.#namespaces.get(path);
    if (namespace === undefined) {
      namespace = new Namespace(path, this.#platform, this.#limits);
      this.#namespaces.set(path, namespace);
    }
    return namespace;
  }

  /** How many clients are connected, whatever they have joined. */
  get clientsCount(): number {
    return this.#connections.size;
  }

  /** Disconnects every socket and ends every session. */
  close(reason: DisconnectReason = "server shutting down", code: ErrorCode = "BW_SHUTDOWN"): void {
    for (const connection of [...this.#connections.values()]) connection.end(reason, code);
  }

  join(peer: Peer, name: string, auth: unknown): void {
    const connection = this.#connect(peer);
    if (connection.find(name)) return;
    const namespace = this.#namespaces.get(name);
    if (namespace === undefined) {
      // Socket.IO's words, which clients compare with.
      this.#refuse(peer, name, "Invalid namespace");
    } else if (connection.sockets.length >= this.#limits.maxNamespacesPerPeer) {
      this.#refuse(peer, name, new BothwaysError("BW_NAMESPACE_LIMIT").message);
    } else {
      const socket = new Socket(namespace, connection, this.#platform.createId(), auth);
      connection.add(socket);
      socket.enter();
    }
  }

  confirm(peer: Peer): void {
    const connection = this.#connect(peer);
    connection.isConfirmed = true;
    for (const socket of connection.sockets) socket.confirm();
  }

  receive(peer: Peer, packet: Packet): void {
    if (packet.type === CONNECT) this.join(peer, packet.namespace, packet.data);
    else this.#connections.get(peer)?.find(packet.namespace)?.receive(packet);
  }

  away(peer: Peer): void {
    this.#signal(peer, "away");
  }

  back(peer: Peer): void {
    this.#signal(peer, "back");
  }

  drain(peer: Peer): void {
    this.#signal(peer, "drain");
  }

  leave(peer: Peer, reason: DisconnectReason): void {
    const connection = this.#connections.get(peer);
    this.#connections.delete(peer);
    connection?.leave(reason);
  }

  #connect(peer: Peer): Connection {
    let connection = this.#connections.get(peer);
    if (connection === undefined) {
      connection = new Connection(peer);
      this.#connections.set(peer, connection);
    }
    return connection;
  }

  #refuse(peer: Peer, namespace: string, message: string): void {
    this.#platform.observer?.refused(namespace, message);
    peer.send({ type: CONNECT_ERROR, namespace, data: { message } });
  }

  #signal(peer: Peer, event: "away" | "back" | "drain"): void {
    for (const socket of this.#connections.get(peer)?.sockets ?? []) socket.signal(event);
  }
}
