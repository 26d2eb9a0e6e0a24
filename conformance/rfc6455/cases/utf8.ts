/** RFC 6455 §8.1: texts are UTF-8, across fragments and chunks, and an invalid one fails at its first wrong byte. */
import type { Case } from "../case.ts";
import { bytes, fails, gets, next, ping, text, unfinished } from "../frames.ts";

const valid: Readonly<Record<string, readonly number[]>> = {
  "U+0000": [0x00],
  "U+007F": [0x7f],
  "U+0080": [0xc2, 0x80],
  "U+07FF": [0xdf, 0xbf],
  "U+0800": [0xe0, 0xa0, 0x80],
  "U+D7FF": [0xed, 0x9f, 0xbf],
  "U+E000": [0xee, 0x80, 0x80],
  "U+FEFF, a byte order mark": [0xef, 0xbb, 0xbf],
  "U+FFFD": [0xef, 0xbf, 0xbd],
  "U+FFFE, a noncharacter": [0xef, 0xbf, 0xbe],
  "U+FFFF, a noncharacter": [0xef, 0xbf, 0xbf],
  "U+10000": [0xf0, 0x90, 0x80, 0x80],
  "U+1FFFE, a noncharacter": [0xf0, 0x9f, 0xbf, 0xbe],
  "U+10FFFF": [0xf4, 0x8f, 0xbf, 0xbf],
  κόσμε: [0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce, 0xb5],
  "a combining mark": [0x65, 0xcc, 0x81],
};

const invalid: Readonly<Record<string, readonly number[]>> = {
  "a lone continuation 80": [0x80],
  "a lone continuation BF": [0xbf],
  "two continuations": [0x80, 0xbf],
  "all continuations": Array.from({ length: 64 }, (_, i) => 0x80 + i),
  "a lead of two, then a space": [0xc3, 0x20],
  "a lead of three, then a space": [0xe3, 0x20],
  "a lead of four, then a space": [0xf1, 0x20],
  "three bytes without the last": [0xe3, 0x80, 0x20],
  "four bytes without the last": [0xf1, 0x80, 0x80, 0x20],
  "a lead in a code point": [0xe2, 0xe2, 0x82, 0xac],
  "an overlong slash in two": [0xc0, 0xaf],
  "an overlong slash in three": [0xe0, 0x80, 0xaf],
  "an overlong slash in four": [0xf0, 0x80, 0x80, 0xaf],
  "an overlong slash in five": [0xf8, 0x80, 0x80, 0x80, 0xaf],
  "an overlong slash in six": [0xfc, 0x80, 0x80, 0x80, 0x80, 0xaf],
  "the longest overlong in two": [0xc1, 0xbf],
  "the longest overlong in three": [0xe0, 0x9f, 0xbf],
  "the longest overlong in four": [0xf0, 0x8f, 0xbf, 0xbf],
  "an overlong NUL": [0xc0, 0x80],
  "U+D800, a surrogate": [0xed, 0xa0, 0x80],
  "U+DBFF, a surrogate": [0xed, 0xaf, 0xbf],
  "U+DC00, a surrogate": [0xed, 0xb0, 0x80],
  "U+DFFF, a surrogate": [0xed, 0xbf, 0xbf],
  "a pair of surrogates": [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80],
  "U+110000": [0xf4, 0x90, 0x80, 0x80],
  "a lead of F5": [0xf5, 0x80, 0x80, 0x80],
  "five bytes": [0xf8, 0x88, 0x80, 0x80, 0x80],
  "six bytes": [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
  FE: [0xfe],
  FF: [0xff],
};

const clause = "RFC 6455 §8.1";
const early = "RFC 6455 §8.1: when a byte stream is not UTF-8, not when its message ends";
const around = (middle: readonly number[]): Uint8Array => bytes(0x61, ...middle, 0x7a);
const utf8Half = [0xf0, 0x9f];

export const utf8: readonly Case[] = [
  ...Object.entries(valid).flatMap(([name, values]): Case[] => {
    const payload = around(values);
    const parts = Array.from(payload, (byte, i) =>
      (i === 0 ? text : next)(bytes(byte), { isFinal: i === payload.length - 1 }),
    );
    const expect = [gets.text(payload)];
    return [
      { id: `utf8/${name}`, clause, steps: [{ send: [text(payload)] }], expect },
      { id: `utf8/${name}, octet by octet`, clause, steps: [{ send: [text(payload)], pieces: 1 }], expect },
      { id: `utf8/${name}, a fragment each byte`, clause, steps: [{ send: parts }], expect },
    ];
  }),
  ...Object.entries(invalid).flatMap(([name, values]): Case[] => {
    const payload = around(values);
    return [
      { id: `utf8/not ${name}`, clause, steps: [{ send: [text(payload)] }], expect: fails(1007) },
      {
        id: `utf8/not ${name}, in two fragments`,
        clause,
        steps: [{ send: [text(payload.subarray(0, 2), unfinished), next(payload.subarray(2))] }],
        expect: fails(1007),
      },
    ];
  }),
  ...["E2 82 at the end", "F0 9F at the end"].map(
    (name, index): Case => ({
      id: `utf8/not ${name}`,
      clause,
      steps: [{ send: [text(bytes(0x61, ...(index === 0 ? [0xe2, 0x82] : utf8Half)))] }],
      expect: fails(1007),
    }),
  ),
  {
    id: "utf8/a code point over two fragments, a ping inside it",
    clause,
    steps: [{ send: [text(bytes(...utf8Half), unfinished), ping("p"), next(bytes(0x98, 0x80))] }],
    expect: [gets.pong("p"), gets.text("😀")],
  },
  {
    id: "utf8/a code point that the last fragment does not end",
    clause,
    steps: [{ send: [text(bytes(...utf8Half), unfinished), next(bytes(0x98))] }],
    expect: fails(1007),
  },
  {
    id: "utf8/fails early: in a fragment, the message unfinished",
    clause: early,
    steps: [{ send: [text("good", unfinished), next(around([0xff]), unfinished)] }],
    expect: fails(1007),
  },
  {
    id: "utf8/fails early: in a frame, its rest to come",
    clause: early,
    steps: [{ send: [text(Buffer.concat([around([0xed, 0xa0, 0x80]), Buffer.alloc(1_000, 97)]))], cut: 20 }],
    expect: fails(1007),
  },
  {
    id: "utf8/fails early: at the byte that no code point has there",
    clause: early,
    steps: [{ send: [text(Buffer.concat([bytes(0xf4, 0x90), Buffer.alloc(100, 0x80)]))], pieces: 1, cut: 8 }],
    expect: fails(1007),
  },
  {
    id: "utf8/fails early: in the second chunk of a fragment",
    clause: early,
    steps: [
      { send: [text("*".repeat(2_000), { isFinal: false })], pieces: 700 },
      { send: [next(Buffer.alloc(2_000, 0xc3))], pieces: 700, cut: 1_000 },
    ],
    expect: fails(1007),
  },
];
