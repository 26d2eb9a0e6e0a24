/** The order around a codec that answers at once or later. This one "compresses" by adding one to each byte. */
import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../src/model/errors.ts";
import type { ClosedEvent } from "../../../src/wire/websocket/connection.ts";
import { DeflatedConnection, type MessageCodec } from "../../../src/wire/websocket/deflated-connection.ts";
import { FrameOutput } from "../../../src/wire/websocket/output.ts";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { encodeFrame } from "../../../src/wire/websocket/serializer.ts";
import {
  closePayload,
  decodeFrames,
  type FrameParts,
  hex,
  joinBytes,
  pieces,
  primitives,
  rawFrame,
  testMask,
  utf8,
} from "./harness.ts";

const shift = (bytes: Uint8Array, by: number): Uint8Array => bytes.map((byte) => byte + by);
const packed = (text: string): Uint8Array => shift(utf8(text), 1);

/** Messages with an `!` are done later, those with a `?` are errors, those with a `-` are not worth it. */
class TestCodec implements MessageCodec {
  readonly late: (() => void)[] = [];
  calls: string[] = [];

  deflate(payload: Uint8Array, done: (compressed: Uint8Array | undefined) => void): void {
    const text = Buffer.from(payload).toString();
    this.calls.push(`deflate ${text}`);
    this.#answer(text, () => done(text.includes("-") ? undefined : shift(payload, 1)));
  }

  inflate(payload: Uint8Array, done: (message: Uint8Array | ErrorCode) => void): void {
    const message = shift(payload, -1);
    const text = Buffer.from(message).toString();
    this.calls.push(`inflate ${text}`);
    this.#answer(text, () => done(text.includes("?") ? "BW_MESSAGE_TOO_LARGE" : message));
  }

  forget(): void {
    this.calls.push("forget");
  }

  close(): void {
    this.calls.push("close");
  }

  #answer(text: string, answer: () => void): void {
    if (text.includes("!")) this.late.push(answer);
    else answer();
  }
}

type Event = readonly [name: string, value?: string | boolean | ClosedEvent];

function open(role: Role = "server", thresholdBytes = 4) {
  const events: Event[] = [];
  const writes: Uint8Array[] = [];
  const output = new FrameOutput(() => {});
  const codec = new TestCodec();
  const connection = new DeflatedConnection(
    { role, maxMessageBytes: 1_000, primitives, output, isDeflateAgreed: true, thresholdBytes },
    {
      text: (data) => void events.push(["text", data]),
      binary: (data) => void events.push(["binary", hex(data)]),
      ping: (data) => void events.push(["ping", hex(data)]),
      pong: (data) => void events.push(["pong", hex(data)]),
      closed: (event) => void events.push(["closed", event]),
      write: (bytes) => void writes.push(bytes),
      end: () => void events.push(["end"]),
      inputHeld: (isHeld) => void events.push(["inputHeld", isHeld]),
      outputHeld: (isHeld) => void events.push(["outputHeld", isHeld]),
    },
    codec,
  );
  const frames = () => {
    output.flush();
    return decodeFrames(joinBytes(...writes.splice(0))).map(
      ({ reserved, opcode, payload }) => `${reserved} ${opcode} ${Buffer.from(payload)}`,
    );
  };
  const from = (parts: FrameParts) => rawFrame({ mask: role === "server" ? testMask : undefined, ...parts });
  return { connection, codec, events, frames, from };
}

