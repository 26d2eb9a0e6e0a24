/**
 * Prints what the documentation says of the code: the traces, states and close codes of the protocol, the references.
 * `npm run docs` writes it; a test fails where a page is stale.
 *
 * Invariant: in a page with text of its own only what stands between `<!-- name:start … -->` and `<!-- name:end -->`
 * is ever replaced.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as closeCodes from "../packages/bothways/src/model/close-code.ts";
import { errorTable } from "../packages/bothways/src/model/errors.ts";
import { channels } from "../packages/bothways/src/observe/channels.ts";
import { type State, transitions } from "../packages/bothways/src/session/session.ts";
import { printApi } from "./api/print-api.ts";
import { fromRoot } from "./paths.ts";
import { traces } from "./protocol-traces.ts";

export interface Page {
  readonly path: string;
  readonly text: string;
}

/** Every page with printed parts, as it should be. */
export function printPages(): Page[] {
  const protocol = fillTraces(fill(read("docs/protocol/bothways-1.md"), "states", diagram()));
  return [
    { path: "docs/protocol/bothways-1.md", text: fill(protocol, "close-codes", closeCodeTable()) },
    { path: "ARCHITECTURE.md", text: fill(read("ARCHITECTURE.md"), "states", diagram()) },
    { path: "docs/guide/observe.md", text: fill(read("docs/guide/observe.md"), "events", eventsTable()) },
    { path: "docs/README.md", text: fill(read("docs/README.md"), "decisions", decisionsList()) },
    { path: "docs/reference/errors.md", text: errorsPage() },
    { path: "docs/reference/options.md", text: optionsPage() },
    ...[...printApi()].map(([file, text]) => ({ path: `docs/reference/${file}`, text })),
  ];
}

/** The pages that differ from what is printed. */
export function findStale(): string[] {
  return printPages()
    .filter(({ path, text }) => read(path) !== text)
    .map(({ path }) => path);
}

function fillTraces(page: string): string {
  const fence = (text: string): string => `\`\`\`text\n${text}\n\`\`\``;
  return Object.entries(traces).reduce(
    (text, [name, make]) => fill(text, `trace:${name}`, fence(make())),
    page,
  );
}

function fill(page: string, name: string, content: string): string {
  const start = page.indexOf(`<!-- ${name}:start`);
  const end = page.indexOf(`<!-- ${name}:end -->`);
  if (start < 0 || end < start) throw new Error(`no place for ${name}`);
  const lineEnd = page.indexOf("\n", start) + 1;
  return `${page.slice(0, lineEnd)}${content}\n${page.slice(end)}`;
}

/** The session's states as a Mermaid diagram. */
function diagram(): string {
  const arrows = Object.entries(transitions).flatMap(([from, row]) =>
    Object.entries(row).map(([event, to]) => `    ${from} --> ${to} : ${event}`),
  );
  const first: State = "waiting";
  return [
    "```mermaid",
    "stateDiagram-v2",
    `    [*] --> ${first}`,
    ...arrows,
    "    closed --> [*]",
    "```",
  ].join("\n");
}

/** Codes that are sent and have no name in model/close-code.ts. */
const otherCodes = ["BW_MESSAGE_TOO_LARGE", "BW_ORIGIN", "BW_IDENTITY", "BW_METHOD", "BW_VERSION"] as const;

function closeCodeTable(): string {
  const { ABNORMAL: _, isFinal, ...named } = closeCodes;
  const comments = docComments(read("packages/bothways/src/model/close-code.ts"));
  const meanings = new Map(Object.entries(named).map(([name, code]) => [code, comments.get(name) ?? ""]));
  for (const { closeCode, message } of otherCodes.map((code) => errorTable[code])) {
    const known = meanings.get(closeCode);
    meanings.set(closeCode, known === undefined ? capital(`${message}.`) : `${known} Or: ${message}.`);
  }
  const rows = [...meanings].sort(([one], [other]) => one - other);
  return table(
    ["Code", "Meaning", "Ends"],
    rows.map(([code, meaning]) => [String(code), meaning, isFinal(code) ? "session" : "link"]),
  );
}

