/**
 * The public API: what the entries in the package's `exports` export, and each type of ours that its signatures name,
 * read from the built declarations. (TypeScript 7 has no API for scripts.)
 *
 * What a base gives that is not public, a class or interface has as its own, but for the one base that most have.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromRoot } from "../paths.ts";
import { type Member, membersOf } from "./members.ts";
import {
  type AliasNode,
  type Comment,
  type Located,
  locate,
  type Module,
  moduleAt,
  type Node,
  textOf,
} from "./modules.ts";
import { contains, is, Signatures } from "./signatures.ts";

export interface Declaration extends Comment {
  readonly name: string;
  readonly kind: "class" | "function" | "interface" | "type";
  readonly head: string;
  readonly members: readonly Member[];
  /** Types of ours that it names. */
  readonly uses: ReadonlySet<Declaration>;
  /** Those of them whose members are events that a class raises. */
  readonly raises: ReadonlySet<Declaration>;
  /** Bases of several classes, which have their members besides those above. */
  readonly shares: ReadonlySet<Declaration>;
}

export interface Entry {
  /** As imported: `bothways/client`. */
  readonly name: string;
  /** By the names they are exported by, values before types. */
  readonly exports: readonly Declaration[];
}

const sharedBases: readonly string[] = ["Emitter"];

/** The entries of the package that have declarations of their own. */
export function readApi(): Entry[] {
  const folder = "packages/bothways";
  const { name, exports } = JSON.parse(readFileSync(fromRoot(`${folder}/package.json`), "utf8"));
  const entries = new Map<string, string>();
  for (const [subpath, { types }] of Object.entries<{ types?: string }>(exports)) {
    if (types !== undefined && !entries.has(types)) entries.set(types, name + subpath.slice(1));
  }
  const reader = new Reader();
  const found = [...entries].map(([types, entry]) => ({ entry, exports: exportsOf(join(folder, types)) }));
  for (const { located } of found.flatMap(({ exports }) => exports.filter(({ isValue }) => isValue))) {
    reader.made.add(idOf(located));
  }
  return found.map(({ entry, exports }) => ({
    name: entry,
    exports: exports.map(({ located }) => reader.read(located)),
  }));
}

interface Export {
  /** What can be imported as more than a type. */
  readonly isValue: boolean;
  readonly located: Located;
}

/** What a file exports: values, then classes, then other types. */
function exportsOf(path: string): Export[] {
  const rank = ({ isValue, located }: Export): number =>
    isValue ? 0 : located.node.type === "ClassDeclaration" ? 1 : 2;
  return listExports(path, false).sort((one, other) => rank(one) - rank(other));
}

function listExports(path: string, isTypeOnly: boolean): Export[] {
  const module = moduleAt(path);
  const own = [...module.exports].flatMap(([name, { local, isType }]) => {
    // The default is made of the others.
    if (name === "default" || name === "module.exports") return [];
    const located = locate(module, local);
    const isValue = !isType && !isTypeOnly && /Class|Function/.test(located?.node.type ?? "");
    return located === undefined ? [] : [{ isValue, located }];
  });
  const others = module.stars.flatMap((star) => listExports(star, true));
  return [...own, ...others.filter(({ located }) => !module.exports.has(located.name))];
}

function idOf({ module, name }: Located): string {
  return `${module.path}#${name}`;
}

class Reader {
  /** Classes that an application makes instances of. */
  readonly made = new Set<string>();
  readonly #known = new Map<string, Declaration>();

