/**
 * The same body as in body.ts, of the form that begins with a zero byte, read as it arrives: what carries the technique
 * `stream`. docs/protocol/bothways-1.md §5.3.
 */
import type { Data } from "../../model/message.ts";
import { decodeText } from "./body.ts";
import { MARK } from "./parts.ts";
import { createPieceReader, type PieceReader } from "./piece-reader.ts";

/** Takes the next bytes of a stream and returns the frames they complete; `undefined`, from then on, where it is malformed. */
export type StreamDecoder = PieceReader<Data>;

/** A frame of more than `maxBytes` is malformed. */
export function createBodyDecoder(maxBytes: number): StreamDecoder {
  /** The zero byte stands before the first length. */
  let before = 1;
  const lengthIn = (bytes: Uint8Array): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(before);
  return createPieceReader<Data>(
    maxBytes,
    (bytes) => {
      if (before && bytes[0]) throw RangeError();
      return bytes.length < before + 4 ? undefined : [before + 4, lengthIn(bytes) % MARK];
    },
    (unit, headBytes) => {
      const isBinary = lengthIn(unit) >= MARK;
      before = 0;
      const content = unit.subarray(headBytes);
      return isBinary ? new Uint8Array(content) : decodeText(content);
    },
  );
}
