/**
 * The units of the native session protocol as values: what the session machine takes and gives, and what `wire/native`
 * reads and writes. docs/protocol/bothways-1.md is the normative text.
 */
import type { Data } from "./message.ts";
import type { GapReason } from "./reasons.ts";

/** A kind, and what a frame of this kind says. */
export type Frame =
  | readonly [kind: "h", hello: Hello]
  | readonly [kind: "w", welcome: Welcome]
  /** The next message on this link has this number. */
  | readonly [kind: "n", number: number]
  /** A message: `m` is numbered and never lost, `v` is neither. */
  | readonly [kind: "m", data: Data]
  | readonly [kind: "v", data: Data]
  /** Everything up to `received` was dispatched; the peer may send up to `messages` and `bytes` in all. */
  | readonly [kind: "a", received: number, messages: number, bytes: number]
  | readonly [kind: "p" | "o"]
  | readonly [kind: "c", code: number, reason: string];

/** What a session says by itself. */
export type Signal = Exclude<Frame, readonly ["m" | "v" | "c", ...unknown[]]>;

/** Cumulative limits on what the peer may send: messages, then bytes. They never fall. */
export type Credit = readonly [messages: number, bytes: number];

/** Starts a session, or resumes one when `sid` and `secret` are there. */
export interface Hello {
  readonly version: 1;
  /** Secret of ≥ 128 bits, base64url: hellos with one attempt id make one session. */
  readonly attempt: string;
  /** Counts the client's rounds of attaching; the highest wins. */
  readonly generation: number;
  readonly received: number;
  readonly credit: Credit;
  /** Namespaces to join when a new session begins, each with its auth. */
  readonly join: readonly (readonly [namespace: string, auth?: unknown])[];
  readonly sid?: string | undefined;
  readonly secret?: string | undefined;
}

export interface Welcome {
  readonly sid: string;
  /** To be shown at the next resume; the one before stays valid until a frame on this link proves it arrived. */
  readonly secret: string;
  /** Authorises every later request of this link (HTTP). */
  readonly key: string;
  readonly received: number;
  readonly credit: Credit;
  /** Heartbeat: the server pings after this silence, and gives up after the second, both in ms. */
  readonly ping: readonly [intervalMs: number, timeoutMs: number];
  /** The session asked for is gone and a new one began. */
  readonly lost?: GapReason | undefined;
}
