/** Errors as the client raises them: a plain Error with a code of the errors table, which is too large to ship here. */
import type { ErrorCode } from "../model/errors.ts";

/** An error as the client raises it: a plain `Error` with a code. */
export interface ClientError extends Error {
  /** One of docs/reference/errors.md, or the close code of the connection. */
  readonly code?: ErrorCode | number;
  /** What the server's application attached to a refusal. */
  readonly data?: unknown;
}

export function createError(
  code: ErrorCode | number,
  message: string,
  data?: unknown,
  cause?: unknown,
): ClientError {
  return Object.assign(new Error(message, { cause }), { code, data });
}
