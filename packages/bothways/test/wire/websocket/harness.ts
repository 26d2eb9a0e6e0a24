/** What the tests of this folder share: primitives of Node, recorders, and a frame codec that shares nothing with src. */
import { createHash, randomBytes } from "node:crypto";
import type { ErrorCode } from "../../../src/model/errors.ts";
import type { Primitives } from "../../../src/model/primitives.ts";
import {
  type ClosedEvent,
  createConnection,
  type WebSocketConnection,
} from "../../../src/wire/websocket/connection.ts";
import { FrameOutput } from "../../../src/wire/websocket/output.ts";
import {
  FrameParser,
  type FrameSink,
  type ParserOptions,
  type Role,
} from "../../../src/wire/websocket/parser.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const primitives: Primitives = {
  randomBytes: (count) => Uint8Array.from(randomBytes(count)),
  sha1Base64: (text) => createHash("sha1").update(text).digest("base64"),
  decodeUtf8(bytes) {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  },
  decodeAscii: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)).toString("latin1"),
  utf8Length: (text) => Buffer.byteLength(text),
  writeUtf8: (text, target, offset) => void new TextEncoder().encodeInto(text, target.subarray(offset)),
};

export const defaultMaxMessageBytes = 1_048_576;

/** One event as a line of values; bytes are given as hexadecimal text. */
export type ParserEvent = readonly [name: keyof FrameSink, ...values: (string | number)[]];

export function createParserRecorder(
  role: Role = "server",
  maxMessageBytes: number = defaultMaxMessageBytes,
  more: Partial<ParserOptions> = {},
): { parser: FrameParser; events: ParserEvent[] } {
  const events: ParserEvent[] = [];
  const sink: FrameSink = {
    text: (data) => void events.push(["text", data]),
    binary: (data) => void events.push(["binary", hex(data)]),
    compressed: (data, isText) => void events.push(["compressed", hex(data), isText ? "text" : "binary"]),
    ping: (data) => void events.push(["ping", hex(data)]),
    pong: (data) => void events.push(["pong", hex(data)]),
    peerClose: (code, reason) => void events.push(["peerClose", code, reason]),
    fault: (code) => void events.push(["fault", code]),
  };
  return { parser: new FrameParser({ role, maxMessageBytes, primitives, ...more }, sink), events };
}

/** The events that `bytes` cause, cut into pieces of `pieceBytes`. The input is left as it is. */
export function parse(
  bytes: Uint8Array,
  { role = "server", maxMessageBytes = defaultMaxMessageBytes, pieceBytes = bytes.length }: ParseOptions = {},
): ParserEvent[] {
  const { parser, events } = createParserRecorder(role, maxMessageBytes);
  for (const piece of pieces(bytes, pieceBytes)) parser.feed(piece);
  return events;
}

interface ParseOptions {
  role?: Role;
  maxMessageBytes?: number;
  pieceBytes?: number;
}

/** Copies, since a parser overwrites what it is fed. */
export function* pieces(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
}

export type HostEvent =
  | readonly ["text" | "binary" | "pong", string]
  | readonly ["closed", ClosedEvent]
  | readonly ["end"];

export interface RecordedConnection {
  connection: WebSocketConnection;
  output: FrameOutput;
  events: HostEvent[];
  writes: Uint8Array[];
  /** Flushes, and returns and forgets the frames written. */
  takeFrames(): RawFrame[];
}

export function createRecordedConnection(
  role: Role,
  maxMessageBytes: number = defaultMaxMessageBytes,
  output: FrameOutput = new FrameOutput(() => {}),
): RecordedConnection {
  const events: HostEvent[] = [];
  const writes: Uint8Array[] = [];
  const host = {
    text: (data: string) => void events.push(["text", data]),
    binary: (data: Uint8Array) => void events.push(["binary", hex(data)]),
    pong: (data: Uint8Array) => void events.push(["pong", hex(data)]),
    closed: (event: ClosedEvent) => void events.push(["closed", event]),
    write: (bytes: Uint8Array) => void writes.push(bytes),
    end: () => void events.push(["end"]),
  };
  const connection = createConnection({ role, maxMessageBytes, primitives, output }, host);
  const takeFrames = () => {
    output.flush();
    return decodeFrames(joinBytes(...writes.splice(0)));
  };
  return { connection, output, events, writes, takeFrames };
}

export interface RawFrame {
  isFinal: boolean;
  reserved: number;
  opcode: number;
  isMasked: boolean;
  payload: Uint8Array;
}

export interface FrameParts {
  opcode: number;
  payload?: Uint8Array | string;
  isFinal?: boolean;
  reserved?: number;
  /** Default: masked, as a client sends. */
  mask?: readonly number[] | undefined;
  /** Bytes of the extended length: 0, 2 or 8; default the shortest. */
  lengthBytes?: 0 | 2 | 8;
  /** The length written, where it is to differ from the payload's. */
  declaredLength?: bigint;
}

export const testMask: readonly number[] = [0x37, 0xfa, 0x21, 0x3d];

/** A frame with any header, valid or not. */
export function rawFrame(parts: FrameParts): Uint8Array {
  const { opcode, payload = "", isFinal = true, reserved = 0 } = parts;
  const mask = "mask" in parts ? parts.mask : testMask;
  const data = typeof payload === "string" ? utf8(payload) : payload;
  const length = parts.declaredLength ?? BigInt(data.length);
  const lengthBytes = parts.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const short = lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127;
  const long = Array.from({ length: lengthBytes }, (_, i) =>
    Number((length >> BigInt(8 * (lengthBytes - 1 - i))) & 0xffn),
  );
  const first = (isFinal ? 128 : 0) + reserved * 16 + opcode;
  const second = (mask ? 128 : 0) + short;
  const masked = mask ? data.map((byte, i) => byte ^ (mask[i % 4] ?? 0)) : data;
  return joinBytes(Uint8Array.of(first, second, ...long, ...(mask ?? [])), masked);
}

/** Whole, well-formed frames only: what our side writes. */
export function decodeFrames(bytes: Uint8Array): RawFrame[] {
  const frames: RawFrame[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length) {
    const first = view.getUint8(at);
    const second = view.getUint8(at + 1);
    at += 2;
    let length = second & 127;
    if (length === 126) {
      length = view.getUint16(at);
      at += 2;
    } else if (length === 127) {
      length = Number(view.getBigUint64(at));
      at += 8;
    }
    const isMasked = second > 127;
    const mask = isMasked ? bytes.slice(at, at + 4) : Uint8Array.of(0, 0, 0, 0);
    if (isMasked) at += 4;
    if (at + length > bytes.length) throw new Error("a frame is cut off");
    const payload = bytes.slice(at, at + length).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
    at += length;
    frames.push({ isFinal: first > 127, reserved: (first >> 4) & 7, opcode: first & 15, isMasked, payload });
  }
  return frames;
}

export function closePayload(code: number, reason: string | Uint8Array = ""): Uint8Array {
  return joinBytes(Uint8Array.of(code >> 8, code & 255), typeof reason === "string" ? utf8(reason) : reason);
}

export function joinBytes(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function utf8(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function fault(code: ErrorCode): ParserEvent {
  return ["fault", code];
}
