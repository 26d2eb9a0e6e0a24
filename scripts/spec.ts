/**
 * `npm run spec`: holds the tables of requirements in `spec/` against the tests, and prints `spec/coverage.md`.
 *
 * Rules: a section has at least as many MUST rows as the RFC has MUSTs in it; each MUST has a test whose title carries
 * its tag, or a row with a reason in `spec/exceptions.md`, and not both; no tag is unknown or given twice.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromRoot } from "./paths.ts";

/** A text of the repository; `path` is named from its root. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

export interface SpecSources {
  /** `spec/rfc….md` */
  readonly tables: readonly Source[];
  readonly exceptions: string;
  readonly tests: readonly Source[];
  readonly code: readonly Source[];
}

export interface SpecReport {
  /** The text of `spec/coverage.md`. */
  readonly page: string;
  /** What breaks a rule, a line each. */
  readonly problems: string[];
}

interface Section {
  readonly rfc: string;
  readonly number: string;
  readonly title: string;
  readonly mustCount: number;
  readonly rows: Row[];
}

interface Row {
  readonly id: string;
  readonly level: string;
  readonly text: string;
  tests: string[];
  code: string[];
  exception: string | undefined;
}

const heading = /^## ([\d.]+) (.+): (\d+)$/;
const tag = /RFC(\d{4})-(\d+(?:\.\d+)*)-(\d+)(?:\.\.(\d+))?/g;
const mustLevels = new Set(["MUST", "MUST NOT", "REQUIRED", "SHALL", "SHALL NOT"]);

/** Judges the tables. Nothing is read or written. */
export function reportSpec({ tables, exceptions, tests, code }: SpecSources): SpecReport {
  const sections = tables.flatMap(readTable);
  const problems: string[] = [];
  const rows = new Map<string, Row>();
  for (const row of sections.flatMap((section) => section.rows)) {
    if (rows.has(row.id)) problems.push(`${row.id} is there twice`);
    rows.set(row.id, row);
  }
  const find = (id: string, where: string): Row | undefined => {
    if (!rows.has(id)) problems.push(`${where} names ${id}, which no table has`);
    return rows.get(id);
  };
  for (const { path, text } of tests) for (const id of tagsIn(text)) find(id, path)?.tests.push(path);
  for (const { path, text } of code) for (const id of tagsIn(text)) find(id, path)?.code.push(path);
  for (const [id = "", reason = ""] of tableRows(exceptions)) {
    const row = find(id, "spec/exceptions.md");
    if (row !== undefined) row.exception = reason;
    if (reason === "") problems.push(`${id} is an exception without a reason`);
  }
  problems.push(...sections.flatMap(judgeSection));
  return { page: printPage(sections), problems };
}

