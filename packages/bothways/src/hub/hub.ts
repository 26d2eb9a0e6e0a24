/**
 * What an application sees of its clients: namespaces, sockets, rooms. It knows values only; the server's driver feeds
 * it and carries what it sends.
 *
 * Invariant: a client has at most one socket per namespace, whether joined or joining.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Contract } from "../model/contract.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { DefaultEventsMap, Untyped } from "../model/events.ts";
import { CONNECT, CONNECT_ERROR, type Packet } from "../model/packet.ts";
import type { Peer, PeerHandler } from "../model/peer.ts";
import type { DisconnectReason } from "../model/reasons.ts";
import { Connection } from "./connection.ts";
import { Namespace } from "./namespace.ts";
import { NamespaceWish } from "./namespace-wish.ts";
import { type NamespaceTest, ParentNamespace } from "./parent-namespace.ts";
import { defaultHubLimits, type HubLimits, type HubPlatform } from "./platform.ts";
import { Socket } from "./socket.ts";

/** A listener of `connection`. */
export type ConnectionListener<AnySocket> = (socket: AnySocket) => void;

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
  readonly #parents: ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>[] = [];
  readonly #connections: Map<Peer, Connection> = new Map();
  /** Namespaces that a parent made, of all parents. */
  #childCount = 0;

  constructor(platform: HubPlatform, limits?: Partial<HubLimits>) {
    this.#platform = platform;
    this.#limits = { ...defaultHubLimits, ...limits };
    this.sockets = this.of("/");
  }

  /**
   * The namespace of that name, made with the first call; a leading `/` may be left out. With a pattern or a function:
   * the parent of all namespaces that clients ask for and it allows. `more` is a listener of `connection`, or a contract
   * to be kept from now on.
   */
  of(
    name: string,
    more?: ConnectionListener<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> | Contract,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  of(
    name: RegExp | NamespaceTest,
    more?: ConnectionListener<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> | Contract,
  ): ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  of(
    name: string | RegExp | NamespaceTest,
    more?: ConnectionListener<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> | Contract,
  ):
    | Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    | ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const found = typeof name === "string" ? this.#named(name) : this.#parentOf(name);
    if (typeof more === "function") (found as Namespace).on("connection", more as never);
    else if (more !== undefined) found.contract = more;
    return found;
  }

  /** The namespace of that name, where there is one. */
  find(name: string): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> | undefined {
    return this.#namespaces.get(name);
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
    if (namespace === undefined && !this.#mayAsk(name)) this.#refuse(peer, name);
    else if (connection.sockets.length >= this.#limits.maxNamespacesPerPeer) {
      this.#refuse(peer, name, "BW_NAMESPACE_LIMIT");
    } else if (namespace) this.#enter(connection, namespace, auth);
    else this.#ask(connection, name, auth);
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
    this.#connections.get(peer)?.drained();
  }

  expiring(peer: Peer, ms: number): void {
    for (const socket of this.#connections.get(peer)?.sockets ?? []) socket.warn(ms);
  }

  /** Ends the session of this socket. Returns how many there were: 1, or 0. */
  revoke(id: string): number {
    for (const { sockets } of this.#namespaces.values()) {
      const socket = sockets.get(id);
      if (!socket) continue;
      socket.conn.end("unauthorized", "BW_REVOKED");
      return 1;
    }
    return 0;
  }

  dropped(peer: Peer, count: number): void {
    this.#signal(peer, "dropped", count);
  }

  leave(peer: Peer, reason: DisconnectReason): void {
    const connection = this.#connections.get(peer);
    this.#connections.delete(peer);
    connection?.leave(reason);
  }

  #named(name: string): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const path = name.startsWith("/") ? name : `/${name}`;
    if (!isPath(path)) throw new BothwaysError("BW_NAMESPACE", "no commas or line breaks in its name");
    const known = this.#namespaces.get(path);
    if (known) return known;
    const parent = this.#parents.find((each) => each.hasPattern(path));
    if (parent) return this.#createChild(path, parent);
    return this.#add(new Namespace(path, { platform: this.#platform, limits: this.#limits }));
  }

  #parentOf(
    test: RegExp | NamespaceTest,
  ): ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const parent = new ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>(
      test,
      this.#platform,
    );
    this.#parents.push(parent);
    return parent;
  }

  /** Is it worth asking the parents? */
  #mayAsk(name: string): boolean {
    return this.#parents.length > 0 && isPath(name) && name.length <= this.#limits.maxNamespaceNameLength;
  }

  /** The first parent that allows the name takes the client in. */
  #ask(connection: Connection, name: string, auth: unknown): void {
    const wish = new NamespaceWish(connection, name);
    const ask = (index: number): void => {
      if (!wish.isHeld) return;
      const parent = this.#parents[index];
      // Another client may have got there first.
      const namespace = this.#namespaces.get(name);
      if (namespace === undefined && parent) {
        parent.judge(name, auth, (isAllowed) => (isAllowed ? grant(parent) : ask(index + 1)));
        return;
      }
      wish.end();
      if (namespace) this.#enter(connection, namespace, auth);
      else this.#refuse(connection.peer, name);
    };
    const grant = (parent: ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>): void => {
      if (!wish.isHeld) return;
      wish.end();
      const namespace = this.#namespaces.get(name);
      if (namespace === undefined && this.#childCount >= this.#limits.maxChildNamespaces) {
        this.#refuse(connection.peer, name, "BW_NAMESPACE_LIMIT");
      } else this.#enter(connection, namespace ?? this.#createChild(name, parent), auth);
    };
    ask(0);
  }

  #enter(
    connection: Connection,
    namespace: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
    auth: unknown,
  ): void {
    const socket = new Socket(namespace, connection, this.#platform.createId(), auth);
    connection.add(socket);
    socket.enter();
  }

  #createChild(
    name: string,
    parent: ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const end = (): void => {
      if (!parent.children.delete(child)) return;
      this.#childCount -= 1;
      this.#namespaces.delete(name);
    };
    const onEmpty = this.#limits.cleanupEmptyChildNamespaces ? end : undefined;
    const child = new Namespace(name, { platform: this.#platform, limits: this.#limits, parent, onEmpty });
    parent.children.add(child);
    this.#childCount += 1;
    return this.#add(child);
  }

  #add(
    namespace: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    this.#namespaces.set(namespace.name, namespace);
    if (namespace.name !== "/") this.sockets.raiseNew(namespace);
    return namespace;
  }

  #connect(peer: Peer): Connection {
    let connection = this.#connections.get(peer);
    if (connection === undefined) {
      connection = new Connection(peer);
      this.#connections.set(peer, connection);
    }
    return connection;
  }

  #refuse(peer: Peer, namespace: string, code?: ErrorCode): void {
    // without a code in Socket.IO's words, which clients compare with
    const message = code === undefined ? "Invalid namespace" : new BothwaysError(code).message;
    this.#platform.observer?.refused(namespace, message);
    peer.send({ type: CONNECT_ERROR, namespace, data: { message } });
  }

  #signal(peer: Peer, event: "away" | "back" | "dropped", ...args: number[]): void {
    for (const socket of this.#connections.get(peer)?.sockets ?? []) socket.notify(event, ...args);
  }
}

/** Can a packet carry it? */
function isPath(name: string): boolean {
  return /^\/[^,\r\n]*$/.test(name);
}
