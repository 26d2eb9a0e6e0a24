/** Every case passes against both sides of ours, where the target does what it is about; `ws` does as results.md says. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { cases } from "./cases/index.ts";
import { groupOf, printRow } from "./report.ts";
import { type Result, runAll } from "./run.ts";

const page = readFileSync(new URL("results.md", import.meta.url), "utf8");
const groups: readonly (readonly [group: string, proves: string])[] = [
  ["framing", "RFC6455-5.2-4..5 RFC6455-6.2-1 RFC6455-6.2-5"],
  ["masking", "RFC6455-5.1-2 RFC6455-5.1-4..5"],
  ["ping", "RFC6455-5.5.2-1..2 RFC6455-5.5.3-1"],
  ["pong", "RFC6455-5.5.3-3"],
  ["control", "RFC6455-5.4-1 RFC6455-5.5-1..2"],
  ["reserved bits", "RFC6455-5.2-2 RFC6455-5.2-8..10"],
  ["opcodes", "RFC6455-5.2-3"],
  ["fragments", "RFC6455-5.4-2..5 RFC6455-5.4-10 RFC6455-6.2-2..4"],
  ["utf8", "RFC6455-5.6-1 RFC6455-8.1-1"],
  [
    "close",
    "RFC6455-5.5.1-1 RFC6455-5.5.1-5 RFC6455-5.5.1-7 RFC6455-7.1.1-5 RFC6455-7.1.2-1 RFC6455-7.1.5-1 RFC6455-7.1.6-1 RFC6455-7.1.7-1..4 RFC6455-7.4.2-1",
  ],
  ["limits", "RFC6455-10.4-1..2"],
  ["request", "RFC6455-4.2.1-1..7 RFC6455-4.2.2-4 RFC6455-4.2.2-9..10 RFC6455-4.4-1"],
  ["answer", "RFC6455-4.1-36..42 RFC6455-7.2.1-1"],
  ["deflate", "where it is negotiated"],
];

let results: Result[] = [];
beforeAll(async () => {
  results = await runAll(cases);
}, 300_000);

test("no case is there twice, and each is in a group", () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  expect(new Set(cases.map((one) => groupOf({ case: one })))).toEqual(
    new Set(groups.map(([group]) => group)),
  );
});

describe.each(groups)("%s, %s", (group) => {
  const ofGroup = (): Result[] => results.filter((result) => groupOf(result) === group);

  test("ours passes on both sides", () => {
    const ours = ofGroup().flatMap(({ case: { id }, verdicts }) =>
      (["bothways server", "bothways client"] as const).map((side) => [id, side, verdicts[side]]),
    );
    expect(ours.filter(([, , verdict = ""]) => !["pass", ""].includes(verdict))).toEqual([]);
    expect(ours.length).toBeGreaterThan(1);
  });

  test("ws does as results.md says", () => {
    const lastTwo = (row: string): string => row.split(" | ").slice(-2).join(" | ");
    const printed = page.slice(page.indexOf(`## ${group}\n`)).split(/^## /m)[1] ?? "";
    const rows = printed
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .slice(1);
    expect(ofGroup().map(printRow).map(lastTwo)).toEqual(rows.map(lastTwo));
  });
});
