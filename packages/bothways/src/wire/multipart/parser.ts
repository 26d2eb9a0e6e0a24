/**
 * A body of `multipart/x-mixed-replace`, read as it arrives (RFC 2046 §5.1). Each part is read by its Content-Length, so
 * nothing in it can be taken for a boundary; a part without one is malformed.
 *
 * Invariants: how the bytes are split changes nothing but when a part is given; no more than `maxBytes` and one head
 * are kept.
 */
import { ByteQueue } from "../native/byte-queue.ts";

const MAX_HEAD_BYTES = 1024;

/** The boundary that a Content-Type names, or `undefined`. RFC 2045 §5.1: a token or a quoted string. */
export function readBoundary(contentType: string): string | undefined {
  const [, quoted, token] =
    /^multipart\/[\w.+-]+\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  return quoted ?? token;
}

export class MultipartParser {
  readonly #boundary: string;
  readonly #maxBytes: number;
  readonly #queue = new ByteQueue();
  /** Length of the part whose head was read. */
  #length: number | undefined;
  #isBroken = false;

  constructor(boundary: string, maxBytes: number = Number.POSITIVE_INFINITY) {
    this.#boundary = `--${boundary}`;
    this.#maxBytes = maxBytes;
  }

  /** The parts that these bytes complete; `undefined`, from then on, where the body is malformed. */
  push(chunk: Uint8Array): Uint8Array[] | undefined {
    const bytes = this.#isBroken ? undefined : this.#queue.push(chunk);
    if (bytes === undefined) return this.#isBroken ? undefined : [];
    const parts: Uint8Array[] = [];
    let offset = 0;
    let needed = 0;
    for (;;) {
      if (this.#length === undefined) {
        const end = findHeadEnd(bytes, offset);
        if (end < 0 && bytes.length - offset <= MAX_HEAD_BYTES) break;
        this.#length = end < 0 ? undefined : this.#readHead(bytes.subarray(offset, end));
        if (this.#length === undefined) {
          this.#isBroken = true;
          return undefined;
        }
        offset = end;
      }
      if (offset + this.#length > bytes.length) {
        needed = this.#length;
        break;
      }
      parts.push(new Uint8Array(bytes.subarray(offset, offset + this.#length)));
      offset += this.#length;
      this.#length = undefined;
    }
    this.#queue.keep(bytes.subarray(offset), needed);
    return parts;
  }

  /** The Content-Length after the boundary's line, or `undefined` where something else stands there. */
  #readHead(bytes: Uint8Array): number | undefined {
    const [boundary, ...fields] = String.fromCharCode(...bytes)
      .replace(/^\r\n/, "")
      .split("\r\n");
    const field = fields.find((each) => /^content-length:/i.test(each));
    const [, digits] = /:[ \t]*(\d{1,15})[ \t]*$/.exec(field ?? "") ?? [];
    if (boundary !== this.#boundary || digits === undefined) return undefined;
    const length = Number(digits);
    return length > this.#maxBytes ? undefined : length;
  }
}

/** The index after the empty line that ends a head, or -1. */
function findHeadEnd(bytes: Uint8Array, from: number): number {
  const last = Math.min(bytes.length, from + MAX_HEAD_BYTES);
  // the line end that closes the part before is none of the head's
  for (let index = from + 4; index < last; index++) {
    if (
      bytes[index] === 10 &&
      bytes[index - 1] === 13 &&
      bytes[index - 2] === 10 &&
      bytes[index - 3] === 13
    ) {
      return index + 1;
    }
  }
  return -1;
}
