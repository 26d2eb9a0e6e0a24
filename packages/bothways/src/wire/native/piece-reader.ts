/**
 * Units that begin with a head which says how long they are, read from bytes that come in pieces.
 *
 * Invariants: how the bytes are split changes nothing but when a unit is given; each byte is copied once or twice,
 * however small the pieces.
 */

/** How many bytes the head of a unit takes, and what it announces. */
export type Head = readonly [headBytes: number, contentBytes: number];

/** Takes the next bytes of a stream and returns what they complete; `undefined`, from then on, where it is malformed. */
export type PieceReader<T> = (piece: Uint8Array) => T[] | undefined;

/**
 * `readHead` returns nothing while the head of the first unit in `bytes` is not complete; `readUnit` gets a view of a whole
 * one. Either throws where it is malformed. So is one that announces more than `maxBytes`.
 */
export function createPieceReader<T>(
  maxBytes: number,
  readHead: (bytes: Uint8Array) => Head | undefined,
  readUnit: (unit: Uint8Array, headBytes: number) => T,
): PieceReader<T> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  /** To go on, so many bytes in all are needed. */
  let needed = 0;
  let isBroken = false;

  const read = (piece: Uint8Array): T[] => {
    const units: T[] = [];
    pieces.push(piece);
    length += piece.length;
    if (length < needed) return units;
    let bytes = pieces.length > 1 ? join(pieces, length) : piece;
    for (;;) {
      const [headBytes, contentBytes] = readHead(bytes) ?? [0, 0];
      if (contentBytes > maxBytes) throw RangeError();
      needed = headBytes + contentBytes;
      if (!needed || bytes.length < needed) break;
      units.push(readUnit(bytes.subarray(0, needed), headBytes));
      bytes = bytes.subarray(needed);
    }
    pieces = [bytes];
    length = bytes.length;
    return units;
  };

  return (piece) => {
    try {
      if (!isBroken) return read(piece);
    } catch {
      isBroken = true;
    }
  };
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}
