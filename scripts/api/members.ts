/** The members of classes and interfaces, as a reader wants them. */
import { type Comment, commentOf, type Located, type Node, textOf } from "./modules.ts";
import { Signatures } from "./signatures.ts";

/** Overloads that share a comment; most members have one form of one signature. */
export interface Form extends Comment {
  readonly signatures: readonly string[];
}

export interface Member {
  readonly name: string;
  /** The type of a property, or of a method as a function. */
  readonly type: string;
  readonly isMethod: boolean;
  readonly isOptional: boolean;
  readonly forms: readonly Form[];
}

/** A member, of a class or an interface. */
interface Part extends Node {
  readonly key?: Node;
  readonly computed?: boolean | null;
  readonly kind?: string | null;
  readonly accessibility?: string | null;
  readonly static?: boolean | null;
  readonly readonly?: boolean | null;
  readonly optional?: boolean | null;
  readonly typeParameters?: Node | null;
  readonly params?: readonly Node[];
  readonly parameters?: readonly Node[];
  readonly returnType?: Node | null;
  readonly typeAnnotation?: Node | null;
}

/** The members that `located` adds to those `nearer`; its constructor where an application makes it. */
export function membersOf(
  located: Located,
  use: (located: Located) => void,
  isMade: boolean,
  nearer: readonly Member[],
): Member[] {
  const around = new Signatures(located.module, use).within(located.node.typeParameters).short();
  const isNew = ([name]: readonly [string, unknown]): boolean =>
    !nearer.some((member) => member.name === name);
  const groups = [...partsOf(located, isMade)].filter(isNew);
  return groups.map(([name, parts]) => {
    const isMethod = parts.some(
      ({ type, kind }) => type === "TSMethodSignature" || (kind ?? "get") !== "get",
    );
    return (isMethod && !parts.some(({ kind }) => kind === "set") ? methodOf : propertyOf)(
      name,
      parts,
      around,
    );
  });
}

function partsOf({ node, module }: Located, isMade: boolean): Map<string, Part[]> {
  const parts: readonly Part[] = "body" in node ? node.body.body : [];
  const groups = new Map<string, Part[]>();
  for (const part of parts) {
    if (part.key === undefined || part.type === "ClassPrivateProperty") continue;
    if (part.accessibility === "private" || part.accessibility === "protected") continue;
    if (part.kind === "constructor" && !isMade) continue;
    const key = textOf(module, part.key);
    const name = part.computed ? `[${key}]` : key;
    groups.set(name, [...(groups.get(name) ?? []), part]);
  }
  return groups;
}

function propertyOf(name: string, [first, ...others]: readonly Part[], around: Signatures): Member {
  const type = around.write(first?.returnType ?? first?.typeAnnotation).replace(/^: /, "");
  const comment = [first, ...others].flatMap((part) => part ?? []).map(commentOf);
  const { text, examples } = comment.find((each) => each.text !== "") ?? { text: "", examples: [] };
  const isOptional = first?.optional === true;
  return { name, type, isMethod: false, isOptional, forms: [{ text, examples, signatures: [] }] };
}

function methodOf(name: string, parts: readonly Part[], around: Signatures): Member {
  const called = name === "constructor" ? "new" : (parts[0]?.static ? "static " : "") + name;
  const forms: { text: string; examples: readonly string[]; signatures: string[] }[] = [];
  const types = parts.map((part) => {
    const inside = around.withinMethod(part.typeParameters);
    const values = (part.params ?? part.parameters ?? []).map((value) =>
      inside.write(value).replace(/^(\.*)_/, "$1"),
    );
    const result = inside.write(part.returnType ?? part.typeAnnotation);
    const comment = commentOf(part);
    const last = forms.at(-1);
    const signature = `${called}(${values.join(", ")})${result}`;
    if (comment.text !== "" || last === undefined) forms.push({ ...comment, signatures: [signature] });
    else last.signatures.push(signature);
    return `(${values.join(", ")})${result.replace(/^:/, " =>")}`;
  });
  const isOptional = parts[0]?.optional === true;
  return { name, type: types.join(" & "), isMethod: true, isOptional, forms };
}
