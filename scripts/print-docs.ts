/**
 * Prints what the documentation says of the code: the traces, states and close codes of the protocol, the references.
 * `npm run docs` writes it; a test fails where a page is stale.
 *
 * Invariant: in a page with text of its own only what stands between `<!-- name:start … -->` and `<!-- name:end -->`
 * is ever replaced.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as closeCodes from "../packages/bothways/src/model/close-code.ts";
import { errorTable } from "../packages/bothways/src/model/errors.ts";
import { channels } from "../packages/bothways/src/observe/channels.ts";
import { type State, transitions } from "../packages/bothways/src/session/session.ts";
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
    { path: "docs/reference/errors.md", text: errorsPage() },
    { path: "docs/reference/options.md", text: optionsPage() },
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
  const server = read("packages/bothways/src/server/options.ts");
  const hub = read("packages/bothways/src/hub/platform.ts");
  const client = read("packages/bothways/src/client/options.ts");
  return [
    "# Options",
    "",
    "<!-- Written by `npm run docs` from the doc comments of the options; do not edit. -->",
    "",
    "## Server",
    "",
    "`new Server(target, options)`",
    "",
    optionsTable([...members(server, "ServerOptions"), ...members(hub, "HubLimits")]),
    "",
    "## Client",
    "",
    "`io(url, options)`",
    "",
    optionsTable([
      ...members(client, "IoOptions"),
      ...members(client, "SocketOptions"),
      ...members(client, "ConnectionOptions"),
    ]),
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
  return found.map(([, comment, member = "", type = ""]) => ({
    name: member,
    type: type.replace(/\s+/g, " "),
    text: comment === undefined ? "See above." : flat(comment),
  }));
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

function optionsTable(options: readonly Member[]): string {
  return table(
    ["Option", "Type", "Meaning"],
    options.map(({ name, type, text }) => [`\`${name}\``, `\`${type}\``, text]),
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
