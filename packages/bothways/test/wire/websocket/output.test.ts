import { describe, expect, test } from "vitest";
import { FrameOutput } from "../../../src/wire/websocket/output.ts";

interface Owner {
  writes: Uint8Array[];
  write(bytes: Uint8Array): void;
}

function createOwner(): Owner {
  const writes: Uint8Array[] = [];
  return { writes, write: (bytes) => void writes.push(bytes) };
}

function put(output: FrameOutput, owner: Owner, length: number, value: number): void {
  const offset = output.reserve(owner, length);
  output.block.fill(value, offset, offset + length);
}

describe("frame output", () => {
  test("what one owner reserves in a row leaves in one write", () => {
    const output = new FrameOutput(() => {});
    const owner = createOwner();
    put(output, owner, 2, 1);
    put(output, owner, 3, 2);
    expect(owner.writes).toEqual([]);
    output.flush();
    expect(owner.writes).toEqual([Uint8Array.of(1, 1, 2, 2, 2)]);
    output.flush();
    expect(owner.writes).toHaveLength(1);
  });

  test("a flush is asked for once, when bytes begin to wait", () => {
    let requests = 0;
    const output = new FrameOutput(() => requests++);
    const [a, b] = [createOwner(), createOwner()];
    put(output, a, 1, 1);
    put(output, b, 1, 2);
    put(output, a, 1, 3);
    expect(requests).toBe(1);
    output.flush();
    put(output, b, 1, 4);
    expect(requests).toBe(2);
    output.flush();
    expect(a.writes).toEqual([Uint8Array.of(1), Uint8Array.of(3)]);
    expect(b.writes).toEqual([Uint8Array.of(2), Uint8Array.of(4)]);
  });

  test("bytes handed over are never overwritten, whatever follows", () => {
    const output = new FrameOutput(() => {});
    const owner = createOwner();
    for (let i = 0; i < 1_000; i++) {
      put(output, owner, 997, i & 255);
      if (i % 3 === 0) output.flush();
    }
    output.flush();
    const all = Buffer.concat(owner.writes);
    expect(all.length).toBe(997_000);
    for (let i = 0; i < 1_000; i++) expect(all[i * 997 + 500]).toBe(i & 255);
  });

  test("passed bytes keep their place and are not copied", () => {
    const output = new FrameOutput(() => {});
    const owner = createOwner();
    const shared = Uint8Array.of(9, 9);
    put(output, owner, 1, 1);
    output.pass(owner, shared);
    put(output, owner, 1, 2);
    output.flush();
    expect(owner.writes).toEqual([Uint8Array.of(1), shared, Uint8Array.of(2)]);
    expect(owner.writes[1]).toBe(shared);
  });

  test("a large frame gets a block of its own, which is not kept", () => {
    const sizes: number[] = [];
    const output = new FrameOutput(
      () => {},
      (byteLength) => {
        sizes.push(byteLength);
        return new Uint8Array(byteLength);
      },
    );
    const owner = createOwner();
    put(output, owner, 10, 1);
    put(output, owner, 1_000_000, 2);
    output.flush();
    expect(output.block.length).toBe(0);
    expect(owner.writes.map((bytes) => bytes.length)).toEqual([10, 1_000_000]);
    expect(sizes).toEqual([65_536, 1_000_000]);
  });

  test("what has been written makes place; what has not, and what waits, keeps its own", () => {
    let blocks = 0;
    const output = new FrameOutput(
      () => {},
      (byteLength) => {
        blocks++;
        return new Uint8Array(byteLength);
      },
      100,
    );
    const [a, b] = [createOwner(), createOwner()];
    const offsets: number[] = [];
    const reserve = (owner: Owner, length: number): void => void offsets.push(output.reserve(owner, length));
    for (let i = 0; i < 10; i++) {
      reserve(a, 40);
      reserve(b, 20);
      output.flush();
      output.settle(true);
    }
    expect([blocks, new Set(offsets)]).toEqual([1, new Set([0, 40])]);
    offsets.length = 0;
    reserve(a, 30);
    output.flush();
    output.settle(false);
    reserve(b, 10);
    output.flush();
    output.settle(true);
    reserve(b, 10);
    output.settle(true);
    reserve(b, 10);
    output.flush();
    output.settle(true);
    reserve(b, 10);
    expect(offsets).toEqual([0, 30, 30, 40, 30]);
    output.flush();
    // a second block in one turn begins anew, and a large one is not kept
    reserve(a, 90);
    reserve(a, 1_000);
    output.flush();
    output.settle(true);
    offsets.length = 0;
    reserve(a, 10);
    expect([blocks, offsets, output.block.length]).toEqual([4, [0], 100]);
  });

  test("it says how much of an owner waits", () => {
    const output = new FrameOutput(() => {});
    const [a, b] = [createOwner(), createOwner()];
    put(output, a, 2, 1);
    put(output, a, 3, 1);
    expect([output.pendingOf(a), output.pendingOf(b)]).toEqual([5, 0]);
    put(output, b, 1, 1);
    expect([output.pendingOf(a), output.pendingOf(b)]).toEqual([0, 1]);
    output.flush();
    expect(output.pendingOf(b)).toBe(0);
  });
});