describe("receiving", () => {
  test.each<Role>(["server", "client"])(
    "RFC7692-6.1-1..2 RFC7692-6.2-1..2 RFC6455-6.2-2 %s: with RSV1, without it, in fragments, with control frames between",
    (role) => {
      const stream = (from: (parts: FrameParts) => Uint8Array) =>
        joinBytes(
          from({ opcode: 1, reserved: 4, payload: packed("text") }),
          from({ opcode: 1, payload: "plain" }),
          from({ opcode: 2, reserved: 4, payload: packed("bytes") }),
          from({ opcode: 1, reserved: 4, payload: packed("frag"), isFinal: false }),
          from({ opcode: 9, payload: "p" }),
          from({ opcode: 0, payload: packed("men"), isFinal: false }),
          from({ opcode: 0, payload: "", isFinal: false }),
          from({ opcode: 10 }),
          from({ opcode: 0, payload: packed("ts") }),
          from({ opcode: 1, reserved: 4 }),
        );
      for (const pieceBytes of [1, 5, 1_000]) {
        const { connection, events, frames, from } = open(role);
        for (const piece of pieces(stream(from), pieceBytes)) connection.receive(piece);
        expect(events).toEqual([
          ["text", "text"],
          ["text", "plain"],
          ["binary", hex(utf8("bytes"))],
          ["ping", hex(utf8("p"))],
          ["pong", ""],
          ["text", "fragments"],
          ["text", ""],
        ]);
        expect(frames()).toEqual(["0 10 p"]);
      }
    },
  );

  const begun: FrameParts = { opcode: 1, reserved: 4, payload: "a", isFinal: false };

  test.each<[string, FrameParts[]]>([
    ["a continuation", [begun, { opcode: 0, reserved: 4, payload: "b" }]],
    [
      "a continuation of a plain message",
      [
        { ...begun, reserved: 0 },
        { opcode: 0, reserved: 4 },
      ],
    ],
    ["a ping", [{ opcode: 9, reserved: 4 }]],
    ["a pong between fragments", [begun, { opcode: 10, reserved: 4 }]],
    ["a close frame", [{ opcode: 8, reserved: 4, payload: closePayload(1000) }]],
    ["RSV2", [{ opcode: 1, reserved: 2 }]],
    ["RSV3", [{ opcode: 2, reserved: 1 }]],
    ["RSV1 and RSV2", [{ opcode: 1, reserved: 6 }]],
  ])("RFC7692-6-2 RFC6455-5.2-2 fails on %s with a bit it must not have", (_name, parts) => {
    const { connection, events, frames, from } = open();
    connection.receive(joinBytes(...parts.map(from)));
    expect(frames()).toEqual([`0 8 ${String.fromCharCode(3)}\ufffd`]);
    expect(events.at(-1)).toEqual([
      "closed",
      { code: 1002, reason: "", wasClean: false, error: "BW_WS_RESERVED_BITS" },
    ]);
  });

  test.each<[string, Uint8Array, ErrorCode, number]>([
    ["the codec's error", packed("ab?"), "BW_MESSAGE_TOO_LARGE", 1009],
    ["the codec's error, later", packed("a!?"), "BW_MESSAGE_TOO_LARGE", 1009],
    ["what is no UTF-8", Uint8Array.of(0x00, 0x62), "BW_WS_UTF8", 1007],
    ["more than the limit, compressed", new Uint8Array(1_001), "BW_MESSAGE_TOO_LARGE", 1009],
  ])("RFC6455-8.1-1 fails on %s", (_name, payload, error, code) => {
    const { connection, codec, events, from } = open();
    connection.receive(
      joinBytes(from({ opcode: 1, reserved: 4, payload }), from({ opcode: 1, payload: "x" })),
    );
    for (const finish of codec.late) finish();
    expect(events.filter(([name]) => name === "closed")).toEqual([
      ["closed", { code, reason: "", wasClean: false, error }],
    ]);
    expect(events.filter(([name]) => name === "text")).toEqual([]);
    expect(codec.calls.at(-1)).toBe("close");
  });

  test("what comes behind a message that takes its time waits for it", () => {
    const { connection, codec, events, frames, from } = open();
    const more = [
      from({ opcode: 1, payload: "1" }),
      from({ opcode: 9, payload: "p" }),
      from({ opcode: 1, reserved: 4, payload: packed("2!") }),
      from({ opcode: 1, payload: "3" }),
    ];
    const bytes = joinBytes(from({ opcode: 1, reserved: 4, payload: packed("0!") }), ...more);
    connection.receive(bytes.slice(0, 12));
    connection.receive(bytes.slice(12));
    connection.receive(from({ opcode: 8, payload: closePayload(1001) }));
    connection.receiveEnd();
    expect(events).toEqual([["inputHeld", true]]);
    expect(frames()).toEqual([]);
    codec.late.shift()?.();
    expect(events.slice(1)).toEqual([
      ["text", "0!"],
      ["text", "1"],
      ["ping", hex(utf8("p"))],
      ["inputHeld", true],
    ]);
    expect(frames()).toEqual(["0 10 p"]);
    codec.late.shift()?.();
    expect(events.slice(5)).toEqual([
      ["text", "2!"],
      ["text", "3"],
      ["end"],
      ["closed", { code: 1001, reason: "", wasClean: true }],
      ["inputHeld", false],
    ]);
  });

  test("nothing is delivered after our close, though it was under way", () => {
    const { connection, codec, events, from } = open();
    connection.receive(from({ opcode: 1, reserved: 4, payload: packed("0!") }));
    connection.close(1000);
    for (const finish of codec.late) finish();
    connection.receive(from({ opcode: 1, reserved: 4, payload: packed("1") }));
    expect(events.filter(([name]) => name === "text")).toEqual([]);
    connection.receive(from({ opcode: 8, payload: closePayload(1000) }));
    expect(events.at(-1)?.[0]).toBe("closed");
  });

  test("cut anywhere and finished whenever, the messages are those that were sent", () => {
    const message = fc.tuple(fc.constantFrom("a", "b!", "c", "d!!"), fc.boolean());
    const run = fc.tuple(
      fc.array(message, { maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      fc.infiniteStream(fc.boolean()),
    );
    fc.assert(
      fc.property(run, ([messages, pieceBytes, finishes]) => {
        const { connection, codec, events, from } = open();
        const bytes = joinBytes(
          ...messages.map(([text, isPacked]) =>
            isPacked
              ? from({ opcode: 1, reserved: 4, payload: packed(text) })
              : from({ opcode: 1, payload: text }),
          ),
        );
        for (const piece of pieces(bytes, pieceBytes)) {
          connection.receive(piece);
          if (finishes.next().value) codec.late.shift()?.();
        }
        while (codec.late.length > 0) codec.late.shift()?.();
        expect(events.filter(([name]) => name === "text").map(([, text]) => text)).toEqual(
          messages.map(([text]) => text),
        );
        const held = events.filter(([name]) => name === "inputHeld");
        expect(held.at(-1)?.[1] ?? false).toBe(false);
      }),
    );
  });
});

test("texts are given as bytes, checked, to a host that wants them", () => {
  const given: string[] = [];
  const codec = new TestCodec();
  const nothing = (): void => {};
  const connection = new DeflatedConnection(
    {
      ...({ role: "server", maxMessageBytes: 1_000, primitives, output: new FrameOutput(nothing) } as const),
      ...{ isDeflateAgreed: true, thresholdBytes: 4, isUtf8 },
    },
    {
      text: () => void given.push("a text"),
      textBytes: (data) => void given.push(hex(data)),
      ...{ binary: nothing, pong: nothing, write: nothing, end: nothing },
      closed: ({ error }) => void given.push(String(error)),
      ...{ inputHeld: nothing, outputHeld: nothing },
    },
    codec,
  );
  const from = (parts: FrameParts) => rawFrame({ mask: testMask, ...parts });
  connection.receive(
    joinBytes(
      from({ opcode: 1, payload: "plain" }),
      from({ opcode: 1, reserved: 4, payload: packed("packed") }),
      from({ opcode: 1, reserved: 4, payload: Uint8Array.of(0x00, 0x62) }),
    ),
  );
  expect(given).toEqual([hex(utf8("plain")), hex(utf8("packed")), "BW_WS_UTF8"]);
});

describe("sending", () => {
  test.each<Role>(["server", "client"])(
    "RFC7692-6-1 RFC7692-6.1-1..2 RFC6455-5.2-1 %s: compressed from the threshold on, and not where that is not wished or not worth it",
    (role) => {
      const { connection, codec, frames } = open(role);
      connection.sendText("abc");
      connection.sendText("abcd");
      connection.sendText("é-é");
      connection.sendText("abcd", false);
      connection.sendBinary(utf8("xyz"));
      connection.sendBinary(utf8("wxyz"));
      connection.sendBinary(utf8("wxyz"), false);
      connection.sendPing(utf8("ping!"));
      connection.close(4000, "abcdef");
      expect(frames().map((frame) => frame.slice(0, 8))).toEqual([
        "0 1 abc",
        "4 1 bcde",
        "0 1 é-é",
        "0 1 abcd",
        "0 2 xyz",
        "4 2 xyz{",
        "0 2 wxyz",
        "0 9 ping",
        expect.stringMatching(/^0 8 /),
      ]);
      expect(codec.calls).toEqual(["deflate abcd", "deflate é-é", "deflate wxyz"]);
    },
  );

  test("what is sent behind a message that takes its time waits, the close frame too; pings do not", () => {
    const { connection, codec, events, frames } = open();
    const data = utf8("data");
    connection.sendText("one!");
    connection.sendText("2");
    connection.sendBinary(data);
    data.fill(0);
    connection.sendText("three!");
    connection.sendFrame(encodeFrame(1, utf8("shared")));
    connection.sendShared((done) => codec.late.push(() => done(encodeFrame(0x42, utf8("made")))));
    expect(connection.isOutputHeld).toBe(true);
    connection.sendPing();
    expect(frames()).toEqual(["0 9 "]);
    expect(() => connection.close(1006)).toThrow(RangeError);
    expect(connection.close(4000, "bye")).toBe(true);
    expect([
      connection.state,
      connection.close(),
      connection.sendText("late"),
      connection.sendPing(),
    ]).toEqual([...["closing", false, false, false]]);
    codec.late.shift()?.();
    expect(frames()).toEqual(['4 1 pof"', "0 1 2", "4 2 ebub"]);
    expect(events).toEqual([
      ["outputHeld", true],
      ["outputHeld", true],
    ]);
    codec.late.shift()?.();
    expect(frames()).toEqual(['4 1 uisff"', "0 1 shared"]);
    codec.late.shift()?.();
    expect(frames()).toEqual(["4 2 made", expect.stringMatching(/^0 8 .*bye$/s)]);
    expect(events.at(-1)).toEqual(["outputHeld", false]);
    expect(codec.calls.at(-1)).toBe("forget");
  });

  test("whole messages are compressed by `sendPart` too, parts of one are not", () => {
    const { connection, frames } = open();
    connection.sendPart(1, utf8("text"));
    connection.sendPart(2, utf8("wxyz"));
    connection.sendPart(2, utf8("wxyz"), true, false);
    connection.sendPart(1, utf8("part"), false);
    connection.sendPart(0, utf8("last"));
    connection.sendPart(10, utf8("pong"));
    expect(frames()).toEqual(["4 1 ufyu", "4 2 xyz{", "0 2 wxyz", "0 1 part", "0 0 last", "0 10 pong"]);
  });

  test("`inOrder` calls at once where nothing waits, else behind what was sent, and never after the end", () => {
    const { connection, codec, frames } = open();
    const calls: string[] = [];
    connection.inOrder(() => calls.push("at once"));
    connection.sendText("one!");
    connection.inOrder(() => calls.push(`behind ${frames()}`));
    connection.sendText("two!");
    connection.inOrder(() => calls.push("never"));
    expect(calls).toEqual(["at once"]);
    codec.late.shift()?.();
    connection.receiveEnd();
    codec.late.shift()?.();
    expect(calls).toEqual(["at once", 'behind 4 1 pof"']);
  });

  test("a peer that closes is answered at once, and what was under way is dropped", () => {
    const { connection, codec, events, frames, from } = open();
    connection.sendText("one!");
    connection.sendText("2");
    connection.receive(from({ opcode: 8, payload: closePayload(1000) }));
    for (const finish of codec.late) finish();
    expect(frames()).toHaveLength(1);
    expect(events.slice(1).map(([name]) => name)).toEqual(["end", "closed"]);
  });
});