function readTable({ path, text }: Source): Section[] {
  const rfc = path.replace(/^.*rfc(\d+)\.md$/, "$1");
  return text
    .split(/^(?=## )/m)
    .filter((part) => part.startsWith("## "))
    .map((part) => {
      const [line = ""] = part.split("\n", 1);
      const [, number = "", title = "", count = ""] = heading.exec(line) ?? [];
      if (number === "") throw new Error(`${path}: ${line} is not "## section title: number of MUSTs"`);
      const rows = tableRows(part).map(([id = "", level = "", , requirement = ""]) => ({
        ...{ id, level, text: requirement, tests: [], code: [], exception: undefined },
      }));
      return { rfc, number, title, mustCount: Number(count), rows };
    });
}

/** The cells of each line of a Markdown table that begins with a tag. */
function tableRows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("| RFC"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** Each tag once; `RFC6455-5.2-8..10` is three. */
function tagsIn(text: string): Set<string> {
  const ids = new Set<string>();
  for (const [, rfc, section, first, last = first] of text.matchAll(tag)) {
    for (let n = Number(first); n <= Number(last); n++) ids.add(`RFC${rfc}-${section}-${n}`);
  }
  return ids;
}

function judgeSection({ rfc, number, mustCount, rows }: Section): string[] {
  const problems: string[] = [];
  const name = `RFC ${rfc} §${number}`;
  const musts = rows.filter(({ level }) => mustLevels.has(level));
  if (musts.length < mustCount) problems.push(`${name} has ${mustCount} MUSTs but ${musts.length} rows`);
  for (const { id, level, tests, exception } of rows) {
    if (!id.startsWith(`RFC${rfc}-${number}-`)) problems.push(`${id} does not belong into ${name}`);
    const isBinding = mustLevels.has(level.toUpperCase());
    if (isBinding && tests.length === 0 && exception === undefined)
      problems.push(`${id} has neither a test nor an exception`);
    if (tests.length > 0 && exception !== undefined) problems.push(`${id} has a test and an exception`);
  }
  return problems;
}

function printPage(sections: readonly Section[]): string {
  const rfcs = [...new Set(sections.map(({ rfc }) => rfc))];
  return [
    "# Coverage",
    "",
    "Printed by `npm run spec` from the tables here, the titles of the tests and `exceptions.md`.",
    ...rfcs.flatMap((rfc) =>
      printRfc(
        rfc,
        sections.filter((section) => section.rfc === rfc),
      ),
    ),
    "",
  ].join("\n");
}

function printRfc(rfc: string, sections: readonly Section[]): string[] {
  return [
    "",
    `## RFC ${rfc}`,
    "",
    "| Section | MUSTs in the RFC | MUST rows | tested | excepted | other rows | tested |",
    "|---|---|---|---|---|---|---|",
    ...sections.map(({ number, title, mustCount, rows }) => {
      const isMust = ({ level }: Row): boolean => mustLevels.has(level.toUpperCase());
      const musts = rows.filter(isMust);
      const others = rows.filter((row) => !isMust(row));
      const excepted = musts.filter(({ exception }) => exception !== undefined).length;
      const counts = [mustCount, musts.length, countTested(musts), excepted];
      return `| ${[`${number} ${title}`, ...counts, others.length, countTested(others)].join(" | ")} |`;
    }),
    "",
    "| Requirement | Level | Tests | Code |",
    "|---|---|---|---|",
    ...sections.flatMap(({ rows }) => rows.map(printRow)),
  ];
}

function countTested(rows: readonly Row[]): number {
  return rows.filter(({ tests }) => tests.length > 0).length;
}

function printRow({ id, level, text, tests, code, exception }: Row): string {
  const files = (paths: readonly string[], root: string): string =>
    paths.map((path) => `\`${path.replace(root, "")}\``).join(" ");
  const proof =
    exception === undefined ? files(tests, "packages/bothways/test/") || "–" : `exception: ${exception}`;
  return `| ${id}: ${text} | ${level} | ${proof} | ${files(code, "packages/bothways/src/") || "–"} |`;
}

/** Reads what the repository has. */
export function readSources(): SpecSources {
  return {
    tables: readFolder("spec", (name) => /^rfc\d+\.md$/.test(name)),
    exceptions: readFileSync(fromRoot("spec/exceptions.md"), "utf8"),
    tests: ["packages/bothways/test", "conformance"]
      .flatMap((folder) => readFolder(folder, (name) => name.endsWith(".ts")))
      .map(({ path, text }) => ({ path, text: withoutComments(text) }))
      .filter(({ path }) => !path.endsWith("/house/spec.test.ts")),
    code: readFolder("packages/bothways/src", (name) => name.endsWith(".ts")),
  };
}

function readFolder(folder: string, isWanted: (name: string) => boolean): Source[] {
  return readdirSync(fromRoot(folder), { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => isWanted(name) && !name.includes("node_modules/"))
    .sort()
    .map((name) => ({
      path: `${folder}/${name}`,
      text: readFileSync(fromRoot(`${folder}/${name}`), "utf8"),
    }));
}

/** A tag in a comment proves nothing. */
function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { page, problems } = reportSpec(readSources());
  writeFileSync(fromRoot("spec/coverage.md"), page);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
