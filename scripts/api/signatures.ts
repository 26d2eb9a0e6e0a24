/**
 * Writes pieces of declarations as a reader wants them, and notes which types of ours they name.
 *
 * Inside a class or interface signatures are short: a type parameter of a method is written as its constraint, and type
 * arguments go where they only hand on the parameters around them.
 */
import { type AliasNode, commentOf, type Located, locate, type Module, type Node } from "./modules.ts";

type Type = AliasNode["typeAnnotation"];
type Reference = Extract<Type, { type: "TSTypeReference" }>;
type Union = Extract<Type, { type: "TSUnionType" }>;
interface TypeParameters extends Node {
  readonly params?: readonly { readonly name: string; readonly constraint?: Node | null }[];
}

export class Signatures {
  readonly #module: Module;
  readonly #use: (located: Located) => void;
  /** Type parameters in scope, with the constraints of a method's own. */
  readonly #scope: ReadonlyMap<string, Node | undefined>;
  readonly #isShort: boolean;

  constructor(
    module: Module,
    use: (located: Located) => void,
    scope: ReadonlyMap<string, Node | undefined> = new Map(),
    isShort = false,
  ) {
    this.#module = module;
    this.#use = use;
    this.#scope = scope;
    this.#isShort = isShort;
  }

  /** For what has these type parameters. */
  within(parameters: TypeParameters | null | undefined): Signatures {
    return this.#inside(parameters, () => undefined, this.#isShort);
  }

  /** For its members. */
  short(): Signatures {
    return new Signatures(this.#module, this.#use, this.#scope, true);
  }

  /** For a method with type parameters of its own. */
  withinMethod(parameters: TypeParameters | null | undefined): Signatures {
    return this.#inside(parameters, (constraint) => constraint ?? undefined, true);
  }

  #inside(
    parameters: TypeParameters | null | undefined,
    written: (constraint: Node | null | undefined) => Node | undefined,
    isShort: boolean,
  ): Signatures {
    const own = (parameters?.params ?? []).map(
      ({ name, constraint }) => [name, written(constraint)] as const,
    );
    return new Signatures(this.#module, this.#use, new Map([...this.#scope, ...own]), isShort);
  }

  write(node: Node | null | undefined): string {
    if (!node) return "";
    if (is(node, "TSTypeReference")) return this.#reference(node);
    if (is(node, "TSUnionType")) return [...new Set(node.types.map((type) => this.write(type)))].join(" | ");
    if (is(node, "TSExpressionWithTypeArguments")) this.#note(this.#slice(node.expression));
    return this.#slice(node);
  }

  /** A union behind `=`, with a line for each member, below its comment, where one line is too short. */
  writeUnion(union: Union): string {
    const line = this.write(union);
    if (line.length < 80) return ` ${line}`;
    const rows = union.types.map((type, index) => {
      const { text } = commentOf({ type: "", leadingComments: union.types[index - 1]?.trailingComments });
      return `${text && `\n  // ${text.replace(/\s+/g, " ")}`}\n  | ${this.write(type)}`;
    });
    return rows.join("");
  }

  #reference(node: Reference): string {
    const name = this.#slice(node.typeName);
    const constraint = this.#scope.get(name);
    if (constraint) return this.write(constraint);
    if (this.#scope.has(name)) return name;
    const isOurs = this.#note(name);
    const given = node.typeParameters?.params ?? [];
    if (given.length === 0 || (isOurs && given.every((type) => this.#isHandedOn(type)))) return name;
    return `${name}<${given.map((type) => this.write(type)).join(", ")}>`;
  }

  #isHandedOn(type: Type): boolean {
    if (!this.#isShort || !is(type, "TSTypeReference")) return false;
    const name = this.#slice(type.typeName);
    if (this.#scope.has(name)) return true;
    const given = type.typeParameters?.params ?? [];
    return given.length > 0 && this.#isOurs(name) && given.every((each) => this.#isHandedOn(each));
  }

  #note(name: string): boolean {
    const located = locate(this.#module, name);
    if (located !== undefined) this.#use(located);
    return located !== undefined;
  }

  #isOurs(name: string): boolean {
    return locate(this.#module, name) !== undefined;
  }

  /** The source of a node, with its children written as above. */
  #slice(node: Node): string {
    let text = "";
    let from = node.start ?? 0;
    for (const child of childrenOf(node)) {
      text += this.#module.source.slice(from, child.start ?? from) + this.write(child);
      from = child.end ?? from;
    }
    return (text + this.#module.source.slice(from, node.end ?? from))
      .replace(/\/\*[\s\S]*?\*\//g, "")
      .replace(/\s+/g, " ");
  }
}

/** Is there such a node, here or below? */
export function contains(node: Node, isIt: (node: Node) => boolean): boolean {
  return isIt(node) || childrenOf(node).some((child) => contains(child, isIt));
}

export function is<Name extends Type["type"]>(node: Node, type: Name): node is Extract<Type, { type: Name }> {
  return node.type === type;
}

function childrenOf(node: Node): Node[] {
  return Object.entries(node)
    .filter(([key]) => !key.endsWith("Comments") && key !== "loc")
    .flatMap(([, value]: [string, unknown]) => value)
    .filter(isNode)
    .sort((one, other) => (one.start ?? 0) - (other.start ?? 0));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
