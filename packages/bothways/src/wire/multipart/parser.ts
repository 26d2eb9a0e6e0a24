/**
 * A body of `multipart/x-mixed-replace`, read as it arrives (RFC 2046 §5.1). Each part is read by its Content-Length, so
 * nothing in it can be taken for a boundary; a part without one is malformed.
 */
import { createPieceReader, type PieceReader } from "../native/piece-reader.ts";

const MAX_HEAD_BYTES = 1024;

/** The boundary that a Content-Type names, or `undefined`. RFC 2045 §5.1: a token or a quoted string. */
export function readBoundary(contentType: string): string | undefined {
  const [, quoted, token] =
    /^multipart\/[\w.+-]+\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  return quoted ?? token;
}

/** Gives the parts as they are complete. One of more than `maxBytes` is malformed. */
export function createMultipartReader(
  boundary: string,
  maxBytes: number = Number.POSITIVE_INFINITY,
): PieceReader<Uint8Array> {
  return createPieceReader(
    maxBytes,
    (bytes) => {
      const text = String.fromCharCode(...bytes.subarray(0, MAX_HEAD_BYTES));
      // the line end that closes the part before is none of the head's
      const [head, first, fields] = /^(?:\r\n)?(.+)((?:\r\n.+)*)\r\n\r\n/.exec(text) ?? [];
      if (head === undefined) {
        if (bytes.length > MAX_HEAD_BYTES) throw RangeError();
        return undefined;
      }
      const [, digits] = /^content-length:[ \t]*(\d{1,15})[ \t]*$/im.exec(fields as string) ?? [];
      if (first !== `--${boundary}` || digits === undefined) throw RangeError();
      return [head.length, Number(digits)];
    },
    (unit, headBytes) => new Uint8Array(unit.subarray(headBytes)),
  );
}
