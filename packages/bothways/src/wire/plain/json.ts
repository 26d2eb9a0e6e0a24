/**
 * JSON in which bytes are `{"$binary": base64}`. docs/protocol/plain.md §2.
 *
 * Invariant: parsing never throws.
 */
import { hasBinary, toBytes } from "../native/packet.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

const tag = "$binary";

/** Throws what `JSON.stringify` throws: the value is our own caller's. */
export function stringify(value: unknown): string {
  if (!hasBinary(value)) return JSON.stringify(value);
  return JSON.stringify(value, function (this: Record<string, unknown>, key, each) {
    // a Buffer's toJSON has already run: look at the value itself
    const bytes = toBytes(this[key]);
    return bytes ? { [tag]: encodeBase64(bytes) } : each;
  });
}

/** `undefined` where it is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text, text.includes(tag) ? revive : undefined);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function revive(_key: string, value: unknown): unknown {
  if (!isRecord(value)) return value;
  const [entry, ...others] = Object.entries(value);
  if (entry?.[0] !== tag || others.length > 0 || typeof entry[1] !== "string") return value;
  return decodeBase64(entry[1]) ?? value;
}
