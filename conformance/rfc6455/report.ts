/** The results as a page: a summary, then a table for each group of cases. */
import type { Result, Verdict } from "./run.ts";
import type { LibraryName } from "./targets.ts";

const columns = ["bothways server", "bothways client", "ws server", "ws client"] as const;

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  /** Not negotiated. */
  readonly skipped: number;
}

export function summarize(results: readonly Result[], name: LibraryName): Summary {
  const all = results.flatMap(({ verdicts }) =>
    columns.filter((column) => column.startsWith(name)).map((column) => verdicts[column]),
  );
  const count = (isWanted: (verdict: Verdict) => boolean): number => all.filter(isWanted).length;
  return {
    passed: count((verdict) => verdict === "pass"),
    failed: count((verdict) => !["pass", "–", ""].includes(verdict)),
    skipped: count((verdict) => verdict === "–"),
  };
}

export function printResults(results: readonly Result[]): string {
  const groups = [...new Set(results.map(groupOf))];
  return [
    "# Results",
    "",
    "Printed by `npm run conformance`. What a case asks for is in [cases](cases/); `pass` says that it came so, anything else",
    "is what came instead, from the first line that was another. `–`: the extension was not negotiated. Empty: the case is",
    "for the other side. Where a column does not pass, the clause says what it goes against.",
    "",
    "| | passed | failed | not negotiated |",
    "|---|---|---|---|",
    ...(["bothways", "ws"] as const).map((name) => {
      const { passed, failed, skipped } = summarize(results, name);
      return `| ${name} | ${passed} | ${failed} | ${skipped} |`;
    }),
    ...groups.flatMap((group) => [
      "",
      `## ${group}`,
      "",
      `| Case | Clause | ${columns.join(" | ")} |`,
      `|---|---|${columns.map(() => "---|").join("")}`,
      ...results.filter((result) => groupOf(result) === group).map(printRow),
    ]),
    "",
  ].join("\n");
}

/** A line of the table; two results print the same where the verdicts are the same. */
export function printRow({ case: { id, clause }, verdicts }: Result): string {
  const name = id.slice(id.indexOf("/") + 1);
  const cells = [name, clause, ...columns.map((column) => verdicts[column])];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

export function groupOf({ case: { id } }: Pick<Result, "case">): string {
  return id.slice(0, id.indexOf("/"));
}