  read(located: Located): Declaration {
    const id = idOf(located);
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const members: Member[] = [];
    const [uses, raises, shares] = [new Set<Declaration>(), new Set<Declaration>(), new Set<Declaration>()];
    const { name, node, comment } = located;
    const kind = kinds[node.type];
    const declaration = { ...comment, name, kind, head: "", members, uses, raises, shares };
    // before what it names is read, which may name it
    this.#known.set(id, declaration);
    const use = (other: Located): void => {
      const used = this.read(other);
      if (used !== declaration) uses.add(used);
    };
    const line = lineOf(located);
    declaration.head = headOf(located, use);
    for (const base of line) {
      for (const raised of raisedBy(base)) raises.add(this.read(raised));
      if (base !== located && sharedBases.includes(base.name)) shares.add(this.read(base));
      else members.push(...membersOf(base, use, this.made.has(id), members));
    }
    for (const { text } of [declaration, ...members.flatMap((member) => member.forms)]) {
      for (const [, linked = ""] of text.matchAll(/\{@link (\w+)/g)) {
        const target = line.flatMap((base) => locate(base.module, linked) ?? [])[0];
        if (target !== undefined) use(target);
      }
    }
    return declaration;
  }
}

const kinds = {
  ClassDeclaration: "class",
  TSDeclareFunction: "function",
  TSInterfaceDeclaration: "interface",
  TSTypeAliasDeclaration: "type",
} as const;

function headOf({ node, module, name }: Located, use: (located: Located) => void): string {
  const signatures = new Signatures(module, use).within(node.typeParameters);
  const parameters = signatures.write(node.typeParameters);
  switch (node.type) {
    case "TSDeclareFunction": {
      const values = node.params.map((each) => signatures.write(each)).join(", ");
      return `function ${name}${parameters}(${values})${signatures.write(node.returnType)}`;
    }
    case "TSTypeAliasDeclaration":
      return `type ${name}${parameters}${bodyOf(module, node, signatures)}`;
    default: {
      const bases = basesOf(node).filter((base) => hiddenBase(module, base) === undefined);
      const extended = bases
        .map(({ name, given }) => signatures.write(name) + signatures.write(given))
        .join(", ");
      return `${kinds[node.type]} ${name}${parameters}${extended && ` extends ${extended}`}`;
    }
  }
}

/** What comes behind `type Name`: nothing where it computes, which tells a reader less than its comment. */
function bodyOf(module: Module, { typeAnnotation: type }: AliasNode, signatures: Signatures): string {
  if (computes(module, type)) return "";
  return is(type, "TSUnionType") ? ` =${signatures.writeUnion(type)}` : ` = ${signatures.write(type)}`;
}

function computes(module: Module, type: Node): boolean {
  const computing = ["TSConditionalType", "TSMappedType", "TSIndexedAccessType", "TSTypeQuery"];
  return contains(type, (node) => {
    if (computing.includes(node.type)) return true;
    const used = is(node, "TSTypeReference") ? locate(module, textOf(module, node.typeName)) : undefined;
    return (
      used?.node.type === "TSTypeAliasDeclaration" && !used.isExported && computes(used.module, used.node)
    );
  });
}

/** What a class or interface extends, with the type arguments. */
interface Base {
  readonly name: Node;
  readonly given: (Node & { readonly params: readonly Node[] }) | null | undefined;
}

function basesOf(node: Located["node"]): Base[] {
  if (node.type === "ClassDeclaration") {
    const given = node.superTypeParameters;
    return node.superClass ? [{ name: node.superClass, given }] : [];
  }
  if (node.type !== "TSInterfaceDeclaration") return [];
  return (node.extends ?? []).map(({ expression, typeParameters }) => ({
    name: expression,
    given: typeParameters,
  }));
}

/** The base, where it is ours and says nothing to a reader: any class, and interfaces that their file keeps to itself. */
function hiddenBase(module: Module, { name }: Base): Located | undefined {
  const located = locate(module, textOf(module, name));
  return located?.node.type === "ClassDeclaration" || located?.isExported === false ? located : undefined;
}

/** The declaration and those whose members it has as its own. */
function lineOf(located: Located): Located[] {
  const bases = basesOf(located.node).flatMap((base) => hiddenBase(located.module, base) ?? []);
  return [located, ...bases.flatMap(lineOf)];
}

/** Interfaces given to the base of a class: the events that an emitter raises. */
function raisedBy({ module, node }: Located): Located[] {
  if (node.type !== "ClassDeclaration") return [];
  return basesOf(node)
    .flatMap(({ given }) => given?.params ?? [])
    .flatMap((type) =>
      is(type, "TSTypeReference") ? (locate(module, textOf(module, type.typeName)) ?? []) : [],
    )
    .filter((located) => located.node.type === "TSInterfaceDeclaration");
}
