/**
 * What an application says, in values: the contract between a dialect (which speaks them on the wire) and the hub or
 * the client (which act on them). Every dialect maps its own language to these six.
 */
import type { Message, OverflowPolicy } from "./message.ts";

/** Asks to join a namespace (`data`: auth), and the answer that it is joined (`data`: `{ sid }`). */
export const CONNECT = 0;
/** Leaves a namespace, or is made to. */
export const DISCONNECT = 1;
/** `data` is `[name, ...args]`; with an `id` the sender waits for an answer. */
export const EVENT = 2;
/** Answers event `id`; `data` holds the answer's arguments. */
export const ACK = 3;
/** Refuses to join a namespace; `data` is a {@link Refusal}. */
export const CONNECT_ERROR = 4;
/** Event `id` could not be answered; `data` is a {@link Refusal}. */
export const ACK_ERROR = 5;

export type PacketType = 0 | 1 | 2 | 3 | 4 | 5;

export interface Packet {
  readonly type: PacketType;
  /** Starts with `/`; the default namespace is `/`. */
  readonly namespace: string;
  /** Ties an answer to its event, per socket and direction. */
  readonly id?: number | undefined;
  readonly data?: unknown;
  /** Of an event that a history keeps: its last argument once more, for dialects that say it apart from the others. */
  readonly position?: string | undefined;
  /** Chosen by the emit, for where too much waits; see {@link Message}. */
  readonly policy?: OverflowPolicy | undefined;
  readonly key?: string | undefined;
  /** What each dialect made of a packet of many receivers, by the dialect's name: a broadcast is encoded once. */
  encoded?: { [dialect: string]: Message };
}

/** An error as the peer may see it: no stack, nothing of ours. */
export interface Refusal {
  readonly message: string;
  readonly data?: unknown;
}
