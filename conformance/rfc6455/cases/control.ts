/** RFC 6455 §5.5: pings, pongs, and what a control frame may not be. */
import { randomBytes } from "node:crypto";
import type { Case, Frame } from "../case.ts";
import { bytes, fails, gets, ping, pong, text, unfinished } from "../frames.ts";

const clause = "RFC 6455 §5.5.2: an answer with the same data";
const data = randomBytes(125);
const pings = Array.from({ length: 10 }, (_, i) => ping(`payload ${i}`));
const pongs = Array.from({ length: 10 }, (_, i) => gets.pong(`payload ${i}`));

export const control: readonly Case[] = [
  { id: "ping/empty", clause, steps: [{ send: [ping()] }], expect: [gets.pong()] },
  { id: "ping/text", clause, steps: [{ send: [ping("hello")] }], expect: [gets.pong("hello")] },
  {
    id: "ping/binary, no UTF-8",
    clause,
    steps: [{ send: [ping(bytes(0, 0xff, 0xfe, 0xfd, 0xfc, 0))] }],
    expect: [gets.pong(bytes(0, 0xff, 0xfe, 0xfd, 0xfc, 0))],
  },
  { id: "ping/125 bytes", clause, steps: [{ send: [ping(data)] }], expect: [gets.pong(data)] },
  {
    id: "ping/125 bytes octet by octet",
    clause,
    steps: [{ send: [ping(data)], pieces: 1 }],
    expect: [gets.pong(data)],
  },
  { id: "ping/ten in one write", clause, steps: [{ send: pings }], expect: pongs },
  { id: "ping/ten octet by octet", clause, steps: [{ send: pings, pieces: 1 }], expect: pongs },
  ...["", "unasked"].map(
    (payload): Case => ({
      id: `pong/${payload || "empty"}`,
      clause: "RFC 6455 §5.5.3: not answered",
      steps: [{ send: [pong(payload), ping("then")] }],
      expect: [gets.pong("then")],
    }),
  ),
  ...(
    [
      ["ping of 126 bytes", ping("*".repeat(126))],
      ["pong of 126 bytes", pong("*".repeat(126))],
      ["close of 126 bytes", { opcode: 8, payload: Buffer.concat([bytes(3, 232), Buffer.alloc(124, 42)]) }],
      ["ping that says 65,536 bytes", ping("", { lengthBytes: 8, declaredLength: 65_536n })],
      ["ping, its length in two bytes", ping("a", { lengthBytes: 2 })],
      ["ping in fragments", ping("a", unfinished)],
      ["pong in fragments", pong("a", unfinished)],
      ["close in fragments", { opcode: 8, ...unfinished }],
    ] as [string, Frame][]
  ).map(
    ([name, frame]): Case => ({
      id: `control/${name}`,
      clause: "RFC 6455 §5.5: at most 125 bytes, not fragmented",
      steps: [{ send: [text("before"), frame] }],
      expect: [gets.text("before"), ...fails(1002)],
    }),
  ),
];
