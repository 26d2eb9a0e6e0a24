/** What the hub needs of its host, and how far it goes. */

export interface HubPlatform {
  /** A fresh socket id: unguessable, and no secret, since applications show it to other users. */
  createId(): string;
  /** Calls `callback` once after `ms` milliseconds; the function returned takes that back. */
  setTimer(callback: () => void, ms: number): () => void;
  /** An application's handler threw, or a peer sent what cannot be acted on. Nothing else is told to anyone. */
  onError(error: unknown, context: ErrorContext): void;
}

/** Where an error met the hub. */
export interface ErrorContext {
  readonly namespace: string;
  /** Id of the socket; `undefined` in the callbacks of broadcasts. */
  readonly socket: string | undefined;
  /** The event that was handled; `undefined` in middleware and in the callbacks of answers. */
  readonly event: string | undefined;
}

export interface HubLimits {
  /** Namespaces one client may have joined or be joining; one more is BW_NAMESPACE_LIMIT. Default 32. */
  readonly maxNamespacesPerPeer: number;
  /** Length of a room's name, in UTF-16 units; a longer one is BW_ROOM_NAME. Default 255. */
  readonly maxRoomNameLength: number;
  /** Answers the server may await from one socket; one more is BW_ACK_LIMIT. Default 1,024. */
  readonly maxAcks: number;
}

export const defaultHubLimits: HubLimits = {
  maxNamespacesPerPeer: 32,
  maxRoomNameLength: 255,
  maxAcks: 1024,
};
