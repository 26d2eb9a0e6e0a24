/**
 * The same body as in body.ts, of the form that begins with a zero byte, read as it arrives: what carries the technique
 * `stream`. docs/protocol/bothways-1.md §5.3.
 */
import type { Data } from "../../model/message.ts";
import { MARK, utf8 } from "./parts.ts";
import { createPieceReader, malformed, type PieceReader } from "./piece-reader.ts";

/** Takes the next bytes of a stream and returns the frames they complete. Throws where it is malformed. */
export type StreamDecoder = PieceReader<Data>;

/** A frame of more than `maxBytes` is malformed. */
export function createBodyDecoder(maxBytes: number): StreamDecoder {
  return createPieceReader<Data>(maxBytes, (bytes, isFirst) => {
    // the zero byte stands before the first length
    const begin = isFirst ? 1 : 0;
    if (isFirst && bytes[0]) malformed();
    if (bytes.length < begin + 4) return undefined;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(begin);
    return [
      begin + 4,
      length % MARK,
      length < MARK ? (content) => utf8.decode(content) : (content) => content.slice(),
    ];
  });
}
