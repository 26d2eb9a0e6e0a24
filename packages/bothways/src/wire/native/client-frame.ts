/**
 * What a server accepts as a frame of a client that said its hello. docs/protocol/bothways-1.md §2.
 *
 * Invariant: numbers are decimal and of at most 15 digits, so that they are exact; whatever else comes in parses to
 * `undefined` and nothing is thrown.
 */
import type { Frame } from "../../model/frame.ts";
import type { Data } from "../../model/message.ts";
import { parseFrame } from "./frame.ts";

const signal = /^(?:[po]|n\d{1,15})$/;
/** As JSON has numbers: no zero stands before another digit. */
const position = /^a(0|[1-9]\d{0,14}),(0|[1-9]\d{0,14}),(0|[1-9]\d{0,14})$/;
const close = /^c(\d{1,15}),(.*)$/s;

export function parseClientFrame(data: Data): Frame | undefined {
  const kind = typeof data === "string" ? data[0] : String.fromCharCode(data[0] ?? 0);
  // nearly all are messages, which have nothing to be checked here
  if (kind === "m" || kind === "v") return [kind, data];
  if (typeof data !== "string") return undefined;
  // one comes with each poll
  const [, received, messages, bytes] = position.exec(data) ?? [];
  if (bytes !== undefined) return ["a", Number(received), Number(messages), Number(bytes)];
  const [, code, reason = ""] = close.exec(data) ?? [];
  if (code) return ["c", +code, reason];
  return signal.test(data) ? parseFrame(data) : undefined;
}
