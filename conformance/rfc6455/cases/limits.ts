/** RFC 6455 §10.4: no peer may take more than its share. The targets are given the same limits. */
import type { Case } from "../case.ts";
import { binary, end, fails, gets, next, ping, text, unfinished } from "../frames.ts";

const clause = "RFC 6455 §10.4";
const parts = (count: number, payload: string) => [
  text(payload, unfinished),
  ...Array.from({ length: count - 2 }, () => next(payload, unfinished)),
  next(payload),
];

export const limits: readonly Case[] = [
  {
    id: "limits/a message as long as may be",
    clause,
    options: { maxPayload: 1_000 },
    steps: [{ send: [binary("*".repeat(1_000))] }],
    expect: [gets.binary("*".repeat(1_000))],
  },
  {
    id: "limits/a message one byte longer",
    clause,
    options: { maxPayload: 1_000 },
    steps: [{ send: [text("before"), binary("*".repeat(1_001))] }],
    expect: [gets.text("before"), ...fails(1009)],
  },
  {
    id: "limits/a header that says so, before its payload",
    clause,
    options: { maxPayload: 1_000 },
    steps: [{ send: [binary("", { declaredLength: 1_001n })] }],
    expect: fails(1009),
  },
  {
    id: "limits/fragments that are too long together",
    clause,
    options: { maxPayload: 1_000 },
    steps: [{ send: [binary("*".repeat(600), unfinished), next("*".repeat(401), unfinished)] }],
    expect: fails(1009),
  },
  ...[2n ** 31n, 2n ** 32n, 2n ** 53n - 1n].map(
    (declaredLength): Case => ({
      id: `limits/a header that says ${declaredLength} bytes`,
      clause,
      steps: [{ send: [binary("*", { declaredLength })] }],
      expect: fails(1009),
    }),
  ),
  ...[2n ** 53n, 2n ** 63n - 1n].map(
    (declaredLength): Case => ({
      id: `limits/a header that says ${declaredLength} bytes, more than a number can count`,
      clause: "RFC 6455 §5.2, §7.4.1: the length is allowed, and more than anybody can process",
      steps: [{ send: [binary("*", { declaredLength })] }],
      expect: fails(1009),
    }),
  ),
  {
    id: "limits/as many fragments as may be",
    clause,
    options: { maxFragments: 100 },
    steps: [{ send: parts(100, "*") }],
    expect: [gets.text("*".repeat(100))],
  },
  ...["*", ""].map(
    (payload): Case => ({
      id: `limits/one fragment more${payload ? "" : ", all empty"}`,
      clause,
      options: { maxFragments: 100 },
      steps: [{ send: parts(101, payload) }],
      expect: fails(1008),
    }),
  ),
  {
    id: "limits/fragments without an end, all empty",
    clause,
    steps: [{ send: [text("", unfinished), ...Array.from({ length: 16_384 }, () => next("", unfinished))] }],
    expect: fails(1008),
  },
  {
    id: "limits/500 pings whose answers nobody awaits, then a message",
    clause: "RFC 6455 §5.5.3: not each has to be answered",
    isAlone: true,
    arePongsIgnored: true,
    steps: [{ send: [ping("*".repeat(100))], times: 500 }, { send: [text("still there?")] }],
    expect: [gets.text("still there?")],
  },
  {
    id: "limits/100,000 pings at once",
    clause,
    isAlone: true,
    arePongsIgnored: true,
    steps: [{ send: [ping("*".repeat(100))], times: 100_000 }],
    // who floods reads nothing, a close frame neither
    expect: [end],
  },
  ...[0, 1].map(
    (length): Case => ({
      id: `limits/1,000,000 messages of ${length} byte in one write`,
      clause,
      isAlone: true,
      isTextEchoedOnly: true,
      steps: [{ send: [binary("*".repeat(length))], times: 1_000_000 }, { send: [text("end")] }],
      expect: [gets.text("end")],
    }),
  ),
];
