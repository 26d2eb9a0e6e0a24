/** What an application sends, as what the engine takes, and what it is given: text, bytes, Blobs, close reasons. */
import { Buffer } from "node:buffer";
import { isSendableCloseCode, maxControlBytes, maxReasonBytes } from "../wire/websocket/frame.ts";
import { noBytes } from "./options.ts";

/** As `ws` takes it: numbers are sent as text, lists of numbers and objects with a `valueOf` as `Buffer.from` reads them. */
export type Sendable =
  | string
  | number
  | Blob
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | readonly number[]
  /** The parts of one message, as `binaryType: "fragments"` gives them. */
  | readonly Uint8Array[]
  | { valueOf(): string | ArrayBuffer | Uint8Array | readonly number[] }
  | null
  | undefined;

/** Bytes are shared with `data`, not copied. Throws a TypeError on what cannot be sent. */
export function toPayload(data: Sendable): string | Uint8Array | Blob {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  if (data === undefined || data === null) return noBytes;
  if (typeof data === "number") return String(data);
  if (data instanceof Blob) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  if (Array.isArray(data) && data[0] instanceof Uint8Array) return Buffer.concat(data);
  return Buffer.from(data as Parameters<typeof Buffer.from>[0] & readonly number[]);
}

/** The payload of a ping or pong. Throws a RangeError beyond 125 bytes. */
export function toControlPayload(data: Sendable): Uint8Array {
  const payload = toPayload(data);
  if (payload instanceof Blob) throw new TypeError("a ping or pong cannot carry a Blob");
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  if (bytes.length > maxControlBytes) {
    throw new RangeError(`a ping or pong carries at most ${maxControlBytes} bytes`);
  }
  return bytes;
}

/** The reason as text: "" where there is no code to go with it. Throws, as `DOMException`, on what may not be sent. */
export function checkClose(code: number | undefined, reason: string | Uint8Array): string {
  if (code === undefined) return "";
  if (!isSendableCloseCode(code)) {
    throw new DOMException(`${code} is no close code that may be sent`, "InvalidAccessError");
  }
  const text = typeof reason === "string" ? reason : readText(reason);
  if (Buffer.byteLength(text) <= maxReasonBytes) return text;
  throw new DOMException(`The reason must not be greater than ${maxReasonBytes} bytes`, "SyntaxError");
}

/** By its bytes, whatever its elements are; a list of a certain length would be memory of nobody's. */
function readText(bytes: Uint8Array): string {
  if (!ArrayBuffer.isView(bytes)) throw new TypeError("a reason is a string or bytes");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

export function byteLength(payload: string | Uint8Array | Blob): number {
  if (typeof payload === "string") return Buffer.byteLength(payload);
  return payload instanceof Blob ? payload.size : payload.length;
}

/** How binary messages are given: as in browsers, or as Node's own `Buffer`, or as a list of one `Buffer`. */
export type BinaryType = "nodebuffer" | "arraybuffer" | "fragments" | "blob";

export const binaryTypes: readonly string[] = ["nodebuffer", "arraybuffer", "fragments", "blob"];

/** What `message` gives as its data. */
export type RawData = Buffer | ArrayBuffer | Buffer[] | Blob;

export function shape(data: Buffer, binaryType: BinaryType): RawData {
  switch (binaryType) {
    case "arraybuffer":
      return new Uint8Array(data).buffer;
    case "fragments":
      return [data];
    case "blob":
      return new Blob([data]);
    default:
      return data;
  }
}
