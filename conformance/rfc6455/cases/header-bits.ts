/** RFC 6455 §5.2: reserved bits and reserved opcodes, first, after a message, inside one, before a ping. */
import type { Case, Frame } from "../case.ts";
import { bytes, fails, gets, next, ping, text, unfinished } from "../frames.ts";

const kinds: Readonly<Record<string, number>> = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

const reservedBits = Object.entries(kinds).flatMap(([name, opcode]) =>
  [1, 2, 3, 4, 5, 6, 7].map(
    (reserved): Case => ({
      id: `reserved bits/${reserved} on a ${name}`,
      clause: "RFC 6455 §5.2: RSV1–RSV3 MUST be 0",
      steps: [
        { send: [text("before"), { opcode, reserved, payload: opcode === 8 ? bytes(3, 232) : "a" }, ping()] },
      ],
      expect: [gets.text("before"), ...fails(1002)],
    }),
  ),
);

const opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): Case[] => {
  const clause = "RFC 6455 §5.2: an unknown opcode fails the connection";
  const make = (name: string, before: Frame[], frame: Frame): Case => ({
    id: `opcodes/${opcode} ${name}`,
    clause,
    steps: [{ send: [...before, frame, ping()] }],
    expect: [
      ...(before[0]?.isFinal === false || before.length === 0 ? [] : [gets.text("before")]),
      ...fails(1002),
    ],
  });
  return [
    make("empty", [], { opcode }),
    make("with a payload", [text("before")], { opcode, payload: "payload" }),
    make("inside a message", [text("a", unfinished)], { opcode, payload: "b" }),
    {
      ...make("octet by octet", [text("before")], { opcode, payload: "payload" }),
      // its header alone: what comes behind it need not be read
      steps: [
        { send: [text("before")] },
        { lines: 1 },
        { send: [{ opcode, payload: "payload" }], pieces: 1, cut: 6 },
      ],
    },
  ];
});

export const headerBits: readonly Case[] = [
  ...reservedBits,
  ...[1, 2, 4].map(
    (reserved): Case => ({
      id: `reserved bits/${reserved} on a continuation`,
      clause: "RFC 6455 §5.2: RSV1–RSV3 MUST be 0",
      steps: [{ send: [text("a", unfinished), next("b", { reserved })] }],
      expect: fails(1002),
    }),
  ),
  ...opcodes,
];
