import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameParser } from "../../../src/wire/websocket/parser.ts";
import {
  closePayload,
  createParserRecorder,
  fault,
  hex,
  joinBytes,
  type ParserEvent,
  parse,
  pieces,
  primitives,
  rawFrame,
  utf8,
} from "./harness.ts";

const text = 1;
const binary = 2;
const close = 8;
const ping = 9;
const pong = 10;

/** Whole and byte by byte, the events must be the same. */
function expectEvents(bytes: Uint8Array, expected: ParserEvent[], maxMessageBytes?: number): void {
  expect(parse(bytes, { maxMessageBytes })).toEqual(expected);
  expect(parse(bytes, { maxMessageBytes, pieceBytes: 1 })).toEqual(expected);
}

describe("messages", () => {
  test("RFC6455-5.7-1 the examples", () => {
    const bytes = (digits: string) => Uint8Array.from(Buffer.from(digits, "hex"));
    expect(parse(bytes("810548656c6c6f"), { role: "client" })).toEqual([["text", "Hello"]]);
    expect(parse(bytes("818537fa213d7f9f4d5158"))).toEqual([["text", "Hello"]]);
    expect(parse(bytes("010348656c80026c6f"), { role: "client" })).toEqual([["text", "Hello"]]);
    expect(parse(bytes("890548656c6c6f"), { role: "client" })).toEqual([["ping", hex(utf8("Hello"))]]);
    expect(parse(bytes("8a8537fa213d7f9f4d5158"))).toEqual([["pong", hex(utf8("Hello"))]]);
  });

  test.each([0, 1, 125, 126, 65_535, 65_536, 200_000])(
    "RFC6455-5.4-5 RFC6455-6.2-1 RFC6455-6.2-5 a message of %i bytes",
    (length) => {
      const payload = new Uint8Array(length).map((_, i) => i * 31);
      const frame = rawFrame({ opcode: binary, payload });
      for (const pieceBytes of [frame.length, 1, 7, 4_096]) {
        expect(parse(frame, { pieceBytes })).toEqual([["binary", hex(payload)]]);
      }
    },
  );

  test("RFC6455-6.2-3..4 several in one chunk, in order", () => {
    const frames = joinBytes(
      rawFrame({ opcode: text, payload: "a" }),
      rawFrame({ opcode: binary, payload: "" }),
      rawFrame({ opcode: text, payload: "" }),
      rawFrame({ opcode: text, payload: "한글" }),
    );
    expectEvents(frames, [
      ["text", "a"],
      ["binary", ""],
      ["text", ""],
      ["text", "한글"],
    ]);
  });

  test("RFC6455-5.4-2 RFC6455-5.4-4..5 RFC6455-5.4-10 RFC6455-6.2-2..3 fragments, empty ones too, with control frames between them", () => {
    const frames = joinBytes(
      rawFrame({ opcode: text, payload: "", isFinal: false }),
      rawFrame({ opcode: ping, payload: "p" }),
      rawFrame({ opcode: 0, payload: "Hel", isFinal: false }),
      rawFrame({ opcode: 0, payload: "", isFinal: false }),
      rawFrame({ opcode: pong, payload: "" }),
      rawFrame({ opcode: 0, payload: "lo", isFinal: true }),
      rawFrame({ opcode: binary, payload: "", isFinal: false }),
      rawFrame({ opcode: 0, payload: "" }),
    );
    expectEvents(frames, [
      ["ping", "70"],
      ["pong", ""],
      ["text", "Hello"],
      ["binary", ""],
    ]);
  });

  test("a message inside one chunk is a view of it, unmasked in place", () => {
    const views: Uint8Array[] = [];
    const chunk = rawFrame({ opcode: binary, payload: "abc" });
    const options = { role: "server", maxMessageBytes: 100, primitives } as const;
    const ignore = () => {};
    const binarySink = (data: Uint8Array) => void views.push(data);
    const sink = {
      text: ignore,
      binary: binarySink,
      compressed: ignore,
      ping: ignore,
      pong: ignore,
      peerClose: ignore,
      fault: ignore,
    };
    new FrameParser(options, sink).feed(chunk);
    expect(views[0]?.buffer).toBe(chunk.buffer);
    expect(Buffer.from(chunk.subarray(6)).toString()).toBe("abc");
  });

  test("a chunk that ends behind a header leaves nothing behind", () => {
    for (const opcode of [text, binary, ping, pong]) {
      const { parser, events } = createParserRecorder();
      for (const payload of ["a", "bc", "d".repeat(100)]) {
        const frame = rawFrame({ opcode, payload });
        parser.feed(frame.slice(0, 6));
        parser.feed(frame.slice(6));
      }
      const encode = opcode === text ? (data: string) => data : (data: string) => hex(utf8(data));
      expect(events.map(([, data]) => data)).toEqual(["a", "bc", "d".repeat(100)].map(encode));
    }
  });

  test("a chunk of no bytes says nothing", () => {
    expect(parse(joinBytes(), { pieceBytes: 1 })).toEqual([]);
    const { parser, events } = createParserRecorder();
    parser.feed(new Uint8Array(0));
    expect(events).toEqual([]);
  });
});

