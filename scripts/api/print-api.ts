/** Prints the reference of the API: a page for each entry of the package, under docs/reference. */
import { type Declaration, type Entry, readApi } from "./declarations.ts";
import type { Member } from "./members.ts";
import type { Comment } from "./modules.ts";

/** What has a table elsewhere, by the entry whose page it would be on. */
const elsewhere: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bothways: {
    ServerOptions: "options.md#server",
    HubLimits: "options.md#server",
    ErrorCode: "errors.md",
    ObservedEvents: "../guide/observe.md",
  },
  "bothways/client": {
    IoOptions: "options.md#client",
    SocketOptions: "options.md#client",
    ConnectionOptions: "options.md#client",
  },
};

export interface ApiPage {
  readonly entry: string;
  /** Its file in docs/reference. */
  readonly file: string;
  readonly exported: readonly Declaration[];
  /** What those name. */
  readonly met: readonly Declaration[];
}

/** The pages, each declaration on one of them: where it is exported first, or else met first. */
export function arrangeApi(): ApiPage[] {
  const taken = new Set<Declaration>();
  const claim = (declarations: Iterable<Declaration>): Declaration[] =>
    [...declarations].filter((declaration) => !taken.has(declaration) && taken.add(declaration));
  const own = readApi().map((entry) => ({ entry, exported: claim(entry.exports) }));
  return own.map(({ entry, exported }) => {
    const met: Declaration[] = [];
    for (const list of [exported, met]) {
      for (const { raises, shares, uses } of list) met.push(...claim([...raises, ...shares, ...uses]));
    }
    return { entry: entry.name, file: fileOf(entry), exported, met };
  });
}

/** The text of each page, by the name of its file. */
export function printApi(): Map<string, string> {
  const pages = arrangeApi();
  const places = new Map(
    pages.flatMap(({ file, exported, met }) =>
      [...exported, ...met].map((declaration) => [declaration, file] as const),
    ),
  );
  return new Map(pages.map((page) => [page.file, new PagePrinter(page, places).print()]));
}

class PagePrinter {
  readonly #page: ApiPage;
  readonly #places: ReadonlyMap<Declaration, string>;

  constructor(page: ApiPage, places: ReadonlyMap<Declaration, string>) {
    this.#page = page;
    this.#places = places;
  }

  print(): string {
    const { entry, exported, met } = this.#page;
    const isHere = (declaration: Declaration): boolean => this.#places.get(declaration) === this.#page.file;
    const named = [...exported, ...met].flatMap(({ uses, raises, shares }) => [
      ...uses,
      ...raises,
      ...shares,
    ]);
    const others = [...new Set(named)].filter((declaration) => !isHere(declaration));
    const isValue = ({ kind }: Declaration): boolean => kind === "function" || kind === "class";
    const lists = [
      ["Functions and classes", exported.filter(isValue)],
      ["Types", exported.filter((declaration) => !isValue(declaration))],
      ["Named by these, but not exported", met],
      ["On other pages", others],
    ] as const;
    const contents = lists.flatMap(([title, list]) =>
      list.length === 0 ? [] : [`${title}: ${list.map((each) => this.#link(each)).join(", ")}.`],
    );
    return [
      `# \`${entry}\``,
      "<!-- Written by `npm run docs` from the declarations and their doc comments; do not edit. -->",
      ...contents,
      ...[...exported, ...met].flatMap((declaration) => this.#section(declaration)),
    ]
      .join("\n\n")
      .concat("\n");
  }

  #section(declaration: Declaration): string[] {
    const { name, head, members, raises, shares } = declaration;
    const events = [...raises].map((each) => this.#link(each)).join(" and ");
    const table = elsewhere[this.#page.entry]?.[name];
    const section = [
      `## ${declaration.kind} ${name}`,
      block(head),
      ...this.#comment(declaration, declaration),
    ];
    if (events) section.push(`Raises the events of ${events}.`);
    if (table !== undefined) return [...section, `Listed in [${table.replace(/.*\/|#.*/g, "")}](${table}).`];
    const isRow = (member: Member): boolean => !member.isMethod || declaration.kind === "interface";
    const rows = members.filter(isRow);
    if (rows.length > 0) section.push(this.#table(declaration, rows));
    for (const member of members.filter((each) => !isRow(each))) {
      const title = member.name === "constructor" ? `new ${name}` : `${name}.${member.name}`;
      section.push(`### ${title.replace(".[", "[")}`);
      for (const form of member.forms) {
        const code = form.signatures.map((signature) => signature.replace(/^new\(/, `new ${name}(`));
        section.push(block(code.join("\n")), ...this.#comment(form, declaration));
      }
    }
    for (const base of shares) {
      const names = base.members.map((member) => this.#link(base, member.name, member.name));
      section.push(`And, as every ${this.#link(base)}: ${names.join(", ")}.`);
    }
    return section;
  }

  #table(declaration: Declaration, members: readonly Member[]): string {
    const rows = members.map((member) => [
      `\`${member.name}${member.isOptional ? "?" : ""}\``,
      `\`${member.type}\``,
      member.forms
        .flatMap((form) => this.#comment(form, declaration))
        .join(" ")
        .replace(/\s+/g, " "),
    ]);
    const line = (cells: readonly string[]): string =>
      `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    return [line(["Name", "Type", "Meaning"]), "|---|---|---|", ...rows.map(line)].join("\n");
  }

  #comment({ text, examples }: Comment, { uses, raises }: Declaration): string[] {
    const known = [...uses, ...raises];
    const linked = text
      .replace(/\{@link ([\w.]+)\}/g, (_, target: string) => {
        const [name, member] = target.split(".");
        const found = known.find((each) => each.name === name);
        return found === undefined ? `\`${target}\`` : this.#link(found, member);
      })
      .replace(/\bdocs\/(\S+\.md)/g, "[docs/$1](../$1)")
      .replace(/(?<![`\w])BW_\w+/g, "[`$&`](errors.md)");
    return [...(linked && [linked]), ...examples.map(block)];
  }

  /** A method has a heading of its own; other members stand in the table of their type. */
  #link(declaration: Declaration, member = "", title = declaration.name + (member && `.${member}`)): string {
    const { kind, name, members } = declaration;
    const isHeading = kind === "class" && members.some((each) => each.isMethod && each.name === member);
    const anchor = (isHeading ? name + member : `${kind}-${name}`).toLowerCase();
    const place = this.#places.get(declaration);
    return `[\`${title}\`](${place === this.#page.file ? "" : place}#${anchor})`;
  }
}

function fileOf({ name }: Entry): string {
  const [, ...path] = name.split("/");
  return `api-${path.join("-") || "server"}.md`;
}

function block(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\``;
}
