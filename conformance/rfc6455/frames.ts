/** Frames to bytes, bytes to lines. It shares no code with either implementation. */
import { createHash, randomBytes } from "node:crypto";
import type { Frame } from "./case.ts";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

// What cases send.

export const text = (payload: string | Uint8Array = "", more: Partial<Frame> = {}): Frame => ({
  opcode: 1,
  payload,
  ...more,
});
export const binary = (payload: string | Uint8Array = "", more: Partial<Frame> = {}): Frame => ({
  opcode: 2,
  payload,
  ...more,
});
export const next = (payload: string | Uint8Array = "", more: Partial<Frame> = {}): Frame => ({
  opcode: 0,
  payload,
  ...more,
});
export const ping = (payload: string | Uint8Array = "", more: Partial<Frame> = {}): Frame => ({
  opcode: 9,
  payload,
  ...more,
});
export const pong = (payload: string | Uint8Array = "", more: Partial<Frame> = {}): Frame => ({
  opcode: 10,
  payload,
  ...more,
});
export const close = (code?: number, reason: string | Uint8Array = "", more: Partial<Frame> = {}): Frame => ({
  opcode: 8,
  payload: code === undefined ? "" : Buffer.concat([bytes(code >> 8, code & 255), toBytes(reason)]),
  ...more,
});
export const unfinished: Partial<Frame> = { isFinal: false };

// What cases expect.

/** At the end of a line: whatever comes behind it. */
export const andMore = "…";
/** An answer that refuses the upgrade. */
export const refusal: string = `status 4${andMore}`;

export const gets = {
  text: (payload: string | Uint8Array): string => line(1, toBytes(payload)),
  binary: (payload: string | Uint8Array): string => line(2, toBytes(payload)),
  pong: (payload: string | Uint8Array = ""): string => line(10, toBytes(payload)),
  /** Where no reason is given any will do. */
  close: (code?: number, reason?: string): string =>
    line(8, toBytes(close(code, reason).payload)) + (code === undefined || reason ? "" : andMore),
} as const;

export function isExpected(got: string | undefined, expected: string | undefined): boolean {
  if (!expected?.endsWith(andMore)) return got === expected;
  return got?.startsWith(expected.slice(0, -andMore.length)) ?? false;
}

/** The target ends TCP. */
export const end = "end";
/** RFC 6455 §7.1.7: a close frame that says why, then the end of TCP. */
export const fails = (code: number): string[] => [gets.close(code), end];

const kinds: Readonly<Record<number, string>> = { 0: "part", 1: "text", 2: "binary", 9: "ping", 10: "pong" };

/** A message or control frame as one line. Long payloads show their length and a hash. */
export function line(opcode: number, payload: Uint8Array): string {
  if (opcode === 8) {
    const code = payload.length < 2 ? "" : ` ${((payload[0] ?? 0) << 8) | (payload[1] ?? 0)}`;
    return `close${code}${payload.length > 2 ? ` ${show(payload.subarray(2))}` : ""}`;
  }
  return `${kinds[opcode] ?? `opcode ${opcode}`} ${show(payload)}`;
}

function show(payload: Uint8Array): string {
  const latin1 = Buffer.from(payload).toString("latin1");
  if (/^[ -~]{0,24}$/.test(latin1)) return `"${latin1}"`;
  return `${payload.length} bytes #${createHash("sha1").update(payload).digest("hex").slice(0, 4)}`;
}

export function encode(frame: Frame, isMasked: boolean): Buffer {
  const { opcode, isFinal = true, reserved = 0, isMaskWrong = false } = frame;
  const payload = toBytes(frame.payload);
  const length = frame.declaredLength ?? BigInt(payload.length);
  const lengthBytes = frame.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const hasMask = isMasked !== isMaskWrong;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (hasMask ? 0x80 : 0) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  if (!hasMask) return Buffer.concat([head, payload]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, unmask(payload, key)]);
}

export interface Received {
  readonly isFinal: boolean;
  readonly reserved: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
  /** With the header. */
  readonly byteLength: number;
}

/** The frame at the beginning of `data`; undefined where it is not there whole. */
export function decode(data: Buffer): Received | undefined {
  const [first, second] = data;
  if (first === undefined || second === undefined) return undefined;
  const short = second & 127;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const isMasked = second > 127;
  const payloadAt = 2 + lengthBytes + (isMasked ? 4 : 0);
  if (data.length < payloadAt) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
  if (data.length < payloadAt + length) return undefined;
  const raw = data.subarray(payloadAt, payloadAt + length);
  const payload = isMasked ? unmask(raw, data.subarray(payloadAt - 4, payloadAt)) : Buffer.from(raw);
  return {
    isFinal: first > 127,
    reserved: (first >> 4) & 7,
    opcode: first & 15,
    isMasked,
    payload,
    byteLength: payloadAt + length,
  };
}

function unmask(payload: Uint8Array, key: Uint8Array): Buffer {
  const result = Buffer.from(payload);
  for (let i = 0; i < result.length; i++) result[i] = (result[i] ?? 0) ^ (key[i % 4] ?? 0);
  return result;
}

export function toBytes(payload: string | Uint8Array = ""): Uint8Array {
  return typeof payload === "string" ? utf8(payload) : payload;
}
