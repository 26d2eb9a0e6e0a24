/**
 * The head of an HTTP/1.1 response, as it arrives (RFC 9112 §2–§5). Only for the client's upgrade: strict, bounded,
 * linear, and it stops at the first byte behind the head, where frames begin.
 */
import type { ErrorCode } from "../../model/errors.ts";
import { isFieldValue, isToken, trimSpace } from "./header-text.ts";

/** The head of a response. */
export interface ResponseHead {
  /** 100 to 999. */
  readonly status: number;
  /** Lower-cased names, one array element per line. The record has no prototype. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
}

/** A head that is whole, or why there will be none. */
export type HeadResult =
  | {
      readonly ok: true;
      readonly head: ResponseHead /** Behind the head: a view of the chunk. */;
      readonly rest: Uint8Array;
    }
  | { readonly ok: false; readonly code: ErrorCode };

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const endOfHead = [carriageReturn, lineFeed, carriageReturn, lineFeed];

/** Reads the server's answer to an upgrade, up to the first byte behind its head. */
export class ResponseHeadParser {
  readonly #maxHeadBytes: number;
  #text = "";
  /** How many bytes of `endOfHead` have just been seen. */
  #matched = 0;

  /** A longer head is BW_HEADERS_TOO_LARGE. */
  constructor(maxHeadBytes: number) {
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Takes a chunk; undefined while the head is incomplete. Not to be fed after a result. */
  feed(chunk: Uint8Array): HeadResult | undefined {
    const room = this.#maxHeadBytes - this.#text.length;
    const limit = Math.min(chunk.length, room);
    for (let i = 0; i < limit; i++) {
      const byte = chunk[i] as number;
      this.#matched = byte === endOfHead[this.#matched] ? this.#matched + 1 : byte === carriageReturn ? 1 : 0;
      if (this.#matched === endOfHead.length) {
        const head = parseHead(this.#text + latin1(chunk.subarray(0, i + 1)));
        if (head === undefined) return { ok: false, code: "BW_WS_ACCEPT" };
        return { ok: true, head, rest: chunk.subarray(i + 1) };
      }
    }
    if (chunk.length >= room) return { ok: false, code: "BW_HEADERS_TOO_LARGE" };
    this.#text += latin1(chunk);
    return undefined;
  }
}

function parseHead(text: string): ResponseHead | undefined {
  const [statusLine = "", ...lines] = text.slice(0, -endOfHead.length).split("\r\n");
  const status = parseStatus(statusLine);
  if (status === undefined) return undefined;
  const headers: Record<string, string[]> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = trimSpace(line.slice(colon + 1));
    // RFC 9112 §5.1–§5.2: no space before the colon, no line folded onto the next.
    if (!isToken(name) || !isFieldValue(value)) return undefined;
    const values = headers[name];
    if (values === undefined) headers[name] = [value];
    else values.push(value);
  }
  return { status, headers };
}

/**
 * RFC 9112 §4: `HTTP/1.1 101 reason`; some servers leave the last space out with the reason. Who speaks HTTP/1.0 can
 * refuse, and switches to nothing.
 */
function parseStatus(line: string): number | undefined {
  return /^HTTP\/1\.(?:1|0(?! 101)) [1-9]\d\d(?: |$)/.test(line) && isFieldValue(line)
    ? Number(line.slice(9, 12))
    : undefined;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
