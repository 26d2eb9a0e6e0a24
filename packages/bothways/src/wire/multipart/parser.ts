/**
 * A body of `multipart/x-mixed-replace`, read as it arrives (RFC 2046 §5.1). Each part is read by its Content-Length, so
 * nothing in it can be taken for a boundary; a part without one is malformed. Whatever the boundary is, it is a line that
 * begins with two hyphens.
 */
import { createPieceReader, malformed, type PieceReader } from "../native/piece-reader.ts";

const MAX_HEAD_BYTES = 1024;

/** Gives what `read` makes of each part, which is a view, as they are complete. One of more than `maxBytes` is malformed. */
export function createMultipartReader<T>(maxBytes: number, read: (part: Uint8Array) => T): PieceReader<T> {
  return createPieceReader(maxBytes, (bytes) => {
    const text = String.fromCharCode(...bytes.subarray(0, MAX_HEAD_BYTES));
    const headBytes = text.indexOf("\r\n\r\n") + 4;
    if (headBytes < 4) return bytes.length > MAX_HEAD_BYTES ? malformed() : undefined;
    // the line end that closes the part before stands in front
    const head = /^(?:\r\n)?--.*\r\ncontent-length:\s*(\d+)/is.exec(text.slice(0, headBytes)) ?? malformed();
    return [headBytes, Number(head[1]), read];
  });
}
