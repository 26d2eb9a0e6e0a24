/** RFC 6455 §5.5.1, §7: the closing handshake, codes and reasons, and whoever does not keep to them. */
import type { Case } from "../case.ts";
import { bytes, close, end, fails, gets, next, ping, text, unfinished } from "../frames.ts";

const good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const bad = [0, 1, 100, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
const longest = "*".repeat(123);

export const closing: readonly Case[] = [
  ...good.map(
    (code): Case => ({
      id: `close/${code}`,
      clause: "RFC 6455 §5.5.1: the answer typically has the code received",
      steps: [{ send: [close(code, "why")] }],
      expect: [gets.close(code), end],
      told: `${code} why`,
    }),
  ),
  ...bad.map(
    (code): Case => ({
      id: `close/${code} may not be sent`,
      clause: "RFC 6455 §7.4",
      steps: [{ send: [close(code)] }],
      expect: fails(1002),
    }),
  ),
  {
    id: "close/without a code",
    clause: "RFC 6455 §7.1.5",
    steps: [{ send: [close()] }],
    expect: [gets.close(), end],
    told: "1005",
  },
  {
    id: "close/half a code",
    clause: "RFC 6455 §5.5.1: two bytes",
    steps: [{ send: [{ opcode: 8, payload: bytes(3) }] }],
    expect: fails(1002),
  },
  {
    id: "close/the longest reason",
    clause: "RFC 6455 §5.5",
    steps: [{ send: [close(1000, longest)] }],
    expect: [gets.close(1000), end],
    told: `1000 ${longest}`,
  },
  {
    id: "close/a reason one byte longer",
    clause: "RFC 6455 §5.5",
    steps: [{ send: [close(1000, `${longest}*`)] }],
    expect: fails(1002),
  },
  {
    id: "close/a reason octet by octet",
    clause: "RFC 6455 §5.5.1",
    steps: [{ send: [close(4001, "grüße")], pieces: 1 }],
    expect: [gets.close(4001), end],
    told: "4001 grüße",
  },
  ...[[0xff], [0xed, 0xa0, 0x80], [0xe2, 0x82]].map(
    (reason): Case => ({
      id: `close/a reason that is not UTF-8: ${Buffer.from(reason).toString("hex")}`,
      clause: "RFC 6455 §8.1",
      steps: [{ send: [close(1000, bytes(...reason))] }],
      expect: fails(1007),
    }),
  ),
  {
    id: "close/what comes behind it is not read",
    clause: "RFC 6455 §5.5.1",
    steps: [
      { send: [text("before"), close(1000), text("after"), ping("after"), close(1001), { opcode: 3 }] },
    ],
    expect: [gets.text("before"), gets.close(1000), end],
    told: "1000",
  },
  {
    id: "close/inside a message",
    clause: "RFC 6455 §5.4",
    steps: [{ send: [text("a", unfinished), close(1000), next("b")] }],
    expect: [gets.close(1000), end],
    told: "1000",
  },
  {
    id: "close/begun by the target",
    clause: "RFC 6455 §7.1.2",
    closes: { code: 4000, reason: "enough" },
    steps: [{ lines: 1 }, { send: [close(4000)] }],
    expect: [gets.close(4000, "enough"), end],
    told: "4000",
  },
  {
    id: "close/begun by the target, without a code",
    clause: "RFC 6455 §7.1.5",
    closes: {},
    steps: [{ lines: 1 }, { send: [close()] }],
    expect: [gets.close(), end],
    told: "1005",
  },
  {
    id: "close/begun by the target, messages still on their way",
    clause: "RFC 6455 §5.5.1",
    closes: { code: 1000 },
    steps: [{ lines: 1 }, { send: [text("late"), ping("late"), close(1000)] }],
    expect: [gets.close(1000), end],
    told: "1000",
  },
  {
    id: "close/begun by the target, answered with an error",
    clause: "RFC 6455 §7.1.7",
    closes: { code: 1000 },
    steps: [{ lines: 1 }, { send: [text("late", { reserved: 2 })] }],
    expect: [gets.close(1000), end],
    told: "1006",
  },
  {
    id: "close/begun by the target, never answered",
    clause: "RFC 6455 §7.1.1",
    options: { closeTimeout: 200 },
    closes: { code: 1000 },
    isTcpKept: true,
    expect: [gets.close(1000), end],
    told: "1006",
  },
  {
    id: "close/begun by the target, answered with FIN",
    clause: "RFC 6455 §7.1.5: 1006",
    closes: { code: 1000 },
    steps: [{ lines: 1 }, { fin: true }],
    expect: [gets.close(1000), end],
    told: "1006",
  },
  {
    id: "close/the peer never ends TCP",
    clause: "RFC 6455 §7.1.1",
    sides: ["client"],
    options: { closeTimeout: 200 },
    isTcpKept: true,
    steps: [{ send: [close(1000)] }],
    expect: [gets.close(1000), end],
    told: "1000",
  },
  ...[
    ["at once", []],
    ["after a message", [text("a")]],
    ["inside a message", [text("a", unfinished)]],
  ].map(
    ([when, send]): Case => ({
      id: `close/FIN ${when}, no close frame`,
      clause: "RFC 6455 §7.1.5: 1006",
      steps: [{ send: send as [] }, ...(when === "after a message" ? [{ lines: 1 }] : []), { fin: true }],
      expect: [...(when === "after a message" ? [gets.text("a")] : []), end],
      told: "1006",
    }),
  ),
  {
    id: "close/FIN inside a header",
    clause: "RFC 6455 §7.1.5: 1006",
    steps: [{ send: [text("*".repeat(200))], cut: 3 }, { fin: true }],
    expect: [end],
    told: "1006",
  },
];
