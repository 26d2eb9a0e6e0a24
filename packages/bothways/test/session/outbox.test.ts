/** docs/protocol/bothways-1.md §4: numbers, credit and replay of one side's messages. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/model/message.ts";
import { MESSAGE_OVERHEAD_BYTES, Outbox } from "../../src/session/outbox.ts";
import { dequeue } from "../../src/session/overflow.ts";

const plenty = 1e9;

function createOutbox(messages = plenty, bytes = plenty, windowLimit = plenty): Outbox {
  const outbox = new Outbox(windowLimit);
  outbox.acknowledge(0, messages, bytes);
  return outbox;
}

function push(outbox: Outbox, ...texts: string[]): void {
  for (const data of texts) outbox.push({ data });
}

function takeAll(outbox: Outbox): string[] {
  const texts: string[] = [];
  for (let message = outbox.take(); message; message = outbox.take()) texts.push(String(message.data));
  return texts;
}

describe("numbers", () => {
  test("a message gets its number when it is taken, in the order of the queue", () => {
    const outbox = createOutbox();
    push(outbox, "a", "b");
    expect(outbox.last).toBe(0);
    expect(outbox.next).toBe(1);
    expect(takeAll(outbox)).toEqual(["a", "b"]);
    expect([outbox.last, outbox.next]).toEqual([2, 3]);
  });

  test("removing from the queue leaves no hole in the numbers", () => {
    const outbox = createOutbox();
    push(outbox, "a", "b", "c");
    expect(dequeue(outbox, 1)).toEqual([{ data: "b" }]);
    expect(dequeue(outbox, 7)).toEqual([]);
    expect(takeAll(outbox)).toEqual(["a", "c"]);
    expect(outbox.last).toBe(2);
  });
});

describe("replay", () => {
  test("after a rewind everything unacknowledged goes again, before anything new", () => {
    const outbox = createOutbox();
    push(outbox, "a", "b", "c");
    takeAll(outbox);
    outbox.acknowledge(1, 0, 0);
    push(outbox, "d");
    outbox.rewind();
    expect(outbox.next).toBe(2);
    expect(takeAll(outbox)).toEqual(["b", "c", "d"]);
    expect(outbox.replayed).toBe(2);
  });

  test("a position that is learned in the middle of a replay skips what it covers", () => {
    const outbox = createOutbox();
    push(outbox, "a", "b", "c");
    takeAll(outbox);
    outbox.rewind();
    expect(outbox.take()?.data).toBe("a");
    outbox.acknowledge(2, 0, 0);
    expect(outbox.next).toBe(3);
    expect(takeAll(outbox)).toEqual(["c"]);
  });

  test("a rewind sends again even without any credit", () => {
    const outbox = createOutbox(2, plenty);
    push(outbox, "a", "b");
    takeAll(outbox);
    outbox.rewind();
    expect(takeAll(outbox)).toEqual(["a", "b"]);
  });
});

describe("acknowledgements", () => {
  test("free the window and its account", () => {
    const outbox = createOutbox();
    push(outbox, "abc", "d");
    expect(outbox.queueBytes).toBe(4 + 2 * MESSAGE_OVERHEAD_BYTES);
    takeAll(outbox);
    expect([outbox.queueBytes, outbox.windowBytes]).toEqual([0, 4 + 2 * MESSAGE_OVERHEAD_BYTES]);
    expect(outbox.acknowledge(2, 0, 0)).toBe(true);
    expect([outbox.windowBytes, outbox.acked]).toEqual([0, 2]);
  });

  test("an old position changes nothing; one beyond what was sent is refused and changes nothing", () => {
    const outbox = createOutbox(1);
    push(outbox, "a", "b", "c");
    takeAll(outbox);
    outbox.acknowledge(1, 3, plenty);
    takeAll(outbox);
    expect(outbox.acknowledge(0, 0, 0)).toBe(true);
    expect(outbox.acked).toBe(1);
    expect(outbox.acknowledge(4, 99, 99)).toBe(false);
    expect(outbox.acked).toBe(1);
    outbox.rewind();
    expect(takeAll(outbox)).toEqual(["b", "c"]);
  });
});

describe("credit", () => {
  test("stops at the peer's count of messages", () => {
    const outbox = createOutbox(2);
    push(outbox, "a", "b", "c");
    expect(takeAll(outbox)).toEqual(["a", "b"]);
    outbox.acknowledge(0, 3, plenty);
    expect(takeAll(outbox)).toEqual(["c"]);
  });

  test("stops at the peer's count of bytes, which is cumulative", () => {
    const outbox = createOutbox(plenty, 5);
    push(outbox, "abc", "de", "f");
    expect(takeAll(outbox)).toEqual(["abc", "de"]);
    outbox.acknowledge(1, plenty, 5);
    expect(takeAll(outbox)).toEqual([]);
    outbox.acknowledge(1, plenty, 6);
    expect(takeAll(outbox)).toEqual(["f"]);
  });

  test("stops at our own limit, which counts the overhead", () => {
    const outbox = createOutbox(plenty, plenty, 2 * MESSAGE_OVERHEAD_BYTES + 2);
    push(outbox, "a", "b", "c");
    expect(takeAll(outbox)).toEqual(["a", "b"]);
    outbox.acknowledge(1, plenty, plenty);
    expect(takeAll(outbox)).toEqual(["c"]);
  });

  test("limits never fall", () => {
    const outbox = createOutbox(2, 100);
    outbox.acknowledge(0, 1, 1);
    push(outbox, "aa", "bb", "cc");
    expect(takeAll(outbox)).toEqual(["aa", "bb"]);
  });

  test.each([
    [0, plenty, plenty],
    [plenty, 0, plenty],
    [plenty, plenty, 0],
  ])("with nothing outstanding one message may exceed it (%d, %d, %d)", (messages, bytes, windowLimit) => {
    const outbox = createOutbox(messages, bytes, windowLimit);
    push(outbox, "aaaa", "b");
    expect(takeAll(outbox)).toEqual(["aaaa"]);
    outbox.acknowledge(1, messages, bytes);
    expect(takeAll(outbox)).toEqual(["b"]);
  });

  test("an answer needs none and overtakes what waits for it, and only that", () => {
    const outbox = createOutbox(1);
    push(outbox, "a", "b", "c");
    outbox.push({ data: "x", isAnswer: true });
    outbox.push({ data: "y", isAnswer: true });
    expect(takeAll(outbox)).toEqual(["a", "x", "y"]);
    expect(outbox.queue.map(({ data }) => data)).toEqual(["b", "c"]);
    outbox.acknowledge(3, 5, plenty);
    expect(takeAll(outbox)).toEqual(["b", "c"]);
  });

  test("with credit an answer keeps its place", () => {
    const outbox = createOutbox();
    push(outbox, "a");
    outbox.push({ data: "x", isAnswer: true });
    push(outbox, "b");
    expect(takeAll(outbox)).toEqual(["a", "x", "b"]);
  });
});

test("what was sent stays apart from what was not", () => {
  const outbox = createOutbox(2);
  push(outbox, "a", "b");
  takeAll(outbox);
  outbox.acknowledge(1, 0, 0);
  push(outbox, "c");
  outbox.push({ data: "d", isAnswer: true });
  expect(outbox.window).toEqual([{ data: "b" }]);
  expect(outbox.queue).toEqual([{ data: "c" }, { data: "d", isAnswer: true }]);
});

test("whatever happens, messages leave once and in order, and the accounts add up", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("push"), size: fc.nat(40), isAnswer: fc.boolean() }),
    fc.record({ kind: fc.constant("take") }),
    fc.record({ kind: fc.constant("rewind") }),
    fc.record({
      kind: fc.constant("ack"),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      credit: fc.nat(300),
    }),
    fc.record({ kind: fc.constant("remove"), index: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 0, max: 500 }), (steps, limit) => {
      const outbox = new Outbox<Message & { id: number }>(limit);
      const numbered: number[] = [];
      let pushed = 0;
      for (const each of steps) {
        if (each.kind === "push" && "size" in each) {
          outbox.push({ data: "x".repeat(each.size), isAnswer: each.isAnswer, id: pushed++ });
        } else if (each.kind === "take") {
          const number = outbox.next;
          const message = outbox.take();
          if (!message) continue;
          if (number > numbered.length) numbered.push(message.id);
          expect(numbered[number - 1]).toBe(message.id);
        } else if (each.kind === "rewind") {
          outbox.rewind();
          expect(outbox.next).toBe(outbox.acked + 1);
        } else if (each.kind === "ack" && "part" in each) {
          const received = Math.floor(outbox.acked + each.part * (outbox.last - outbox.acked));
          expect(outbox.acknowledge(received, each.credit, each.credit)).toBe(true);
        } else if ("index" in each) dequeue(outbox, each.index);
        expect(outbox.last).toBe(numbered.length);
        expect(new Set(numbered).size).toBe(numbered.length);
        const waiting = outbox.queue.reduce((sum, { data }) => sum + data.length + MESSAGE_OVERHEAD_BYTES, 0);
        expect(outbox.queueBytes).toBe(waiting);
        expect(outbox.windowBytes >= 0).toBe(true);
      }
      outbox.acknowledge(outbox.last, 0, 0);
      expect(outbox.windowBytes).toBe(0);
    }),
  );
});
