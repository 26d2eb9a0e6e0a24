/** RFC 6455 §5.2: every form of length, however it is cut; masks. */
import { randomBytes } from "node:crypto";
import type { Case } from "../case.ts";
import { binary, fails, gets, text } from "../frames.ts";

const lengths = [0, 1, 125, 126, 127, 128, 65_535, 65_536];
const clause = "RFC 6455 §5.2";

const whole = lengths.flatMap((length): Case[] => {
  const letters = "*".repeat(length);
  const data = randomBytes(length);
  return [
    {
      id: `framing/text of ${length}`,
      clause,
      steps: [{ send: [text(letters)] }],
      expect: [gets.text(letters)],
    },
    {
      id: `framing/binary of ${length}`,
      clause,
      steps: [{ send: [binary(data)] }],
      expect: [gets.binary(data)],
    },
  ];
});

const chopped = [
  [125, 1],
  [126, 1],
  [128, 3],
  [1_000, 1],
  [65_535, 997],
  [65_536, 997],
  [300_000, 1_460],
  [1_048_576, 64_000],
].flatMap(([length = 0, pieces = 1]): Case[] => {
  const letters = "é".repeat(length / 2);
  const data = randomBytes(length);
  const name = `of ${length} in pieces of ${pieces}`;
  return [
    {
      id: `framing/text ${name}`,
      clause,
      steps: [{ send: [text(letters)], pieces }],
      expect: [gets.text(letters)],
    },
    {
      id: `framing/binary ${name}`,
      clause,
      steps: [{ send: [binary(data)], pieces }],
      expect: [gets.binary(data)],
    },
  ];
});

const longForms = (
  [
    [0, 2],
    [125, 2],
    [5, 8],
    [126, 8],
    [65_535, 8],
  ] as const
).map(
  ([length, lengthBytes]): Case => ({
    id: `framing/length ${length} written in ${lengthBytes} bytes`,
    clause: "RFC 6455 §5.2: the minimal number of bytes MUST be used",
    steps: [{ send: [binary("*".repeat(length), { lengthBytes })] }],
    expect: fails(1002),
  }),
);

export const framing: readonly Case[] = [
  ...whole,
  ...chopped,
  {
    id: "framing/many messages in one write",
    clause,
    steps: [{ send: Array.from({ length: 200 }, (_, i) => text(`${i}`)) }],
    expect: Array.from({ length: 200 }, (_, i) => gets.text(`${i}`)),
  },
  {
    id: "framing/many messages octet by octet",
    clause,
    steps: [{ send: Array.from({ length: 20 }, (_, i) => text(`${i}`)), pieces: 1 }],
    expect: Array.from({ length: 20 }, (_, i) => gets.text(`${i}`)),
  },
  {
    id: "framing/the highest bit of a 64-bit length",
    clause: "RFC 6455 §5.2: the most significant bit MUST be 0",
    steps: [{ send: [binary("", { declaredLength: 2n ** 63n })] }],
    expect: fails(1002),
  },
  ...longForms,
  ...[text, binary].map(
    (make, index): Case => ({
      id: `masking/${index === 0 ? "text" : "binary"} masked by a server, or not by a client`,
      clause: "RFC 6455 §5.1",
      steps: [{ send: [make("hello", { isMaskWrong: true })] }],
      expect: fails(1002),
    }),
  ),
  ...[8, 9, 10, 0].map(
    (opcode): Case => ({
      id: `masking/opcode ${opcode} masked by a server, or not by a client`,
      clause: "RFC 6455 §5.1",
      steps: [{ send: [text("a", { isFinal: opcode !== 0 }), { opcode, isMaskWrong: true }] }],
      expect: [...(opcode === 0 ? [] : [gets.text("a")]), ...fails(1002)],
    }),
  ),
];
