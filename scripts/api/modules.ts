/** The built declaration files as a graph: what each declares, and what its other names stand for. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "@babel/parser";
import { fromRoot } from "../paths.ts";

type Statement = ReturnType<typeof parse>["program"]["body"][number];
type Kind<Type extends Statement["type"]> = Extract<Statement, { type: Type }>;

export interface Node {
  readonly type: string;
  readonly start?: number | null;
  readonly end?: number | null;
  readonly leadingComments?: readonly { readonly type: string; readonly value: string }[] | null | undefined;
}

export type ClassNode = Kind<"ClassDeclaration">;
export type InterfaceNode = Kind<"TSInterfaceDeclaration">;
export type AliasNode = Kind<"TSTypeAliasDeclaration">;
export type FunctionNode = Kind<"TSDeclareFunction">;
export type DeclaredNode = ClassNode | InterfaceNode | AliasNode | FunctionNode;

/** A doc comment: what it says, and its `@example` blocks. */
export interface Comment {
  readonly text: string;
  readonly examples: readonly string[];
}

interface Declared {
  readonly node: DeclaredNode;
  readonly comment: Comment;
  readonly isExported: boolean;
}

export interface Module {
  readonly path: string;
  readonly source: string;
  readonly declared: Map<string, Declared>;
  /** Names that stand for those of other files. */
  readonly links: Map<string, { readonly path: string; readonly name: string }>;
  readonly exports: Map<string, { readonly local: string; readonly isType: boolean }>;
  /** Files all of whose exports are types of this one too. */
  readonly stars: string[];
}

export interface Located extends Declared {
  readonly module: Module;
  readonly name: string;
}

const modules = new Map<string, Module>();

/** The file at `path`, named from the root of the repository. */
export function moduleAt(path: string): Module {
  const known = modules.get(path);
  if (known !== undefined) return known;
  const source = readFileSync(fromRoot(path), "utf8");
  const module: Module = {
    path,
    source,
    declared: new Map(),
    links: new Map(),
    exports: new Map(),
    stars: [],
  };
  const { program } = parse(source, { sourceType: "module", plugins: [["typescript", { dts: true }]] });
  for (const statement of program.body) enter(module, statement);
  modules.set(path, module);
  return module;
}

/** Where a name that is used in `module` is declared, if we declare it. */
export function locate(module: Module, used: string): Located | undefined {
  const declared = module.declared.get(used);
  if (declared !== undefined) return { ...declared, module, name: used };
  const link = module.links.get(used);
  if (link === undefined) return undefined;
  const target = moduleAt(link.path);
  return locate(target, target.exports.get(link.name)?.local ?? link.name);
}

export function textOf({ source }: Module, node: Node): string {
  return source.slice(node.start ?? 0, node.end ?? 0);
}

export function commentOf(node: Node): Comment {
  const last = node.leadingComments?.filter(({ value }) => value.startsWith("*")).at(-1);
  const lines = (last?.value ?? "").slice(1).replace(/^[ \t]*\*? ?/gm, "");
  const [text = "", ...examples] = lines.split(/^@example\s+/m);
  return { text: text.trim(), examples: examples.map((example) => example.trim()) };
}

function enter(module: Module, statement: Statement): void {
  const pathOf = (from: string): string => join(dirname(module.path), from.replace(/\.ts$/, ".d.ts"));
  if (statement.type === "ImportDeclaration") {
    const from = statement.source.value;
    for (const found of from.startsWith(".") ? statement.specifiers : []) {
      if (found.type !== "ImportSpecifier") continue;
      module.links.set(found.local.name, { path: pathOf(from), name: nameOf(found.imported) });
    }
  } else if (statement.type === "ExportAllDeclaration") module.stars.push(pathOf(statement.source.value));
  else if (statement.type === "ExportNamedDeclaration") {
    if (statement.declaration) declare(module, statement.declaration, commentOf(statement), true);
    for (const found of statement.specifiers) {
      if (found.type !== "ExportSpecifier") continue;
      const [name, local] = [nameOf(found.exported), nameOf(found.local)];
      module.exports.set(name, { local, isType: statement.exportKind === "type" });
      if (statement.source) module.links.set(local, { path: pathOf(statement.source.value), name: local });
    }
  } else declare(module, statement, commentOf(statement), false);
}

function declare(module: Module, node: Statement, comment: Comment, isExported: boolean): void {
  switch (node.type) {
    case "ClassDeclaration":
    case "TSDeclareFunction":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration": {
      const name = node.id?.name ?? "";
      module.declared.set(name, { node, comment, isExported });
      if (isExported) module.exports.set(name, { local: name, isType: false });
    }
  }
}

function nameOf(node: { readonly type: string; readonly name?: string; readonly value?: string }): string {
  return node.name ?? node.value ?? "";
}
