/**
 * Node's fill of {@link Primitives}: the one value through which the pure layers reach randomness, SHA-1 and UTF-8.
 */
import { Buffer } from "node:buffer";
import { hash, randomBytes } from "node:crypto";
import type { Primitives } from "../model/primitives.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Node's own methods take any Uint8Array and spare the view that `TextEncoder.encodeInto` needs at each call. */
const { utf8Write, latin1Write, latin1Slice } = Buffer.prototype as unknown as {
  readonly utf8Write: (text: string, offset: number) => number;
  readonly latin1Write: (text: string, offset: number) => number;
  readonly latin1Slice: (start: number, end: number) => string;
};

export const nodePrimitives: Primitives = {
  randomBytes,
  sha1Base64: (text) => hash("sha1", text, "base64"),
  decodeUtf8(bytes) {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  },
  // most text is ASCII, which is copied instead of converted: half the time
  decodeAscii: (bytes, start, end) => latin1Slice.call(bytes, start, end),
  utf8Length: (text) => Buffer.byteLength(text),
  writeUtf8(text, target, offset, byteLength) {
    if (byteLength === text.length) latin1Write.call(target, text, offset);
    else utf8Write.call(target, text, offset);
  },
};
