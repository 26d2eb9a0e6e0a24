/**
 * Units that begin with a head which says how long they are, read from bytes that come in pieces.
 *
 * Invariants: how the bytes are split changes nothing but when a unit is given; each byte is copied a few times, however
 * small the pieces.
 */

/** How many bytes the head of a unit takes, how many follow it, and what reads those. They are a view: copy what stays. */
export type Head<T> = readonly [headBytes: number, contentBytes: number, read: (content: Uint8Array) => T];

/** Takes the next bytes of a stream and returns what they complete. Throws where it is malformed: the stream is over then. */
export type PieceReader<T> = (piece: Uint8Array) => T[];

export function malformed(): never {
  throw RangeError("malformed stream");
}

/**
 * `readHead` returns nothing while the head of the first unit in `bytes` is not complete; `isFirst`: the stream begins
 * there. A unit that announces more than `maxBytes` is malformed.
 */
export function createPieceReader<T>(
  maxBytes: number,
  readHead: (bytes: Uint8Array, isFirst: boolean) => Head<T> | undefined,
): PieceReader<T> {
  let isFirst = true;
  /** The beginning of a unit, and room for more. */
  let buffer = new Uint8Array();
  let length = 0;
  return (piece) => {
    const units: T[] = [];
    const end = length + piece.length;
    if (end > buffer.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(buffer);
      buffer = larger;
    }
    buffer.set(piece, length);
    length = end;
    for (;;) {
      const head = readHead(buffer.subarray(0, length), isFirst);
      if (!head) break;
      const [headBytes, contentBytes, read] = head;
      if (contentBytes > maxBytes) malformed();
      const unitBytes = headBytes + contentBytes;
      if (length < unitBytes) break;
      units.push(read(buffer.subarray(headBytes, unitBytes)));
      buffer = buffer.subarray(unitBytes);
      length -= unitBytes;
      isFirst = false;
    }
    return units;
  };
}
