/** The framing from before the RFC: every state × what may come, cut anywhere; limits; what it cannot carry. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClosedEvent, ConnectionOptions } from "../../../src/wire/websocket/connection.ts";
import { Hixie76Connection } from "../../../src/wire/websocket/hixie76.ts";
import { FrameOutput } from "../../../src/wire/websocket/output.ts";
import { encodeFrame, encodeTextFrame } from "../../../src/wire/websocket/serializer.ts";
import { hex, joinBytes, pieces, primitives, utf8 } from "./harness.ts";

const maxMessageBytes = 1_000;

function create(more: Partial<ConnectionOptions> = {}) {
  const lines: string[] = [];
  const output = new FrameOutput(() => {});
  const host = {
    text: (data: string) => void lines.push(`text ${data}`),
    textBytes: (data: Uint8Array) => void lines.push(`bytes ${hex(data)}`),
    binary: () => void lines.push("binary"),
    pong: () => void lines.push("pong"),
    closed: ({ code, wasClean, error }: ClosedEvent) =>
      void lines.push(`closed ${code} ${wasClean ? "clean" : error}`),
    write: (bytes: Uint8Array) => void lines.push(`write ${hex(bytes)}`),
    end: () => void lines.push("end"),
  };
  const options = { role: "server", maxMessageBytes, primitives, output, ...more } as const;
  const connection = new Hixie76Connection(options, host);
  return { connection, lines, output };
}

const text = (payload: string | Uint8Array): Uint8Array =>
  joinBytes(Uint8Array.of(0), typeof payload === "string" ? utf8(payload) : payload, Uint8Array.of(0xff));
const closing = Uint8Array.of(0xff, 0);
const bye = ["write ff00", "end", "closed 1005 clean"];
const fails = (code: string, closeCode: number) => ["end", `closed ${closeCode} ${code}`];

const table: readonly (readonly [name: string, bytes: Uint8Array, expected: string[]])[] = [
  ["a text", text("hello"), ["text hello"]],
  ["an empty text", text(""), ["text "]],
  ["texts in a row", joinBytes(text("one"), text("two")), ["text one", "text two"]],
  ["a NUL in a text", text("a\0b"), ["text a\0b"]],
  ["code points of four bytes", text("😀"), ["text 😀"]],
  ["the end", closing, bye],
  ["a text, the end, and what nobody reads", joinBytes(text("a"), closing, text("b")), ["text a", ...bye]],
  ["as long as may be", text("x".repeat(1_000)), [`text ${"x".repeat(1_000)}`]],
  ["one byte longer", text("x".repeat(1_001)), fails("BW_MESSAGE_TOO_LARGE", 1009)],
  [
    "too long, and wrong before that",
    text(joinBytes(Uint8Array.of(0xc0), utf8("x".repeat(1_001)))),
    fails("BW_WS_UTF8", 1007),
  ],
  [
    "too long, and wrong behind that",
    text(joinBytes(utf8("x".repeat(1_000)), Uint8Array.of(0xc0))),
    fails("BW_MESSAGE_TOO_LARGE", 1009),
  ],
  ["a text that is not UTF-8", text(Uint8Array.of(0x61, 0xc0, 0xaf)), fails("BW_WS_UTF8", 1007)],
  ["a text that ends inside a code point", text(Uint8Array.of(0xe2, 0x82)), fails("BW_WS_UTF8", 1007)],
  ["an end that is none", Uint8Array.of(0xff, 0x01), fails("BW_WS_OPCODE", 1002)],
  ["an end that is none: 0xFF 0xFF", Uint8Array.of(0xff, 0xff), fails("BW_WS_OPCODE", 1002)],
];

describe("what comes", () => {
  test.each(table)("%s", (_, bytes, expected) => {
    for (const size of [bytes.length, 1, 3]) {
      const { connection, lines } = create();
      for (const piece of pieces(bytes, size)) connection.receive(piece);
      expect(lines).toEqual(expected);
      expect(connection.gatheredBytes).toBe(0);
    }
  });

  test("no other byte begins a frame: not a type of the draft, and never a length", () => {
    for (let byte = 1; byte < 0xff; byte++) {
      const { connection, lines } = create();
      connection.receive(Uint8Array.of(byte, 0x05, 1, 2, 3, 4, 5));
      expect(lines, `${byte}`).toEqual(fails("BW_WS_OPCODE", 1002));
    }
  });

  test("where the host wants bytes it gets bytes, if they are UTF-8", () => {
    const { connection, lines } = create({ isUtf8: (bytes) => primitives.decodeUtf8(bytes) !== undefined });
    connection.receive(joinBytes(text("é"), text(Uint8Array.of(0x80))));
    expect(lines).toEqual(["bytes c3a9", ...fails("BW_WS_UTF8", 1007)]);
  });

  test("a wrong byte fails before the text ends", () => {
    const { connection, lines } = create();
    connection.receive(Uint8Array.of(0, 0x61, 0xc0));
    expect(lines).toEqual(fails("BW_WS_UTF8", 1007));
  });

  test("a text without an end is bounded, and held in proportion to what came", () => {
    const { connection, lines } = create({ maxMessageBytes: 2 ** 40 });
    connection.receive(Uint8Array.of(0));
    for (let i = 0; i < 100; i++) connection.receive(new Uint8Array(100).fill(97));
    expect(connection.gatheredBytes).toBeLessThanOrEqual(4 * 10_000);
    expect(lines).toEqual([]);
    const small = create();
    small.connection.receive(Uint8Array.of(0));
    for (let i = 0; i < 11; i++) small.connection.receive(new Uint8Array(100).fill(97));
    expect(small.lines).toEqual(fails("BW_MESSAGE_TOO_LARGE", 1009));
    expect(small.connection.gatheredBytes).toBe(0);
  });

  test("any bytes, cut anywhere, cause the same events, and one end", () => {
    const part = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 30 }).map(text),
      fc.uint8Array({ maxLength: 8 }),
      fc.constant(closing),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
        const bytes = joinBytes(...parts);
        const whole = create();
        whole.connection.receive(bytes.slice());
        whole.connection.receiveEnd();
        const cut = create();
        for (const piece of pieces(bytes, size)) cut.connection.receive(piece);
        cut.connection.receiveEnd();
        expect(cut.lines).toEqual(whole.lines);
        expect(whole.lines.filter((line) => line.startsWith("closed"))).toHaveLength(1);
        expect(whole.lines.filter((line) => line === "end")).toHaveLength(1);
      }),
    );
  });
});

describe("states", () => {
  type Do = (one: ReturnType<typeof create>) => void;
  const inputs: Readonly<Record<string, Do>> = {
    close: ({ connection }) => void connection.close(),
    peerClose: ({ connection }) => connection.receive(closing.slice()),
    fault: ({ connection }) => connection.receive(Uint8Array.of(0x80)),
    peerEnd: ({ connection }) => connection.receiveEnd(),
    text: ({ connection }) => connection.receive(text("x")),
    send: ({ connection }) => void connection.sendText("y"),
  };
  const abnormal = ["end", "closed 1006 BW_WS_ABNORMAL"];
  const faulted = ["end", "closed 1002 BW_WS_OPCODE"];
  const ended = { close: [], peerClose: [], fault: [], peerEnd: [], text: [], send: [] };
  const rows: Readonly<Record<string, readonly [before: string[], expected: Record<string, string[]>]>> = {
    open: [
      [],
      {
        close: ["write ff00"],
        peerClose: bye,
        fault: faulted,
        peerEnd: abnormal,
        text: ["text x"],
        send: ["write 0079ff"],
      },
    ],
    closing: [
      ["close"],
      {
        close: [],
        peerClose: ["end", "closed 1005 clean"],
        fault: faulted,
        peerEnd: abnormal,
        text: [],
        send: [],
      },
    ],
    ending: [["peerClose"], ended],
    closed: [["peerEnd"], ended],
  };
  const all = Object.entries(rows).flatMap(([state, [before, expected]]) =>
    Object.keys(inputs).map((input) => [state, input, before, expected[input] ?? []] as const),
  );
  test.each(all)("%s × %s", (state, input, before, expected) => {
    const one = create();
    for (const step of before) inputs[step]?.(one);
    one.output.flush();
    expect(one.connection.state).toBe(state);
    one.lines.length = 0;
    inputs[input]?.(one);
    one.output.flush();
    expect(one.lines).toEqual(expected);
  });
});

describe("what is sent", () => {
  test("texts, as string, as bytes, and as a frame shared with connections of the RFC", () => {
    const { connection, lines, output } = create();
    for (const payload of ["é", "", "x".repeat(125), "x".repeat(126), "x".repeat(70_000)]) {
      connection.sendText(payload);
      connection.sendPart(1, utf8(payload));
      connection.sendFrame(encodeTextFrame(payload, primitives));
      output.flush();
      const sent = lines.splice(0).map((line) => line.replace("write ", ""));
      expect(sent.join("") === hex(text(payload)).repeat(3), `${payload.length}`).toBe(true);
    }
  });

  test.each<[string, (connection: Hixie76Connection) => void]>([
    ["bytes", (connection) => connection.sendBinary()],
    ["bytes as a part", (connection) => connection.sendPart(2, utf8("a"))],
    ["bytes as a shared frame", (connection) => connection.sendFrame(encodeFrame(2, utf8("a")))],
    ["a fragment", (connection) => connection.sendPart(1, utf8("a"), false)],
    ["a ping", (connection) => connection.sendPart(9, utf8("a"))],
    ["a compressed frame", (connection) => connection.sendFrame(encodeFrame(0x41, utf8("a")))],
  ])("%s throws, and nothing leaves", (_, send) => {
    const { connection, lines, output } = create();
    expect(() => send(connection)).toThrow(expect.objectContaining({ code: "BW_WS_TEXT_ONLY" }));
    output.flush();
    expect(lines).toEqual([]);
  });

  test("bytes that would end the text early throw", () => {
    const { connection } = create();
    expect(() => connection.sendPart(1, Uint8Array.of(0x61, 0xff, 0x00))).toThrow(TypeError);
  });

  test("no ping exists, codes are judged and not sent", () => {
    const { connection, lines, output } = create();
    expect(connection.sendPing()).toBe(false);
    expect(() => connection.close(1005)).toThrow(RangeError);
    expect(connection.close(4000, "why")).toBe(true);
    output.flush();
    expect(lines).toEqual(["write ff00"]);
  });
});
