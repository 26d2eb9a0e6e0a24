/** Frames of a WebSocket client, right or wrong. */
import { Buffer } from "node:buffer";

export interface FrameParts {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly opcode?: number;
  readonly isMasked?: boolean;
  readonly payload?: string | Uint8Array;
  /** What the header says the length is, in eight bytes. */
  readonly declared?: bigint;
}

/** One frame, right or wrong in any part (RFC 6455 §5.2). */
export function frame(parts: FrameParts): Buffer {
  const { fin = true, rsv = 0, opcode = 1, isMasked = true, payload = "", declared } = parts;
  const bytes = Buffer.from(payload as Uint8Array);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const header =
    declared !== undefined || bytes.length > 0xffff
      ? [Buffer.from([first, mask | 127]), eightBytes(declared ?? BigInt(bytes.length))]
      : bytes.length > 125
        ? [Buffer.from([first, mask | 126, bytes.length >> 8, bytes.length & 255])]
        : [Buffer.from([first, mask | bytes.length])];
  if (!isMasked) return Buffer.concat([...header, bytes]);
  const key = [1, 2, 3, 4];
  return Buffer.concat([...header, Buffer.from(key), bytes.map((byte, at) => byte ^ (key[at & 3] ?? 0))]);
}

function eightBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
