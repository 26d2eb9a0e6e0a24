/**
 * The `Sec-WebSocket-Extensions` header, both ways (RFC 6455 §9.1): `name; parameter; parameter=value, name …`.
 *
 * One scanner that reads each character once. Parameters are kept as a list of pairs: a repeated one is seen, and no
 * name can reach a prototype.
 */
import { isToken } from "./header-text.ts";

/** One extension of the header. */
export interface Extension {
  /** A token. */
  readonly name: string;
  /** In their order; one may be there twice. */
  readonly parameters: readonly ExtensionParameter[];
}

/** `value` is undefined where the parameter stands alone. */
export type ExtensionParameter = readonly [name: string, value: string | undefined];

/** The extensions in their order; undefined where `text` breaks the grammar. Empty elements are skipped. */
export function parseExtensions(text: string): Extension[] | undefined {
  const scanner = new Scanner(text);
  const extensions: Extension[] = [];
  while (!scanner.isAtEnd()) {
    // RFC 9110 §5.6.1: a recipient takes empty elements of a list and ignores them
    if (scanner.take(",")) continue;
    const extension = scanExtension(scanner);
    if (extension === undefined) return undefined;
    extensions.push(extension);
    if (!scanner.isAtEnd() && !scanner.take(",")) return undefined;
  }
  // RFC6455-9.1-1: the list has at least one element
  return extensions.length > 0 ? extensions : undefined;
}

/** The header's value. */
export function formatExtensions(extensions: readonly Extension[]): string {
  const formatParameter = ([name, value]: ExtensionParameter): string =>
    value === undefined ? `; ${name}` : `; ${name}=${value}`;
  return extensions.map(({ name, parameters }) => name + parameters.map(formatParameter).join("")).join(", ");
}

function scanExtension(scanner: Scanner): Extension | undefined {
  const name = scanner.takeToken();
  if (name === "") return undefined;
  const parameters: ExtensionParameter[] = [];
  while (scanner.take(";")) {
    const parameter = scanner.takeToken();
    if (parameter === "") return undefined;
    const value = scanner.take("=") ? scanner.takeValue() : undefined;
    if (value === "") return undefined;
    parameters.push([parameter, value]);
  }
  return { name, parameters };
}

/** Skips white space around whatever it takes. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    this.#skipSpace();
    return true;
  }

  /** Empty where there is none. */
  takeToken(): string {
    const start = this.#at;
    while (!this.isAtEnd() && isToken(this.#text.charAt(this.#at))) this.#at++;
    const token = this.#text.slice(start, this.#at);
    this.#skipSpace();
    return token;
  }

  /** A token, bare or quoted; empty where there is none. */
  takeValue(): string {
    return this.#text[this.#at] === '"' ? this.#takeQuoted() : this.takeToken();
  }

  /** RFC6455-4.3-1 RFC6455-9.1-2: what the quotes hold, unescaped, is a token. Empty where it is not. */
  #takeQuoted(): string {
    const marks: string[] = [];
    for (this.#at++; !this.isAtEnd(); this.#at++) {
      const mark = this.#text.charAt(this.#at);
      if (this.take('"')) {
        const value = marks.join("");
        return isToken(value) ? value : "";
      }
      marks.push(mark === "\\" ? this.#text.charAt(++this.#at) : mark);
    }
    return "";
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }
}