function decisionsList(): string {
  const pages = readdirSync(fromRoot("docs/decisions")).sort();
  const titles = pages.map((page) => /^# (\d+)\. (.*)/.exec(read(`docs/decisions/${page}`)) ?? []);
  return pages
    .map((page, index) => `${titles[index]?.[1]}. [${titles[index]?.[2]}](decisions/${page})`)
    .join("\n");
}

function errorsPage(): string {
  const rows = Object.entries(errorTable).map(([code, { side, closeCode, httpStatus, retry, message }]) => [
    `\`${code}\``,
    capital(message),
    side,
    String(closeCode),
    String(httpStatus),
    retry,
  ]);
  return [
    "# Errors",
    "",
    "<!-- Written by `npm run docs` from packages/bothways/src/model/errors.ts; do not edit. -->",
    "",
    "Every error has a `code`. It is never renamed, so code and log searches may depend on it. *Side* is who erred, *close code* and *status* are",
    "what the peer is told where it is told, and *retry* says whether the same may be tried again.",
    "",
    "```js",
    "// runs",
    'import { BothwaysError } from "bothways";',
    "",
    'const error = new BothwaysError("BW_ACK_TIMEOUT", "after 5 s");',
    "console.log(error.side, error.message); // remote BW_ACK_TIMEOUT: the answer did not come in time (after 5 s)",
    "```",
    "",
    "On the client errors are plain `Error` objects with the same `code`, or a close code where the server closed the connection.",
    "",
    table(["Code", "Meaning", "Side", "Close code", "Status", "Retry"], rows),
    "",
  ].join("\n");
}

function optionsPage(): string {
  const [server, client] = listOptions();
  return [
    "# Options",
    "",
    "<!-- Written by `npm run docs` from the doc comments of the options and the titles of the tests; do not edit. -->",
    "",
    "*Error* is what who goes beyond an option is told, of [the errors](errors.md); *tests* are those that hit it.",
    "",
    "## Server",
    "",
    "`new Server(target, options)`",
    "",
    optionsTable(server),
    "",
    "## Client",
    "",
    "`io(url, options)`",
    "",
    optionsTable(client),
    "",
  ].join("\n");
}

/** The channels of observe/channels.ts with what their messages hold. */
function eventsTable(): string {
  const source = read("packages/bothways/src/observe/channels.ts");
  const found = source.matchAll(/ {2}\/\*\*([^/]*)\*\/\n {2}"(bothways:[\w:]+)": \{ ([^}]*) \};/g);
  const rows = [...found].map(([, comment = "", name = "", fields = ""]) => [
    `\`${name}\``,
    flat(comment),
    fields
      .split("; ")
      .map((field) => `\`${field}\``)
      .join("<br>"),
  ]);
  if (rows.length !== Object.keys(channels).length) throw new Error("a channel is not documented");
  return table(["Channel", "When", "Holds"], rows);
}

export interface Option {
  readonly name: string;
  readonly type: string;
  readonly text: string;
  /** As the doc comment says. */
  readonly defaultValue: string;
  readonly unit: string;
  readonly errors: readonly string[];
  /** Paths from the root of the test files that have it in a title. */
  readonly tests: readonly string[];
}

/** The options of the server, and those of the client. */
export function listOptions(): [server: Option[], client: Option[]] {
  const tests = findTests();
  const list = (side: string, sources: readonly (readonly [path: string, name: string])[]): Option[] =>
    sources
      .flatMap(([path, name]) => members(read(`packages/bothways/src/${path}`), name))
      .map((member) => describeOption(member, tests.get(side + member.name) ?? []));
  return [
    list("", [
      ["server/options.ts", "ServerOptions"],
      ["hub/platform.ts", "HubLimits"],
    ]),
    list("client ", [
      ["client/options.ts", "IoOptions"],
      ["client/options.ts", "SocketOptions"],
      ["client/options.ts", "ConnectionOptions"],
    ]),
  ];
}

function describeOption({ name, type, text }: Member, tests: readonly string[]): Option {
  const [sentence, defaultValue = ""] = /Defaults?:? ((?:[^.]|\.\d)+)\./.exec(text) ?? [];
  return {
    name,
    type,
    text: sentence === undefined ? text : text.replace(sentence, "").replace(/\s+/g, " ").trim(),
    defaultValue,
    unit:
      /\bin (ms|bytes|UTF-16 units|events per second)\b|\b(ms)\b/.exec(text)?.slice(1).find(Boolean) ?? "",
    errors: [...new Set(text.match(/\bBW_\w+/g))],
    tests,
  };
}

/** Test files by the options in their titles: `(option: name)`, `(options: name, client name)`. */
function findTests(): Map<string, string[]> {
  const folder = "packages/bothways/test";
  const found = new Map<string, string[]>();
  const files = readdirSync(fromRoot(folder), { recursive: true, encoding: "utf8" });
  for (const file of files.filter((name) => name.endsWith(".ts")).sort()) {
    const titles = read(`${folder}/${file}`).matchAll(/\(options?: ([\w, ]+)\)["'`]/g);
    for (const name of [...titles].flatMap(([, names = ""]) => names.split(", "))) {
      found.set(name, [...(found.get(name) ?? []), `${folder}/${file}`]);
    }
  }
  return found;
}

interface Member {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/** The members of an interface with their doc comments; one without shares that of the member above. */
function members(source: string, name: string): Member[] {
  const body = new RegExp(`interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1];
  if (body === undefined) throw new Error(`no interface ${name}`);
  const found = [...body.matchAll(/(?: {2}\/\*\*([\s\S]*?)\*\/\n)? {2}readonly (\w+)\??: ([^;]+);/g)];
  let text = "";
  return found.map(([, comment, member = "", type = ""]) => {
    if (comment !== undefined) text = flat(comment);
    return { name: member, type: type.replace(/\s+/g, " "), text };
  });
}

/** Doc comments of exported constants, by name. */
function docComments(source: string): Map<string, string> {
  const found = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+)/g);
  return new Map([...found].map(([, comment = "", name = ""]) => [name, flat(comment)]));
}

function flat(comment: string): string {
  return comment
    .replace(/\n\s*\* ?/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

function optionsTable(options: readonly Option[]): string {
  return table(
    ["Option", "Type", "Default", "Unit", "Meaning", "Error", "Tests"],
    options.map(({ name, type, defaultValue, unit, text, errors, tests }) => [
      `\`${name}\``,
      `\`${type}\``,
      defaultValue,
      unit,
      text,
      errors.map((code) => `\`${code}\``).join(", "),
      tests.map((path) => `[${path.replace(/^.*\/test\//, "")}](../../${path})`).join(", "),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function read(path: string): string {
  return readFileSync(fromRoot(path), "utf8");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, text } of printPages()) writeFileSync(fromRoot(path), text);
  console.log(`printed; ${relative(process.cwd(), fromRoot("docs")) || "docs"} is as the code is`);
}