describe("RFC6455-5.2-4..5 lengths", () => {
  test.each<[string, bigint, 2 | 8, ParserEvent]>([
    ["125 in two bytes", 125n, 2, fault("BW_WS_LENGTH")],
    ["0 in eight", 0n, 8, fault("BW_WS_LENGTH")],
    ["65535 in eight", 65_535n, 8, fault("BW_WS_LENGTH")],
    ["2^53 - 1", 2n ** 53n - 1n, 8, fault("BW_MESSAGE_TOO_LARGE")],
    ["2^53", 2n ** 53n, 8, fault("BW_MESSAGE_TOO_LARGE")],
    ["2^63 - 1", 2n ** 63n - 1n, 8, fault("BW_MESSAGE_TOO_LARGE")],
    ["2^63, the bit that must be zero", 2n ** 63n, 8, fault("BW_WS_LENGTH")],
    ["2^64 - 1", 2n ** 64n - 1n, 8, fault("BW_WS_LENGTH")],
    ["2^32", 2n ** 32n, 8, fault("BW_MESSAGE_TOO_LARGE")],
  ])("%s", (_name, declaredLength, lengthBytes, expected) => {
    expectEvents(rawFrame({ opcode: binary, lengthBytes, declaredLength }), [expected]);
  });

  test("every single bit of the upper half refuses the frame", () => {
    for (let bit = 53n; bit < 64n; bit++) {
      const bytes = rawFrame({ opcode: binary, declaredLength: 2n ** bit + 70_000n });
      const expected = fault(bit === 63n ? "BW_WS_LENGTH" : "BW_MESSAGE_TOO_LARGE");
      expectEvents(bytes, [expected]);
      // no limit, and still none that cannot be counted
      const unlimited = parse(bytes, { maxMessageBytes: Number.MAX_SAFE_INTEGER });
      expect(unlimited).toEqual([expected]);
    }
  });
});

describe("RFC6455-10.4-1..2 maxMessageBytes", () => {
  const limit = 1_000;

  test("is reached but not passed", () => {
    const payload = "x".repeat(limit);
    expectEvents(rawFrame({ opcode: text, payload }), [["text", payload]], limit);
    expectEvents(rawFrame({ opcode: text, declaredLength: 1_001n }), [fault("BW_MESSAGE_TOO_LARGE")], limit);
  });

  test("holds for the fragments together, and is judged by the header alone", () => {
    const begin = rawFrame({ opcode: text, payload: "x".repeat(600), isFinal: false });
    const fits = rawFrame({ opcode: 0, payload: "y".repeat(400) });
    const tooMuch = rawFrame({ opcode: 0, declaredLength: 401n });
    expectEvents(joinBytes(begin, fits), [["text", "x".repeat(600) + "y".repeat(400)]], limit);
    expectEvents(joinBytes(begin, tooMuch), [fault("BW_MESSAGE_TOO_LARGE")], limit);
  });

  test("begins anew with each message, and control frames do not count", () => {
    const payload = "z".repeat(limit);
    const frames = joinBytes(
      rawFrame({ opcode: text, payload, isFinal: false }),
      rawFrame({ opcode: ping, payload: "p".repeat(125) }),
      rawFrame({ opcode: 0, payload: "" }),
      rawFrame({ opcode: text, payload }),
    );
    expectEvents(
      frames,
      [
        ["ping", "70".repeat(125)],
        ["text", payload],
        ["text", payload],
      ],
      limit,
    );
  });

  test("a million fragments of one byte, or of none, cost what one message costs", () => {
    const { parser, events } = createParserRecorder("server", 1_000_000);
    parser.feed(rawFrame({ opcode: binary, isFinal: false }));
    const one = rawFrame({ opcode: 0, payload: "a", isFinal: false });
    const none = rawFrame({ opcode: 0, payload: "", isFinal: false });
    const batch = joinBytes(...Array.from({ length: 1_000 }, () => [one, none]).flat());
    for (let i = 0; i < 1_000; i++) parser.feed(batch.slice());
    parser.feed(rawFrame({ opcode: 0 }));
    expect(events).toEqual([["binary", "61".repeat(1_000_000)]]);
  });
});

