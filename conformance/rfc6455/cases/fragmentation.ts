/** RFC 6455 §5.4: messages in fragments, control frames between them, and orders that are wrong. */
import type { Case, Frame } from "../case.ts";
import { binary, fails, gets, next, ping, pong, text, unfinished } from "../frames.ts";

const good: readonly (readonly [name: string, frames: Frame[], expect: string[]])[] = [
  ["two fragments", [text("one ", unfinished), next("two")], [gets.text("one two")]],
  ["two fragments, binary", [binary("one ", unfinished), next("two")], [gets.binary("one two")]],
  ["the first empty", [text("", unfinished), next("all")], [gets.text("all")]],
  ["the last empty", [text("all", unfinished), next()], [gets.text("all")]],
  ["all empty", [text("", unfinished), next("", unfinished), next()], [gets.text("")]],
  [
    "empty ones between",
    [text("a", unfinished), next("", unfinished), next("b", unfinished), next()],
    [gets.text("ab")],
  ],
  [
    "a ping between",
    [text("one ", unfinished), ping("p"), next("two")],
    [gets.pong("p"), gets.text("one two")],
  ],
  ["a pong between", [text("one ", unfinished), pong("p"), next("two")], [gets.text("one two")]],
  [
    "pings between all",
    [
      text("a", unfinished),
      ping("1"),
      next("b", unfinished),
      ping("2"),
      next("c", unfinished),
      ping("3"),
      next("d"),
    ],
    [gets.pong("1"), gets.pong("2"), gets.pong("3"), gets.text("abcd")],
  ],
  [
    "message after message",
    [text("a", unfinished), next("b"), binary("c", unfinished), next("d"), text("e")],
    [gets.text("ab"), gets.binary("cd"), gets.text("e")],
  ],
  [
    "a thousand of one byte",
    [text("*", unfinished), ...Array.from({ length: 998 }, () => next("*", unfinished)), next("*")],
    [gets.text("*".repeat(1_000))],
  ],
];

const bad: readonly (readonly [name: string, frames: Frame[], expect: string[]])[] = [
  ["a continuation of nothing", [next("a"), text("b")], []],
  ["an unfinished continuation of nothing", [next("a", unfinished), text("b")], []],
  ["a continuation after a whole message", [text("a"), next("b")], [gets.text("a")]],
  [
    "a continuation after the last fragment",
    [text("a", unfinished), next("b"), next("c")],
    [gets.text("ab")],
  ],
  ["a text inside a text", [text("a", unfinished), text("b")], []],
  ["an unfinished text inside a text", [text("a", unfinished), text("b", unfinished), next("c")], []],
  ["a binary inside a text", [text("a", unfinished), binary("b")], []],
  ["a text inside a binary", [binary("a", unfinished), text("b")], []],
  ["a text inside a text, behind a ping", [text("a", unfinished), ping("p"), text("b")], [gets.pong("p")]],
];

export const fragmentation: readonly Case[] = [
  ...good.flatMap(([name, send, expect]): Case[] => [
    { id: `fragments/${name}`, clause: "RFC 6455 §5.4", steps: [{ send }], expect },
    ...(send.length > 100
      ? []
      : [
          {
            id: `fragments/${name}, octet by octet`,
            clause: "RFC 6455 §5.4",
            steps: [{ send, pieces: 1 }],
            expect,
          },
        ]),
  ]),
  {
    id: "fragments/a ping is answered before the message ends",
    clause: "RFC 6455 §5.5.2: as soon as is practical",
    steps: [{ send: [text("one ", unfinished), ping("p")] }, { lines: 1 }, { send: [next("two")] }],
    expect: [gets.pong("p"), gets.text("one two")],
  },
  ...bad.map(
    ([name, send, before]): Case => ({
      id: `fragments/${name}`,
      clause: "RFC 6455 §5.4: fragments of one message in order, none of another between",
      steps: [{ send }],
      expect: [...before, ...fails(1002)],
    }),
  ),
];
