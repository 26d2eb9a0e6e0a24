/**
 * What the pure layers need from a platform, handed in as one value: Node fills it from `node:crypto` and
 * `node:buffer`, browsers from the Web APIs, tests with fixed bytes.
 */
export interface Primitives {
  /** `count` bytes from a cryptographically secure source. */
  randomBytes(count: number): Uint8Array;
  /** SHA-1 of an ASCII string, as standard base64 (RFC 6455 §4.2.2 needs it). */
  sha1Base64(text: string): string;
  /** The text that `bytes` encode, or `undefined` where they are not valid UTF-8. A BOM is kept. */
  decodeUtf8(bytes: Uint8Array): string | undefined;
  /** The text of `bytes[start, end)`, none of which is above 0x7f. */
  decodeAscii(bytes: Uint8Array, start: number, end: number): string;
  /** Number of UTF-8 bytes of `text`. */
  utf8Length(text: string): number;
  /** Writes `text` as UTF-8 into `target` at `offset`. It takes `byteLength` bytes, for which there is room. */
  writeUtf8(text: string, target: Uint8Array, offset: number, byteLength: number): void;
}
