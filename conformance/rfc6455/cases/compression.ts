/** RFC 7692: permessage-deflate with each set of parameters and size, and what is no message in it. */
import { createHash } from "node:crypto";
import type { Case } from "../case.ts";
import { binary, bytes, fails, gets, next, ping, text, unfinished } from "../frames.ts";

/** As the peer offers them to a server, or answers a client. */
const parameterSets: readonly string[] = [
  "",
  "; server_no_context_takeover",
  "; client_no_context_takeover",
  "; server_no_context_takeover; client_no_context_takeover",
  "; server_max_window_bits=9",
  "; client_max_window_bits=9",
  "; server_max_window_bits=12; client_max_window_bits=12",
  "; server_max_window_bits=9; client_max_window_bits=9",
  "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9",
];
const sizes = [0, 16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072];

/** Words in no order: they compress, and long after they were first seen. */
function prose(length: number, seed: string): string {
  const words = "the quick brown fox jumps over a lazy dog while bytes go both ways".split(" ");
  let result = "";
  for (let i = 0; result.length < length; i++) {
    for (const byte of createHash("sha1").update(`${seed} ${i}`).digest())
      result += `${words[byte % words.length]} `;
  }
  return result.slice(0, length);
}

const agreeing = (parameters = ""): Pick<Case, "options" | "head"> => ({
  options: {
    perMessageDeflate: {
      ...(!parameters.includes("server_no_context") && { serverNoContextTakeover: false }),
      ...(!parameters.includes("client_no_context") && { clientNoContextTakeover: false }),
      threshold: 0,
    },
  },
  head: { "Sec-WebSocket-Extensions": `permessage-deflate${parameters}` },
});

const exchanges = parameterSets.flatMap((parameters) =>
  sizes.map((size): Case => {
    const texts = Array.from({ length: 5 }, (_, i) => prose(size, `${size} ${i % 4}`));
    return {
      id: `deflate/${size} characters${parameters}`,
      clause: "RFC 7692 §7.1, §7.2",
      ...agreeing(parameters),
      steps: texts.map((one) => ({ send: [text(one, { isCompressed: true })] })),
      expect: texts.map((one) => gets.text(one)),
    };
  }),
);

/** `hello`, deflated without any window. */
const hello = bytes(0xca, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00);
const compressed = { reserved: 4 };
const on = (name: string, clause: string, send: Case["steps"], expect: Case["expect"]): Case => ({
  id: `deflate/${name}`,
  clause: clause.startsWith("RFC") ? clause : `RFC 7692 ${clause}`,
  ...agreeing(),
  ...(send && { steps: send }),
  expect,
});

export const compression: readonly Case[] = [
  ...exchanges,
  on(
    "binary",
    "§6",
    [{ send: [binary(prose(5_000, "b"), { isCompressed: true })] }],
    [gets.binary(prose(5_000, "b"))],
  ),
  on(
    "octet by octet",
    "§6",
    [{ send: [text("hello hello", { isCompressed: true })], pieces: 1 }],
    [gets.text("hello hello")],
  ),
  on("a message that is not compressed", "§6.2", [{ send: [text("plain")] }], [gets.text("plain")]),
  on(
    "plain and compressed in turn",
    "§6.2",
    [
      {
        send: [
          text("plain"),
          text("hello", { isCompressed: true }),
          text("plain"),
          text("hello", { isCompressed: true }),
        ],
      },
    ],
    ["plain", "hello", "plain", "hello"].map(gets.text),
  ),
  on(
    "in fragments, a ping between",
    "§7.2.3.1",
    [
      {
        send: [
          text(hello.subarray(0, 3), { ...compressed, ...unfinished }),
          ping("p"),
          next(hello.subarray(3)),
        ],
      },
    ],
    [gets.pong("p"), gets.text("hello")],
  ),
  on(
    "in stored blocks",
    "§7.2.3.3",
    [{ send: [text(bytes(0, 5, 0, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0), compressed)] }],
    [gets.text("Hello")],
  ),
  on(
    "a block with BFINAL",
    "§7.2.3.4",
    [{ send: [text(bytes(0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0, 0), compressed)] }],
    [gets.text("Hello")],
  ),
  on(
    "two blocks",
    "§7.2.3.5",
    [{ send: [text(bytes(0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0), compressed)] }],
    [gets.text("Hello")],
  ),
  on("an empty message", "§7.2.3.6", [{ send: [text(bytes(0), compressed)] }], [gets.text("")]),
  on(
    "the last fragment empty",
    "§7.2.3.1",
    [{ send: [text(hello, { ...compressed, ...unfinished }), next()] }],
    [gets.text("hello")],
  ),
  on(
    "RSV1 on a continuation",
    "§6.1",
    [{ send: [text(hello, { ...compressed, ...unfinished }), next("", compressed)] }],
    fails(1002),
  ),
  ...[8, 9, 10].map((opcode) =>
    on(`RSV1 on opcode ${opcode}`, "§6.1", [{ send: [{ opcode, ...compressed }] }], fails(1002)),
  ),
  ...[1, 2, 3].map((reserved) =>
    on(
      `RSV${reserved === 2 ? 2 : 3} beside it (${reserved})`,
      "§6",
      [{ send: [text(hello, { reserved })] }],
      fails(1002),
    ),
  ),
  on(
    "what deflates to nothing",
    "§7.2.2; RFC 6455 §7.4.1: 1007",
    [{ send: [text(bytes(0xff, 0xff, 0xff), compressed)] }],
    fails(1007),
  ),
  on(
    "a distance beyond all that came",
    "§7.2.2",
    [{ send: [binary(bytes(0x4b, 0x04, 0x12, 0), compressed)] }],
    fails(1007),
  ),
  on(
    "what inflates to no UTF-8",
    "RFC 6455 §8.1",
    [{ send: [text(bytes(0, 1, 0, 0xfe, 0xff, 0xff, 0), compressed)] }],
    fails(1007),
  ),
  {
    ...on(
      "64 MiB of zeros in 64 KiB",
      "§8; RFC 6455 §10.4",
      [{ send: [binary(Buffer.alloc(67_108_864), { isCompressed: true })] }],
      fails(1009),
    ),
    isAlone: true,
  },
];
