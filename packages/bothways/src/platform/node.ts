/**
 * Node's fill of {@link Primitives}: the one value through which the pure layers reach randomness, SHA-1 and UTF-8.
 */
import { Buffer } from "node:buffer";
import { hash, randomBytes } from "node:crypto";
import type { Primitives } from "../model/primitives.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Node's own method takes any Uint8Array and spares the view that `TextEncoder.encodeInto` needs at each call. */
const { utf8Write } = Buffer.prototype as unknown as { utf8Write: (text: string, offset: number) => number };

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
  utf8Length: (text) => Buffer.byteLength(text),
  writeUtf8: (text, target, offset) => utf8Write.call(target, text, offset),
};