describe("RFC6455-5.6-1 RFC6455-8.1-1 text", () => {
  const smile = utf8("😀");

  test("may be cut inside a code point, between frames and between chunks", () => {
    for (let cut = 0; cut <= smile.length; cut++) {
      const frames = joinBytes(
        rawFrame({ opcode: text, payload: smile.slice(0, cut), isFinal: false }),
        rawFrame({ opcode: ping }),
        rawFrame({ opcode: 0, payload: smile.slice(cut) }),
      );
      expectEvents(frames, [
        ["ping", ""],
        ["text", "😀"],
      ]);
    }
  });

  test.each([
    ["whole", [rawFrame({ opcode: text, payload: smile.slice(0, 3) })]],
    [
      "in its last fragment",
      [rawFrame({ opcode: text, isFinal: false }), rawFrame({ opcode: 0, payload: smile.slice(0, 3) })],
    ],
    [
      "by an empty fragment",
      [rawFrame({ opcode: text, payload: smile.slice(0, 3), isFinal: false }), rawFrame({ opcode: 0 })],
    ],
  ])("must not end inside a code point: %s", (_name, frames) => {
    expectEvents(joinBytes(...frames), [fault("BW_WS_UTF8")]);
  });

  test.each([
    ["overlong", [0xc0, 0xaf]],
    ["surrogate", [0xed, 0xa0, 0x80]],
    ["above U+10FFFF", [0xf4, 0x90]],
    ["lone continuation", [0x80]],
  ])("fails at its first wrong byte, not at its end: %s", (_name, wrong) => {
    const begin = rawFrame({ opcode: text, payload: Uint8Array.of(0x61, ...wrong), isFinal: false });
    expectEvents(begin, [fault("BW_WS_UTF8")]);
    const partial = rawFrame({
      opcode: text,
      payload: Uint8Array.of(0x61, ...wrong, ...new Uint8Array(1_000)),
    });
    expect(parse(partial.slice(0, 8 + 1 + wrong.length))).toEqual([fault("BW_WS_UTF8")]);
  });

  test("the limits of the ASCII short cut: long parts, the other byte last or first", () => {
    const ascii = "a".repeat(500);
    for (const data of [`${ascii}é${ascii}`, `é${ascii}`, `${ascii}é`, `${ascii}😀`]) {
      const bytes = utf8(data);
      for (const cut of [1, 2, 3, 499, 500, 501, 502, 503]) {
        const frames = joinBytes(
          rawFrame({ opcode: text, payload: bytes.slice(0, cut), isFinal: false }),
          rawFrame({ opcode: 0, payload: bytes.slice(cut) }),
        );
        expect(parse(frames)).toEqual([["text", data]]);
      }
    }
    const cutOff = joinBytes(
      rawFrame({ opcode: text, payload: Uint8Array.of(0xc3), isFinal: false }),
      rawFrame({ opcode: 0, payload: ascii }),
    );
    expectEvents(cutOff, [fault("BW_WS_UTF8")]);
    const unfinished = joinBytes(
      rawFrame({ opcode: text, payload: Uint8Array.of(0xc3), isFinal: false }),
      rawFrame({ opcode: 0, payload: ascii, isFinal: false }),
    );
    expectEvents(unfinished, [fault("BW_WS_UTF8")]);
  });

  test("keeps NUL and a byte order mark", () => {
    expectEvents(rawFrame({ opcode: text, payload: "\ufeffa\0b" }), [["text", "\ufeffa\0b"]]);
  });

  test("binary is not looked at", () => {
    expectEvents(rawFrame({ opcode: binary, payload: Uint8Array.of(0xff, 0xc0) }), [["binary", "ffc0"]]);
  });
});

