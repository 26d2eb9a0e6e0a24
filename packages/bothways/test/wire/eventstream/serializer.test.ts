/** What is written, read by the algorithm of the standard: whatever the values are, one block is one event. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  comment,
  encodeEvent,
  encodeLine,
  encodeRetry,
  isFieldValue,
} from "../../../src/wire/eventstream/serializer.ts";
import { readEventStream } from "./reader.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("\r", "\n", "\0", ":", " ", "d", "a", "\u0085", "\u2028", "\ufeff") }),
  fc.constantFrom("x\ndata: y", "x\r\rdata: y", "x\r\n\r\nevent: y", "id: 1", "retry: 0", ""),
);

test("an event with all its fields", () => {
  expect(encodeEvent({ event: "tick", id: "e.1", data: "[1]" })).toBe("event: tick\nid: e.1\ndata: [1]\n\n");
});

test("a retry field and a comment are no events", () => {
  expect(readEventStream(encodeRetry(2000) + comment)).toEqual({ events: [], retryMs: 2000 });
});

test("a line alone", () => {
  expect(encodeLine("a0,[1]")).toBe("data:a0,[1]\n\n");
  expect(readEventStream(encodeLine("a0,[1]")).events).toEqual([
    { event: "message", id: "", data: "a0,[1]" },
  ]);
});

test("CVE-2026-33128 data of any characters is one event's data", () => {
  fc.assert(
    fc.property(anyText, anyText, (data, after) => {
      const stream = encodeEvent({ data }) + encodeEvent({ data: after });
      const lines = (text: string): string => text.replace(/\r\n|\r/g, "\n");
      expect(readEventStream(stream).events.map((event) => event.data)).toEqual([lines(data), lines(after)]);
    }),
  );
});

describe("CVE-2026-33128 a name or id", () => {
  test.each([
    "a\nid: 9",
    "a\rdata: x",
    "a\r\n\r\nevent: forged",
    "a\0",
    "a\u2028b",
    "a\u2029b",
    "a\u0085b",
    "a\x0bb",
  ])("%j is refused", (text) => {
    expect(isFieldValue(text)).toBe(false);
    expect(() => encodeEvent({ event: text, data: "" })).toThrow(RangeError);
    expect(() => encodeEvent({ id: text, data: "" })).toThrow(RangeError);
  });

  test("that is taken arrives as it is, and nothing beside it", () => {
    const line = anyText.filter((text) => isFieldValue(text) && text !== "");
    fc.assert(
      fc.property(line, line, (event, id) => {
        expect(readEventStream(encodeEvent({ event, id, data: "x" })).events).toEqual([
          { event, id, data: "x" },
        ]);
      }),
    );
  });
});
