/** The requirements of the RFCs are covered, the page that says so is not stale, and the judge of both can say no. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromRoot } from "../../../../scripts/paths.ts";
import { readSources, reportSpec, type SpecSources } from "../../../../scripts/spec.ts";

test("no MUST is open, and spec/coverage.md is as `npm run spec` prints it", () => {
  const { page, problems } = reportSpec(readSources());
  expect(problems).toEqual([]);
  expect(readFileSync(fromRoot("spec/coverage.md"), "utf8")).toBe(page);
});

const row = (id: string, level = "MUST"): string => `| ${id} | ${level} | both | does it |`;

describe("the judge", () => {
  const heading = "## 2.1 Things: 1";
  const id = "RFC0001-2.1-1";
  const table = {
    path: "spec/rfc0001.md",
    text: `${heading}\n${row(id)}\n${row("RFC0001-2.1-2", "SHOULD")}`,
  };
  const judge = (given: Partial<SpecSources>) =>
    reportSpec({ tables: [table], exceptions: "", tests: [], code: [], ...given }).problems;
  const tests = [{ path: "packages/bothways/test/a.test.ts", text: `test("${id} is done")` }];

  test("is content with a test or a reason, and lets a SHOULD be", () => {
    expect(judge({ tests })).toEqual([]);
    expect(judge({ exceptions: `| ${id} | binds others |` })).toEqual([]);
    expect(judge({ tests: [{ path: "a", text: "RFC0001-2.1-1..2" }] })).toEqual([]);
  });

  test.each<[string, Partial<SpecSources>, string]>([
    ["a MUST without a test", {}, `${id} has neither a test nor an exception`],
    ["a reason that is none", { exceptions: `| ${id} | |` }, `${id} is an exception without a reason`],
    ["both", { tests, exceptions: `| ${id} | why |` }, `${id} has a test and an exception`],
    [
      "a tag no table has",
      { tests: [{ path: "a", text: `${id} RFC0001-9-9` }] },
      "a names RFC0001-9-9, which",
    ],
    ["such a tag in code", { tests, code: [{ path: "b", text: "RFC0001-2.1-3" }] }, "b names RFC0001-2.1-3"],
    ["an exception no table has", { tests, exceptions: "| RFC0001-9-9 | why |" }, "spec/exceptions.md names"],
    [
      "rows fewer than MUSTs",
      { tests, tables: [{ ...table, text: table.text.replace(": 1", ": 2") }] },
      "RFC 0001 §2.1 has 2 MUSTs but 1 rows",
    ],
    ["a row twice", { tests, tables: [table, { ...table }] }, `${id} is there twice`],
    [
      "a row in another's section",
      { tests, tables: [{ ...table, text: table.text.replace("2.1 T", "2.2 T") }] },
      `${id} does not belong`,
    ],
  ])("refuses %s", (_name, given, problem) => {
    expect(judge(given).join("\n")).toContain(problem);
  });

  test("does not take a heading without a number", () => {
    expect(() => judge({ tables: [{ ...table, text: "## 2.1 Things" }] })).toThrow("is not");
  });
});
