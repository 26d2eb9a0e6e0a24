/**
 * The contract between the hub and the server's driver: one peer is one client's session, whatever dialect and
 * transport it speaks. The hub calls {@link Peer}; the driver calls {@link PeerHandler}.
 */
import type { ErrorCode } from "./errors.ts";
import type { Handshake } from "./handshake.ts";
import type { OverflowPolicy } from "./message.ts";
import type { Packet } from "./packet.ts";
import type { DisconnectReason } from "./reasons.ts";

export interface Peer {
  /** Of the session's first request; `auth` is left to each namespace. */
  readonly handshake: Omit<Handshake, "auth">;
  /** What `authenticate` returned for this client. */
  readonly identity: unknown;
  /** When the client's authentication ends, in ms since 1970; Infinity where it does not. */
  expiresAt: number;
  /** Judges a token that the client sent in place of what it came with. Rejects with a BothwaysError where it is no good. */
  refreshAuth(token: unknown): Promise<void>;
  /** Name of the transport in use, `""` while the client is away. */
  readonly transport: string;
  /** Bytes that wait to be sent. */
  readonly bufferedBytes: number;
  /** More than the high-water mark waits, or what was refused has no room yet; `drain` follows. */
  readonly isFull: boolean;
  /** Events that policies have dropped, so far. */
  readonly dropped: number;
  /** What happens at the limit to an emit that does not say. */
  policy: OverflowPolicy;
  /**
   * Sends a packet. Reliable unless `volatile`, which drops it when it cannot leave at once.
   * Returns false beyond the high-water mark; the packet is accepted all the same. At the limit the policy says what
   * happens; `block` throws BW_BACKPRESSURE.
   */
  send(packet: Packet, volatile?: boolean): boolean;
  /** Would this packet be taken without anything being dropped? */
  admits(packet: Packet): boolean;
  /** Nothing more is received until `resume`: the client runs out of credit, and what came already waits. */
  pause(): void;
  resume(): void;
  /** Ends the session and its transport. */
  close(code: ErrorCode): void;
}

/** What the driver tells the hub. Calls for one peer arrive in order. */
export interface PeerHandler {
  /** The client asks to join a namespace. The hub answers with a CONNECT or CONNECT_ERROR packet, perhaps later. */
  join(peer: Peer, namespace: string, auth: unknown): void;
  /** The client has shown that it received the welcome: from here on `connection` may fire. */
  confirm(peer: Peer): void;
  /** A packet other than those of a hello; also joins asked for later. */
  receive(peer: Peer, packet: Packet): void;
  /** The client's transport was lost or came back; the session lives on in between. */
  away(peer: Peer): void;
  back(peer: Peer): void;
  /** What waited has left: `send` returns true again. */
  drain(peer: Peer): void;
  /** A policy dropped so many events that waited. */
  dropped(peer: Peer, count: number): void;
  /** The client's authentication ends in so many ms. */
  expiring(peer: Peer, ms: number): void;
  /** The session is over. */
  leave(peer: Peer, reason: DisconnectReason): void;
}
