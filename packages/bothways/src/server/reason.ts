/** Why something ended: for close frames, and for applications. */
import {
  BYE,
  DRAINING,
  INTERNAL,
  OVERFLOW,
  PROTOCOL_ERROR,
  SLOW_CONSUMER,
  TIMEOUT,
  TOO_LARGE,
} from "../model/close-code.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { DisconnectReason } from "../model/reasons.ts";

/** RFC 6455 §5.5, §7.1.6: a control frame holds 125 bytes, of which two are the code. */
const MAX_REASON_BYTES = 123;

/** On one line, so that it stays one frame of an HTTP body, and cut where it would be too long for a close frame. */
export function toReason(text: string): string {
  const line = text.replace(/[\r\n\0]+/g, " ");
  const { read } = new TextEncoder().encodeInto(line, new Uint8Array(MAX_REASON_BYTES));
  return line.slice(0, read);
}

const byCode: Record<number, DisconnectReason> = {
  [OVERFLOW]: "overflow",
  [DRAINING]: "server shutting down",
  [SLOW_CONSUMER]: "slow consumer",
  [PROTOCOL_ERROR]: "parse error",
  [INTERNAL]: "transport error",
  [TOO_LARGE]: "transport error",
  [BYE]: "transport close",
};

/** Errors that share a close code with others. */
const byError: { readonly [Code in ErrorCode]?: DisconnectReason } = {
  BW_RATE_LIMIT: "rate limit",
  BW_AUTH_EXPIRED: "unauthorized",
  BW_REVOKED: "unauthorized",
};

/**
 * Why a session ended with `code`: by an error of ours, `closedBy`, if there was one. One that waited for its client in
 * vain ended as its last link was lost, with the code `lostBy`.
 */
export function disconnectReason(
  code: number,
  closedBy: ErrorCode | undefined,
  lostBy: number,
): DisconnectReason {
  const known = (closedBy && byError[closedBy]) ?? byCode[code];
  return known ?? (lostBy === TIMEOUT ? "ping timeout" : "transport close");
}
