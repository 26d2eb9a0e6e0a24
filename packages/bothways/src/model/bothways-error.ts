/** The one error class. What it says is the table's row for its code, with what is peculiar to the case added. */
import { type ErrorCode, type ErrorSide, errorTable } from "./errors.ts";

/** What is known of an error besides its code. */
export interface BothwaysErrorOptions {
  /** The error that led to this one; it stays with us. */
  readonly cause?: unknown;
  /** What the other side's application attached to its refusal. */
  readonly data?: unknown;
}

/** An error of Bothways, as the server raises it. What each code means: docs/reference/errors.md. */
export class BothwaysError extends Error {
  /** Always `"BothwaysError"`. */
  override readonly name: string = "BothwaysError";
  /** What happened; never renamed. */
  readonly code: ErrorCode;
  /** Who erred. */
  readonly side: ErrorSide;
  /** What is peculiar to the case, such as the name that was too long. */
  readonly detail: string | undefined;
  /** What the other side's application attached to its refusal. */
  readonly data: unknown;

  /** The message is the code, the table's words for it, and `detail`, if there is any. */
  constructor(code: ErrorCode, detail?: string, options?: BothwaysErrorOptions) {
    const { side, message } = errorTable[code];
    super(`${code}: ${message}${detail ? ` (${detail})` : ""}`, options);
    this.code = code;
    this.side = side;
    this.detail = detail;
    this.data = options?.data;
  }
}
