/**
 * What the application has a say in before a WebSocket opens.
 *
 * Invariant: whatever it does or fails to do, the client gets an answer, and gets it once.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { errorTable } from "../model/errors.ts";
import {
  defaultHandshakeTimeout,
  type ServerOptions,
  type VerifyCallback,
  type VerifyInfo,
} from "./options.ts";
import { refuse } from "./refusal.ts";

/** Asks `verifyClient`, for no longer than the handshake may take. */
export function verify(
  request: IncomingMessage,
  socket: Duplex,
  { verifyClient, handshakeTimeout = defaultHandshakeTimeout }: ServerOptions,
  accepted: () => void,
): void {
  if (!verifyClient) return accepted();
  let isAnswered = false;
  const answer: VerifyCallback = (isAccepted, code, message, headers) => {
    if (isAnswered) return;
    isAnswered = true;
    clearTimeout(timer);
    if (isAccepted) accepted();
    else refuse(socket, code || 401, message || undefined, headers ?? undefined);
  };
  const { httpStatus, message } = errorTable.BW_WS_HANDSHAKE_TIMEOUT;
  const expire = (): void => answer(false, httpStatus, message);
  const timer = handshakeTimeout > 0 ? setTimeout(expire, handshakeTimeout) : undefined;
  const { encrypted = false, authorized = false } = request.socket as {
    encrypted?: boolean;
    authorized?: boolean;
  };
  const origin = request.headers.origin as string;
  const info: VerifyInfo = { origin, secure: encrypted || authorized, req: request };
  const verdict = answering(socket, () => verifyClient(info, answer));
  if (verifyClient.length < 2) answer(verdict === true);
}

/** Runs what the application has a hand in: where it throws the client gets an answer all the same. */
export function answering<Result>(socket: Duplex, judge: () => Result): Result {
  try {
    return judge();
  } catch (error) {
    refuse(socket, 500);
    throw error;
  }
}
