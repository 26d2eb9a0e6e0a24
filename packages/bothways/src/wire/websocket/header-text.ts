/**
 * The few rules of HTTP header text that the handshakes need (RFC 9110 §5.5–§5.6). Hand-written scanners, linear in
 * their input, and no header is taken for granted: a record may lack any, or hold several lines of one.
 */
import type { Headers } from "../../model/handshake.ts";

/** The value of a header that must not be repeated; undefined where it is absent or was sent twice. */
export function singleHeader(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  if (value === undefined || typeof value === "string") return value;
  return value.length === 1 ? value[0] : undefined;
}

/** The elements of a comma-separated header, all its lines together, empty ones included; none where it is absent. */
export function listHeader(headers: Headers, name: string): string[] {
  const value = headers[name];
  if (value === undefined) return [];
  const text = typeof value === "string" ? value : value.join(",");
  return text.split(",").map(trimSpace);
}

/** Does the list in header `name` contain `token`, in whatever case? */
export function hasToken(headers: Headers, name: string, token: string): boolean {
  return listHeader(headers, name).some((element) => element.toLowerCase() === token);
}

/** RFC 9110 §5.6.2: one or more of the characters that need no quotes. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (!isTokenCode(text.charCodeAt(i))) return false;
  }
  return text !== "";
}

/** Strips optional white space (RFC 9110 §5.6.3), which is spaces and tabs and nothing else. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Lines for a message head. Throws on names that are no tokens and on values with control characters: a CR or LF in one
 * would let its author write headers, or a body, of his own (RFC 9110 §5.5).
 */
export function encodeHeaderLines(headers: Headers): string {
  let lines = "";
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (!isToken(name)) throw new TypeError(`invalid header name ${JSON.stringify(name)}`);
    for (const line of typeof value === "string" ? [value] : value) {
      if (!isFieldValue(line)) throw new TypeError(`invalid value of header ${name}`);
      lines += `${name}: ${line}\r\n`;
    }
  }
  return lines;
}

/** RFC 9110 §5.5: visible characters, spaces and tabs, and bytes above 0x7F (which heads carry as Latin-1). */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isTokenCode(code: number): boolean {
  const isDigit = code >= 0x30 && code <= 0x39;
  const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
  return isDigit || isLetter || tokenMarks.has(code);
}

const tokenMarks = new Set(Array.from("!#$%&'*+-.^_`|~", (mark) => mark.charCodeAt(0)));
