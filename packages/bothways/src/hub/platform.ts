/** What the hub needs of its host, and how far it goes. */
import type { Packet } from "../model/packet.ts";
import type { DisconnectReason } from "../model/reasons.ts";

export interface HubPlatform {
  /** A fresh socket id: unguessable, and no secret, since applications show it to other users. */
  createId(): string;
  /** Calls `callback` once after `ms` milliseconds; the function returned takes that back. */
  setTimer(callback: () => void, ms: number): () => void;
  /** Milliseconds that only grow. */
  now(): number;
  /** Encodes a packet now, so that its values may change later; returns the length. Throws what cannot be encoded. */
  encode(packet: Packet): number;
  /** An application's handler threw, or a peer sent what cannot be acted on. Nothing else is told to anyone. */
  onError(error: unknown, context: ErrorContext): void;
  /** Told of who comes and goes. */
  readonly observer?: HubObserver;
}

/** Namespaces, sockets and rooms by their names and ids. None of these may throw. */
export interface HubObserver {
  joined(namespace: string, socket: string): void;
  refused(namespace: string, message: string): void;
  left(namespace: string, socket: string, reason: DisconnectReason): void;
  enteredRoom(namespace: string, socket: string, room: string): void;
  leftRoom(namespace: string, socket: string, room: string): void;
}

/** Where an error met the hub. */
export interface ErrorContext {
  readonly namespace: string;
  /** Id of the socket; `undefined` in the callbacks of broadcasts. */
  readonly socket: string | undefined;
  /** The event that was handled; `undefined` in middleware and in the callbacks of answers. */
  readonly event: string | undefined;
}

/** How far one client may go. */
export interface HubLimits {
  /** Namespaces one client may have joined or be joining; one more is BW_NAMESPACE_LIMIT. Default 32. */
  readonly maxNamespacesPerPeer: number;
  /** Length of a room's name, in UTF-16 units; a longer one is BW_ROOM_NAME. Default 255. */
  readonly maxRoomNameLength: number;
  /** Answers the server may await from one socket; one more is BW_ACK_LIMIT. Default 1,024. */
  readonly maxAcks: number;
  /**
   * Events of one socket that may wait for the application: behind an asynchronous function of `socket.use`, beyond which
   * the client is disconnected, and in each iteration over `socket.events()`, beyond which that ends with an error.
   * Default 256.
   */
  readonly maxWaitingEvents: number;
  /** Length of the name of a namespace that a client asks for and a pattern allows, in UTF-16 units. Default 255. */
  readonly maxNamespaceNameLength: number;
  /** Namespaces that exist at once because clients asked and a pattern allowed it; then BW_NAMESPACE_LIMIT. Default 10,000. */
  readonly maxChildNamespaces: number;
  /** A namespace that a pattern allowed ends with its last socket. Default true. */
  readonly cleanupEmptyChildNamespaces: boolean;
}

export const defaultHubLimits: HubLimits = {
  maxNamespacesPerPeer: 32,
  maxRoomNameLength: 255,
  maxAcks: 1024,
  maxWaitingEvents: 256,
  maxNamespaceNameLength: 255,
  maxChildNamespaces: 10_000,
  cleanupEmptyChildNamespaces: true,
};
