/**
 * `DEBUG=bothways:*`: events on stderr, one line each, chosen as the `debug` package chooses: names between commas or
 * spaces, `*` for anything, `-` before a name to leave it out.
 *
 * Invariant: what a client named cannot start a line of its own or speak to a terminal.
 */
import { subscribe } from "node:diagnostics_channel";
import { channels } from "./channels.ts";

let isPrinting = false;

/** Prints from now on what `patterns` choose. Once per process. */
export function printDebug(patterns: string | undefined = process.env.DEBUG): void {
  if (isPrinting || !patterns) return;
  isPrinting = true;
  let printedAt = performance.now();
  for (const name of Object.keys(channels).filter((known) => isChosen(known, patterns))) {
    subscribe(name, (message) => {
      const now = performance.now();
      process.stderr.write(`${name} ${describe(message as object)} +${Math.round(now - printedAt)}ms\n`);
      printedAt = now;
    });
  }
}

export function isChosen(name: string, patterns: string): boolean {
  const words = patterns.split(/[\s,]+/).filter((word) => word !== "");
  const isListed = (word: string): boolean => matches(name, word);
  const left = words.filter((word) => word.startsWith("-")).map((word) => word.slice(1));
  return !left.some(isListed) && words.some(isListed);
}

/** `session="…" code=1006` */
export function describe(message: object): string {
  return Object.entries(message)
    .map(([key, value]) => `${key}=${toText(value)}`)
    .join(" ");
}

function toText(value: unknown): string {
  const plain = value instanceof Error ? (value.stack ?? value.message) : value;
  return String(JSON.stringify(plain)).replace(
    // what JSON leaves as it is, and terminals may not
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Piece by piece, since a pattern with many stars must not be slow. */
function matches(name: string, pattern: string): boolean {
  const [first = "", ...pieces] = pattern.split("*");
  const last = pieces.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const piece of pieces) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > name.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}
