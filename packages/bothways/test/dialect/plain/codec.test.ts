/** What plain clients are told of a packet. docs/protocol/plain.md §2, §4. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventStreamCodec, jsonCodec } from "../../../src/dialect/plain/codec.ts";
import { ACK, EVENT, type Packet } from "../../../src/model/packet.ts";
import { readEventStream } from "../../wire/eventstream/reader.ts";

function event(name: string, ...args: unknown[]): Packet {
  return { type: EVENT, namespace: "/", data: [name, ...args] };
}

function onStream(packet: Packet): string {
  return String(eventStreamCodec.toMessage(packet).data);
}

describe.each([
  ["plain", jsonCodec],
  ["event-stream", eventStreamCodec],
])("%s", (dialect, codec) => {
  test("a broadcast is encoded once", () => {
    const packet = { ...event("tick", 1), encoded: {} };
    const message = codec.toMessage(packet);
    expect(codec.toMessage(packet)).toBe(message);
    expect(packet.encoded).toEqual({ [dialect]: message });
    expect(message.isShared).toBe(true);
  });

  test("policies find what they need", () => {
    expect(codec.toMessage({ ...event("tick", 1), policy: "latest-by-key", key: "AAPL" })).toMatchObject({
      isAnswer: false,
      isKept: false,
      policy: "latest-by-key",
      key: "tick\nAAPL",
    });
  });

  test("what JSON cannot say is its sender's error", () => {
    expect(() => codec.toMessage(event("big", 1n))).toThrow(TypeError);
  });
});

test("an answer is marked", () => {
  expect(jsonCodec.toMessage({ type: ACK, namespace: "/", id: 1, data: [] })).toMatchObject({
    isAnswer: true,
    isKept: true,
  });
});

test("bytes are no message of a plain client, and a stream has none", () => {
  expect(jsonCodec.toPacket(new Uint8Array(3), "/")).toBeUndefined();
  expect(eventStreamCodec.toPacket('{"event":"x"}', "/")).toBeUndefined();
});

describe("CVE-2026-33128 on a stream", () => {
  const names = [
    "a\nid: forged",
    "a\r\ndata: forged",
    "a\rb",
    "a\n\nevent: forged",
    "a\0b",
    "a\u2028b",
    "a\u2029b",
    "a\u0085b",
    "",
  ];

  test.each(names)("the name %j stays in its frame", (name) => {
    const { events } = readEventStream(onStream(event(name, 1)));
    expect(events).toEqual([
      {
        event: "message",
        id: "",
        data: JSON.stringify({ event: name, args: [1] }).replace(
          /[\u0085\u2028\u2029]/g,
          (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
        ),
      },
    ]);
  });

  test.each(names)("so does the argument %j", (text) => {
    const { events } = readEventStream(onStream(event("said", text)));
    expect(events).toHaveLength(1);
    expect(JSON.parse(events[0]?.data ?? "")).toEqual([text]);
  });

  test("no name and no argument makes more than one block of at most three lines", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...names));
    fc.assert(
      fc.property(text, fc.jsonValue(), text, (name, value, other) => {
        const stream = onStream({ ...event(name, value, other, "e.1"), position: "e.1" });
        // whatever any reader takes for the end of a line
        const breaks = [...stream].filter((character) =>
          "\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029".includes(character),
        );
        expect(breaks.length).toBeLessThanOrEqual(4);
        const { events } = readEventStream(stream);
        expect(events).toHaveLength(1);
        const data = JSON.parse(events[0]?.data ?? "");
        expect(Array.isArray(data) ? data : data.args).toEqual(JSON.parse(JSON.stringify([value, other])));
        expect(events[0]?.id).toBe("e.1");
      }),
    );
  });
});
