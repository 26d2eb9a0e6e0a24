/**
 * The numbers of RFC 6455: opcodes, close codes, header sizes. Nothing here does anything.
 */

/** RFC 6455 §5.2, §11.8. Bit 3 marks a control frame. */
export const opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** One of `opcode`. */
export type Opcode = (typeof opcode)[keyof typeof opcode];

/** RFC 6455 §5.2: the bits of the first two bytes of a frame. */
export const finBit = 0x80;
export const reservedBits = 0x70;
/** RFC 7692 §6: RSV1 on the first frame of a compressed message, where permessage-deflate was agreed on. */
export const compressedBit = 0x40;
export const opcodeBits = 0x0f;
export const controlBit = 0x08;
export const maskBit = 0x80;
export const lengthBits = 0x7f;

/** RFC 6455 §5.2: values of the 7-bit length that announce a longer one. */
export const length16 = 126;
export const length64 = 127;

/** Two bytes, a 64-bit length, a masking key. */
export const maxHeaderBytes = 14;
/** RFC 6455 §5.5: all control frames have a payload of at most 125 bytes. */
export const maxControlBytes = 125;
/** RFC 6455 §5.5.1: the reason shares the payload of a close frame with its two-byte code. */
export const maxReasonBytes: number = maxControlBytes - 2;

/** RFC 6455 §7.4.1: codes that never travel; they tell the local side what it did not receive. */
export const noCloseCode = 1005;
export const abnormalCloseCode = 1006;

/**
 * May `code` stand in a close frame? RFC 6455 §7.4: 1004, 1005, 1006 and 1015 are reserved, 1012 to 1014 were
 * registered later with IANA, 3000–3999 are for libraries, 4000–4999 private.
 */
export function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
