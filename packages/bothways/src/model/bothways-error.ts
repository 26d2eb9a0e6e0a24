/** The one error class. What it says is the table's row for its code, with what is peculiar to the case added. */
import { type ErrorCode, type ErrorSide, errorTable } from "./errors.ts";

export interface BothwaysErrorOptions {
  /** The error that led to this one; it stays with us. */
  readonly cause?: unknown;
  /** What the other side's application attached to its refusal. */
  readonly data?: unknown;
}

export class BothwaysError extends Error {
  override readonly name: string = "BothwaysError";
  readonly code: ErrorCode;
  /** Who erred. */
  readonly side: ErrorSide;
  /** What is peculiar to the case, such as the name that was too long. */
  readonly detail: string | undefined;
  readonly data: unknown;

  constructor(code: ErrorCode, detail?: string, options?: BothwaysErrorOptions) {
    const { side, message } = errorTable[code];
    super(`${code}: ${message}${detail ? ` (${detail})` : ""}`, options);
    this.code = code;
    this.side = side;
    this.detail = detail;
    this.data = options?.data;
  }
}
