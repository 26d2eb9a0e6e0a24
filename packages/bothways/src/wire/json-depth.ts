/**
 * How deep a JSON text nests, judged before it is parsed. V8 parses what nests a million deep; it is whoever walks the
 * value afterwards, `JSON.stringify` among them, that runs out of stack.
 *
 * Invariant: nothing is parsed or kept, and time is linear.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const opening = [0x5b, 0x7b];
const closing = [0x5d, 0x7d];

/** Does the JSON that begins at `start` nest deeper than `limit`? What is no JSON may be answered either way. */
export function jsonNestsDeeper(text: string, limit: number, start = 0): boolean {
  // each level takes a bracket to open it and one to close it
  if (text.length - start <= 2 * limit) return false;
  return mayNestDeeper(text, limit) && isDeeper(text, limit, start);
}

/** Native search skips what has no brackets many times faster than a loop. Brackets in strings count here. */
function mayNestDeeper(text: string, limit: number): boolean {
  let openings = 0;
  for (const bracket of ["[", "{"]) {
    for (let at = text.indexOf(bracket); at >= 0 && openings <= limit; at = text.indexOf(bracket, at + 1)) {
      openings++;
    }
  }
  return openings > limit;
}

function isDeeper(text: string, limit: number, start: number): boolean {
  let depth = 0;
  let isString = false;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isString && code === BACKSLASH) at++;
    else if (code === QUOTE) isString = !isString;
    else if (!isString && opening.includes(code) && ++depth > limit) return true;
    else if (!isString && closing.includes(code)) depth--;
  }
  return false;
}
