/** Counts the messages in what a server sends (RFC 6455 §5.2), by the headers of its frames alone. It trusts its peer. */
import { Buffer } from "node:buffer";

const noBytes = Buffer.alloc(0);
const pingByte = 0x89;

export class FrameCounter {
  readonly #messageByte: number;
  /** What each message is long; undefined where compression decides. */
  readonly #messageBytes: number | undefined;
  readonly #ping: () => void;
  /** Bytes of the last frame that are still to come. */
  #missing = 0;
  /** The beginning of a header. */
  #rest: Buffer = noBytes;

  constructor(isCompressed: boolean, messageBytes: number, ping: () => void) {
    this.#messageByte = isCompressed ? 0xc1 : 0x81;
    this.#messageBytes = isCompressed ? undefined : messageBytes;
    this.#ping = ping;
  }

  /** How many messages are whole now that were not before. */
  count(chunk: Buffer): number {
    if (this.#missing > chunk.length) {
      this.#missing -= chunk.length;
      return 0;
    }
    let messages = this.#missing > 0 ? 1 : 0;
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = this.#missing;
    while (at + 2 <= bytes.length) {
      const short = bytes[at + 1] ?? 0;
      const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (at + headBytes > bytes.length) break;
      const length =
        short < 126 ? short : bytes.readUIntBE(at + (short === 126 ? 2 : 4), short === 126 ? 2 : 6);
      const isMessage = this.#judge(bytes[at], length);
      at += headBytes + length;
      if (at <= bytes.length && isMessage) messages++;
    }
    this.#missing = Math.max(at - bytes.length, 0);
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : noBytes;
    return messages;
  }

  #judge(first: number | undefined, length: number): boolean {
    if (first === pingByte && length === 0) {
      this.#ping();
      return false;
    }
    const isExpected = first === this.#messageByte && length === (this.#messageBytes ?? length);
    if (!isExpected)
      throw new Error(`not the message expected: a frame 0x${first?.toString(16)} of ${length} bytes`);
    return true;
  }
}
