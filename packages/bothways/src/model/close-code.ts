/**
 * Close codes of bothways/1: 4000, or 4000 and the HTTP status that says the same. They travel in WebSocket close
 * frames and in `c` frames of HTTP bodies. docs/protocol/bothways-1.md §7.
 */

/** The peer is done. */
export const BYE = 4000;
/** It sent what the protocol does not allow. */
export const PROTOCOL_ERROR = 4400;
/** The technique is not offered. */
export const NOT_OFFERED = 4406;
/** A newer link, or another holder of the secret, has the session. */
export const TAKEN_OVER = 4409;
/** Nothing was heard in time. */
export const TIMEOUT = 4408;
/** The session is not known (any more). */
export const GONE = 4410;
/** It did not read, or sent, within its limits. */
export const SLOW_CONSUMER = 4429;
/** Our own code failed. */
export const INTERNAL = 4500;
/** Come back elsewhere, or later. */
export const DRAINING = 4503;

/** There is no room for all that waits, and this session had to go. */
export const OVERFLOW = 4507;

/** Nothing was said: the link broke (RFC 6455 §7.1.5). */
export const ABNORMAL = 1006;

/** A message was longer than the peer takes (RFC 6455 §7.4.1): to send it again would not help. */
export const TOO_LARGE = 1009;

/** Is the session over, or did only this link end? Codes from 4500 on, and five that name a passing state, end the link. */
export function isFinal(code: number): boolean {
  if (code === TOO_LARGE) return true;
  return code >= BYE && code < 4500 && (code < NOT_OFFERED || code > GONE) && code !== SLOW_CONSUMER;
}
