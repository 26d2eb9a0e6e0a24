/**
 * Messages to bytes (RFC 6455 §5.2). A masking key is given on the client and absent on the server (§5.1).
 */
import type { Primitives } from "../../model/primitives.ts";
import { finBit, length16, length64, maskBit, opcode } from "./frame.ts";
import { applyMask } from "./mask.ts";

/** Bytes of a frame, header included. */
export function frameLength(payloadBytes: number, isMasked: boolean): number {
  const lengthBytes = payloadBytes < length16 ? 0 : payloadBytes <= 0xffff ? 2 : 8;
  return 2 + lengthBytes + (isMasked ? 4 : 0) + payloadBytes;
}

/**
 * Writes a header at `offset` and returns where the payload begins. The length takes the shortest of its three forms
 * (RFC 6455 §5.2). The caller writes the payload and then masks it with the same key. `kind` is an opcode, with
 * `compressedBit` where the payload is compressed.
 */
export function writeFrameHeader(
  target: Uint8Array,
  offset: number,
  kind: number,
  payloadBytes: number,
  maskKey?: number,
  isFinal = true,
): number {
  const masked = maskKey === undefined ? 0 : maskBit;
  let at = offset;
  target[at++] = (isFinal ? finBit : 0) | kind;
  if (payloadBytes < length16) {
    target[at++] = masked | payloadBytes;
  } else if (payloadBytes <= 0xffff) {
    target[at++] = masked | length16;
    target[at++] = payloadBytes >>> 8;
    target[at++] = payloadBytes & 0xff;
  } else {
    target[at++] = masked | length64;
    at = writeUint32(target, at, Math.floor(payloadBytes / 0x1_0000_0000));
    at = writeUint32(target, at, payloadBytes);
  }
  return maskKey === undefined ? at : writeUint32(target, at, maskKey);
}

/** One whole frame. The payload is copied. `kind` as for `writeFrameHeader`. */
export function encodeFrame(kind: number, payload: Uint8Array, maskKey?: number, isFinal = true): Uint8Array {
  const frame = new Uint8Array(frameLength(payload.length, maskKey !== undefined));
  const payloadAt = writeFrameHeader(frame, 0, kind, payload.length, maskKey, isFinal);
  frame.set(payload, payloadAt);
  if (maskKey !== undefined) applyMask(frame, payloadAt, frame.length, maskKey);
  return frame;
}

/**
 * One whole text frame of a server: encoded once, it may be sent to any number of connections.
 *
 * @example
 * const frame = encodeTextFrame("news", primitives);
 * for (const connection of room) connection.sendFrame(frame);
 */
export function encodeTextFrame(
  text: string,
  primitives: Pick<Primitives, "utf8Length" | "writeUtf8">,
): Uint8Array {
  const payloadBytes = primitives.utf8Length(text);
  const frame = new Uint8Array(frameLength(payloadBytes, false));
  primitives.writeUtf8(text, frame, writeFrameHeader(frame, 0, opcode.text, payloadBytes), payloadBytes);
  return frame;
}

function writeUint32(target: Uint8Array, offset: number, value: number): number {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
  return offset + 4;
}
