/** Which errors are limits that a client reached, and the event that tells of them. */
import type { ErrorCode } from "../model/errors.ts";
import { channels } from "./channels.ts";

const limits: ReadonlySet<ErrorCode> = new Set([
  "BW_MESSAGE_TOO_LARGE",
  "BW_HTTP2_STREAMS",
  "BW_JSON_DEPTH",
  "BW_BODY_TIMEOUT",
  "BW_SILENT",
  "BW_SLOW_CONSUMER",
  "BW_TOO_MANY_CONNECTIONS",
]);

const struck = channels["bothways:limit:struck"];

/** Does nothing where `code` is none. */
export function tellLimit(code: ErrorCode, session: string, address: string): void {
  if (struck.hasSubscribers && limits.has(code)) struck.publish({ code, session, address });
}
