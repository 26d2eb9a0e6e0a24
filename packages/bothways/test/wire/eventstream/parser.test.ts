/** HTML, "Parsing an event stream": the standard's examples and its corners, each split at every place. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventStreamParser, type StreamEvent } from "../../../src/wire/eventstream/parser.ts";

function parse(...chunks: Uint8Array[]): StreamEvent[] {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.push(chunk) ?? [{ type: "too long", data: "", lastEventId: "" }]);
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function message(data: string, lastEventId = "", type = "message"): StreamEvent {
  return { type, data, lastEventId };
}

const cases: readonly [what: string, stream: string, events: StreamEvent[]][] = [
  ["nothing", "", []],
  ["one event", "data:x\n\n", [message("x")]],
  ["an event that is not ended", "data:x\n", []],
  ["lines of one event are joined", "data: YHOO\ndata: +2\ndata: 10\n\n", [message("YHOO\n+2\n10")]],
  [
    "four blocks, as in the standard",
    ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
    [message("first event", "1"), message("second event")],
  ],
  ["empty data", "data\n\ndata\ndata\n\ndata:", [message(""), message("\n")]],
  [
    "one space is taken off, and no more",
    "data:test\n\ndata: test\n\ndata:  test\n\n",
    ["test", "test", " test"].map((data) => message(data)),
  ],
  ["an event without data is none, and its name is forgotten", "event:a\n\ndata:x\n\n", [message("x")]],
  ["a name", "event: add\ndata: 73857293\n\n", [message("73857293", "", "add")]],
  ["the last name counts", "event:a\nevent:b\ndata:x\n\ndata:y\n\n", [message("x", "", "b"), message("y")]],
  ["an id stays", "id:7\ndata:x\n\ndata:y\n\n", [message("x", "7"), message("y", "7")]],
  ["an id without an event stays too", "id:7\n\ndata:y\n\n", [message("y", "7")]],
  ["an id with a null is ignored", "id:7\nid:8\0\ndata:y\n\n", [message("y", "7")]],
  ["comments and unknown fields are ignored", ":data:no\nfoo:bar\ndata:x\n:\n\n", [message("x")]],
  ["fields are named exactly", "Data:no\n data:no\ndata :no\ndata:x\n\n", [message("x")]],
  ["a colon in the data", "data::\n\ndata:a:b\n\n", [message(":"), message("a:b")]],
  ["a null in the data", "data:\0\n\n", [message("\0")]],
  ["carriage returns", "data:x\r\rdata:y\r\n\r\ndata:z\r\n\n", [message("x"), message("y"), message("z")]],
  [
    "a carriage return and a line feed that do not belong together",
    "data:x\n\r\ndata:y\n\n",
    [message("x"), message("y")],
  ],
  ["a byte order mark at the beginning is dropped", "\uFEFFdata:x\n\n", [message("x")]],
  ["another one is not", "\uFEFF\uFEFFdata:x\n\ndata:y\n\n", [message("y")]],
  ["what only looks like a line end", "data:a\u2028b\u0085c\vd\n\n", [message("a\u2028b\u0085c\vd")]],
  ["beyond ASCII", "data:žluť 한국어 🦊\n\n", [message("žluť 한국어 🦊")]],
];

describe("events", () => {
  test.each(cases)("%s", (_, stream, events) => {
    const bytes = bytesOf(stream);
    expect(parse(bytes)).toEqual(events);
    for (let at = 0; at <= bytes.length; at++) {
      expect(parse(bytes.subarray(0, at), new Uint8Array(0), bytes.subarray(at))).toEqual(events);
    }
    expect(parse(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events);
  });

  test("however a stream is split, the events are the same", () => {
    const piece = fc.constantFrom(
      "data",
      "id",
      "event",
      "retry",
      ":",
      " ",
      "\r",
      "\n",
      "\r\n",
      "x",
      "\0",
      "한",
      "7",
      "\uFEFF",
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.array(fc.nat(200), { maxLength: 6 }),
        (pieces, cuts) => {
          const bytes = bytesOf(pieces.join(""));
          const ends = [...cuts, bytes.length]
            .map((cut) => Math.min(cut, bytes.length))
            .sort((a, b) => a - b);
          const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
          expect(parse(...chunks)).toEqual(parse(bytes));
        },
      ),
    );
  });
});

test.each([
  ["retry:3000\n", 3000],
  ["retry: 5\nretry:6\n", 6],
  ["retry:x\n", undefined],
  ["retry:-1\n", undefined],
  ["retry:1.5\n", undefined],
  ["retry\n", undefined],
])("%j wants %s ms", (stream, retryMs) => {
  const parser = new EventStreamParser();
  parser.push(bytesOf(stream));
  expect(parser.retryMs).toBe(retryMs);
});

test.each([
  ["a line without an end", "data:xxxxxxxxxxxxxxxx"],
  ["lines without an event's end", "data:xxxx\ndata:xxxx\ndata:xxxx\n"],
])("%s is bounded", (_, stream) => {
  const parser = new EventStreamParser(10);
  expect(parser.push(bytesOf("data:xxxx\n\n"))).toHaveLength(1);
  expect(parser.push(bytesOf(stream))).toBeUndefined();
});
