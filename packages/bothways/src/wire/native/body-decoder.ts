/**
 * The same body as in body.ts, of the form that begins with a zero byte, read as it arrives: what carries the technique
 * `stream`. docs/protocol/bothways-1.md §5.3.
 *
 * Invariant: how the bytes are split changes nothing but when a frame is given.
 */
import type { Data } from "../../model/message.ts";
import { BINARY, decodeText } from "./body.ts";
import { ByteQueue } from "./byte-queue.ts";

/** Takes the next bytes of a stream and returns the frames they complete; `undefined`, from then on, where it is malformed. */
export type StreamDecoder = (chunk: Uint8Array) => Data[] | undefined;

const HEADER_BYTES = 4;

/** A frame of more than `maxBytes` is malformed. */
export function createBodyDecoder(maxBytes: number): StreamDecoder {
  const queue = new ByteQueue();
  /** The zero byte is still to come; or the body was malformed. */
  let isFirst = true;
  let isBroken = false;

  const decode = (chunk: Uint8Array): Data[] | undefined => {
    const bytes = queue.push(chunk);
    if (bytes === undefined) return [];
    const frames: Data[] = [];
    let offset = 0;
    if (isFirst && bytes.length > 0) {
      isFirst = false;
      if (bytes[offset++] !== 0) return undefined;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let needed = HEADER_BYTES;
    while (offset + HEADER_BYTES <= bytes.length) {
      const header = view.getUint32(offset);
      const length = header % BINARY;
      if (length > maxBytes) return undefined;
      const begin = offset + HEADER_BYTES;
      if (begin + length > bytes.length) {
        needed = HEADER_BYTES + length;
        break;
      }
      const content = bytes.subarray(begin, begin + length);
      frames.push(header < BINARY ? decodeText(content) : new Uint8Array(content));
      offset = begin + length;
    }
    queue.keep(bytes.subarray(offset), needed);
    return frames;
  };

  return (chunk) => {
    try {
      const frames = isBroken ? undefined : decode(chunk);
      isBroken = frames === undefined;
      return frames;
    } catch {
      isBroken = true;
      return undefined;
    }
  };
}