describe("RFC6455-5.5.1-1 close", () => {
  test.each<[string, Uint8Array, ParserEvent]>([
    ["nothing", joinBytes(), ["peerClose", 1005, ""]],
    ["a code", closePayload(1000), ["peerClose", 1000, ""]],
    ["a code and a reason", closePayload(4999, "안녕"), ["peerClose", 4999, "안녕"]],
    ["the longest reason", closePayload(1001, "r".repeat(123)), ["peerClose", 1001, "r".repeat(123)]],
    ["half a code", Uint8Array.of(3), fault("BW_WS_CLOSE_CODE")],
    ["a reserved code", closePayload(1005), fault("BW_WS_CLOSE_CODE")],
    ["an unknown code", closePayload(2999), fault("BW_WS_CLOSE_CODE")],
    ["a reason that is not UTF-8", closePayload(1000, Uint8Array.of(0xff)), fault("BW_WS_UTF8")],
  ])("%s", (_name, payload, expected) => {
    expectEvents(rawFrame({ opcode: close, payload }), [expected]);
  });

  test("RFC6455-7.1.7-4 nothing is heard after it, nor after a fault, nor after stop", () => {
    const after = rawFrame({ opcode: text, payload: "unheard" });
    expectEvents(joinBytes(rawFrame({ opcode: close }), after), [["peerClose", 1005, ""]]);
    expectEvents(joinBytes(rawFrame({ opcode: 3 }), after), [fault("BW_WS_OPCODE")]);
    const { parser, events } = createParserRecorder();
    for (const piece of pieces(after, 3)) {
      parser.stop();
      parser.feed(piece);
    }
    expect(events).toEqual([]);
  });
});

