/**
 * Frames of bothways/1 as text, and their parser. docs/protocol/bothways-1.md §2.
 *
 * Invariants: a text frame holds no line feed, so frames can be joined by one; a malformed frame parses to `undefined`
 * and never throws. What a hello or a welcome holds is checked by hello.ts, which only the server needs.
 */
import type { Frame } from "../../model/frame.ts";
import type { Data } from "../../model/message.ts";

export function encodeFrame(frame: Frame): Data {
  switch (frame.kind) {
    case "m":
    case "v":
      return frame.data;
    case "h":
      return `h${JSON.stringify(frame.hello)}`;
    case "w":
      return `w${JSON.stringify(frame.welcome)}`;
    case "n":
      return `n${frame.number}`;
    case "a":
      return `a${frame.received},${frame.messages},${frame.bytes}`;
    case "c":
      return `c${frame.code},${frame.reason}`;
    default:
      return frame.kind;
  }
}

export function parseFrame(data: Data): Frame | undefined {
  const isText = typeof data === "string";
  const kind = isText ? data[0] : String.fromCharCode(data[0] ?? 0);
  if (kind === "m" || kind === "v") return { kind, data };
  if (!isText) return undefined;
  if (kind === "p" || kind === "o") return { kind };
  const rest = data.slice(1);
  if (kind === "w" || kind === "h") return parseJson(kind, rest);
  const [first = "", second = "", third = ""] = rest.split(",");
  if (kind === "n" && isNumber(first)) return { kind, number: +first };
  if (kind === "c" && isNumber(first)) return { kind, code: +first, reason: rest.slice(first.length + 1) };
  if (kind === "a" && isNumber(first) && isNumber(second) && isNumber(third)) {
    return { kind, received: +first, messages: +second, bytes: +third };
  }
}

function parseJson(kind: "w" | "h", json: string): Frame | undefined {
  try {
    const value = JSON.parse(json);
    return kind === "w" ? { kind, welcome: value } : { kind, hello: value };
  } catch {
    return undefined;
  }
}

/** Decimal, at most 15 digits, so that it is exact. */
function isNumber(text: string): boolean {
  return /^\d{1,15}$/.test(text);
}
