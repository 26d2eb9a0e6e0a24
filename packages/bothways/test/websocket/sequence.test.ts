/** What waits on a socket: the same for all who were sent the same. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Sequence } from "../../src/websocket/sequence.ts";

const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("a sequence", () => {
  test("of one part is that part, not copied", () => {
    const part = bytesOf(1, 2);
    expect(new Sequence().with(part).bytes).toBe(part);
  });

  test("is put together once for all who were sent the same", () => {
    const nothing = new Sequence();
    const [a, b] = [bytesOf(1), bytesOf(2, 3)];
    const one = nothing.with(a).with(b).bytes;
    expect([...one]).toEqual([1, 2, 3]);
    expect(nothing.with(a).with(b).bytes).toBe(one);
  });

  test("is another where the bytes are equal and the object is not", () => {
    const nothing = new Sequence();
    expect(nothing.with(bytesOf(1))).not.toBe(nothing.with(bytesOf(1)));
  });

  test("is what was sent to each, whoever is sent what when", () => {
    const parts = Array.from({ length: 4 }, (_, index) => new Uint8Array(index).fill(index));
    const steps = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: parts.length - 1 })));
    fc.assert(
      fc.property(steps, (sent) => {
        const nothing = new Sequence();
        const waiting = [nothing, nothing, nothing];
        const expected: number[][] = [[], [], []];
        for (const [who, index] of sent) {
          const part = parts[index] as Uint8Array;
          waiting[who] = (waiting[who] as Sequence).with(part);
          expected[who]?.push(...part);
        }
        expect(waiting.map(({ bytes }) => [...bytes])).toEqual(expected);
        expect(waiting.map(({ byteLength }) => byteLength)).toEqual(expected.map(({ length }) => length));
      }),
    );
  });
});