describe("cutting", () => {
  const payload = fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 300 }));
  const frame = fc
    .record({
      opcode: fc.constantFrom(0, 0, text, binary, ping, pong, close, 5),
      payload,
      isFinal: fc.boolean(),
      reserved: fc.constantFrom(0, 0, 0, 0, 0, 4),
      mask: fc.option(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), {
        freq: 20,
        nil: undefined,
      }),
    })
    .map(rawFrame);

  test("any stream, cut anywhere, gives the same events", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.nat(400), { maxLength: 20 }),
        (frames, cuts) => {
          const bytes = joinBytes(...frames);
          const { parser, events } = createParserRecorder();
          let at = 0;
          for (const cut of cuts) {
            parser.feed(bytes.slice(at, at + cut));
            at += cut;
          }
          parser.feed(bytes.slice(at));
          expect(events).toEqual(parse(bytes));
          expect(events).toEqual(parse(bytes, { pieceBytes: 1 }));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("texts as bytes", () => {
  /** What a parser with `isUtf8` tells of `bytes`, cut into pieces of `pieceBytes`. */
  function parseBytes(bytes: Uint8Array, pieceBytes: number): string[] {
    const told: string[] = [];
    const sink = {
      text: () => void told.push("text"),
      textBytes: (data: Uint8Array) => void told.push(`textBytes ${new TextDecoder().decode(data)}`),
      binary: () => void told.push("binary"),
      ping: () => void told.push("ping"),
      pong: () => void told.push("pong"),
      compressed: () => void told.push("compressed"),
      peerClose: () => void told.push("peerClose"),
      fault: (code: string) => void told.push(`fault ${code}`),
    };
    const parser = new FrameParser({ role: "server", maxMessageBytes: 1_000, primitives, isUtf8 }, sink);
    for (const piece of pieces(bytes, pieceBytes)) parser.feed(piece);
    return told;
  }

  test.each([1, 3, 1_000])("are given as they came, and checked, in pieces of %i", (pieceBytes) => {
    const whole = rawFrame({ opcode: 1, payload: "héllo" });
    const parts = [
      rawFrame({ opcode: 1, payload: "one ", isFinal: false }),
      rawFrame({ opcode: 0, payload: "two" }),
    ];
    const wrong = rawFrame({ opcode: 1, payload: Uint8Array.of(0xff) });
    const told = parseBytes(joinBytes(whole, ...parts, rawFrame({ opcode: 2 }), wrong), pieceBytes);
    expect(told).toEqual(["textBytes héllo", "textBytes one two", "binary", "fault BW_WS_UTF8"]);
  });
});

describe("maxFragments", () => {
  test.each([1, 1_000])("counts the frames of one message, empty ones too, in pieces of %i", (pieceBytes) => {
    const told: string[] = [];
    const sink = {
      text: (data: string) => void told.push(data),
      binary: () => {},
      ping: () => {},
      pong: () => {},
      compressed: () => {},
      peerClose: () => {},
      fault: (code: string) => void told.push(code),
    };
    const parser = new FrameParser(
      { role: "server", maxMessageBytes: 1_000, primitives, maxFragments: 3 },
      sink,
    );
    const first = rawFrame({ opcode: 1, payload: "a", isFinal: false });
    const empty = rawFrame({ opcode: 0, isFinal: false });
    const ping = rawFrame({ opcode: 9 });
    const last = rawFrame({ opcode: 0, payload: "b" });
    const bytes = joinBytes(first, empty, ping, last, first, empty, last, first, empty, empty, last);
    for (const piece of pieces(bytes, pieceBytes)) parser.feed(piece);
    expect(told).toEqual(["ab", "ab", "BW_WS_FRAGMENTS"]);
  });
});

describe("where bytes are read to", () => {
  const payload = new Uint8Array(300_000).map((_, i) => i * 31);
  const frames = (text: string) =>
    joinBytes(
      rawFrame({ opcode: ping, payload: text }),
      rawFrame({ opcode: binary, payload }),
      rawFrame({ opcode: 1, payload: text.repeat(20_000), isFinal: false }),
      rawFrame({ opcode: pong, payload: text }),
      rawFrame({ opcode: 0, payload: text.repeat(20_000) }),
      rawFrame({ opcode: 1, payload: text }),
    );

  test.each([undefined, (byteLength: number) => new Uint8Array(byteLength).fill(0xee)])(
    "what is read to `room`, and else to one buffer, gives the same events, and nothing is copied there",
    (allocate) => {
      const bytes = frames("한글 ");
      const { parser, events } = createParserRecorder("server", 1_000_000, { allocate });
      const shared = new Uint8Array(70_000);
      let inPlace = 0;
      for (let at = 0; at < bytes.length; ) {
        const { room } = parser;
        if (room !== undefined) inPlace++;
        const place = room ?? shared;
        const length = Math.min(place.length, bytes.length - at);
        place.set(bytes.subarray(at, at + length));
        parser.feed(place.subarray(0, length));
        expect(parser.gatheredBytes).toBeLessThanOrEqual(1_000_000);
        at += length;
      }
      expect(events).toEqual(parse(frames("한글 ")));
      expect(inPlace).toBeGreaterThan(1);
    },
  );

  test("nothing of what `allocate` gave is handed out but what was written over", () => {
    const handedOut: Uint8Array[] = [];
    const { parser } = createParserRecorder("server", 1_000_000, {
      allocate: (byteLength) => new Uint8Array(byteLength).fill(0xee),
      isUtf8: (bytes) => handedOut.push(new Uint8Array(bytes.buffer)) > 0,
    });
    const part = "x".repeat(30_000);
    const stream = joinBytes(
      rawFrame({ opcode: 1, payload: part.repeat(5) }),
      rawFrame({ opcode: 1, payload: part, isFinal: false }),
      rawFrame({ opcode: 0, payload: part, isFinal: false }),
      rawFrame({ opcode: 0, payload: "" }),
      rawFrame({ opcode: 1, payload: "", isFinal: false }),
      rawFrame({ opcode: 0, payload: part }),
    );
    for (const piece of pieces(stream, 20_000)) parser.feed(piece);
    expect(handedOut).toHaveLength(3);
    for (const bytes of handedOut) expect(bytes.includes(0xee)).toBe(false);
  });

  test("there is none for what is short, between messages, and after the end", () => {
    const { parser } = createParserRecorder();
    expect(parser.room).toBeUndefined();
    const frame = rawFrame({ opcode: binary, payload: new Uint8Array(70_000) });
    parser.feed(frame.slice(0, 100));
    expect(parser.room?.length).toBeGreaterThanOrEqual(65_536);
    parser.feed(frame.slice(100, 10_000));
    expect(parser.room).toBeUndefined();
    parser.feed(frame.slice(10_000));
    expect([parser.room, parser.gatheredBytes]).toEqual([undefined, 0]);
    parser.feed(frame.slice(0, 100));
    parser.stop();
    expect(parser.room).toBeUndefined();
  });

  test.each<[boolean, number, number]>([
    [true, 0, 206],
    [true, 0, 500],
    [false, 0, 205],
    [true, 0, 3],
    [true, 3, 10],
    [false, 10, 205],
    [true, 10, 206],
  ])("a message may end in it: %s, from %i to %i", (expected, fed, end) => {
    const { parser } = createParserRecorder();
    const frame = rawFrame({ opcode: binary, payload: new Uint8Array(198) });
    const stream = joinBytes(frame, frame, frame);
    parser.feed(stream.slice(0, fed));
    expect(parser.mayEndIn(stream.subarray(fed, end))).toBe(expected);
  });
});
