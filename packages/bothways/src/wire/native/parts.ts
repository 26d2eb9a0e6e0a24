/**
 * Bytes made of parts: one that says which form it is, then each part behind its length of 32 bits, whose top bit is the
 * part's mark. docs/protocol/bothways-1.md §3 and §5.2.
 */

/** What a mark adds to a length: the top bit. */
export const MARK = 0x8000_0000;

/** Throws for what is not UTF-8. Made once: it costs more than the short texts it decodes. */
export const utf8: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `isMarked` says which parts are marked. */
export function joinParts(
  form: number,
  parts: readonly Uint8Array[],
  isMarked?: (index: number) => boolean,
): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + 4 + part.length, 1));
  const view = new DataView(bytes.buffer);
  bytes[0] = form;
  let offset = 1;
  parts.forEach((part, index) => {
    view.setUint32(offset, part.length + (isMarked?.(index) ? MARK : 0));
    bytes.set(part, offset + 4);
    offset += 4 + part.length;
  });
  return bytes;
}

/** What `read` makes of each part, which is a view of `bytes`. Throws a RangeError where one is cut short. */
export function splitParts<T>(bytes: Uint8Array, read: (part: Uint8Array, isMarked: boolean) => T): T[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values: T[] = [];
  for (let offset = 1; offset < bytes.length; ) {
    const length = view.getUint32(offset);
    const begin = offset + 4;
    offset = begin + (length % MARK);
    if (offset > bytes.length) throw RangeError();
    values.push(read(bytes.subarray(begin, offset), length >= MARK));
  }
  return values;
}
