/**
 * Text inside scripts, for the techniques `iframe` and `jsonp`. docs/protocol/bothways-1.md, "Scripts".
 *
 * Invariants: whatever the text, a literal is one token of JavaScript, and holds nothing that HTML would read as markup; what
 * stands around it is fixed, or was checked by a pattern.
 */

/** What HTML might read as markup, and what older JavaScript took for line ends. JSON escapes all else that could end a string. */
const unsafe = /[<>&'\u2028\u2029]/g;

/** A string literal of JavaScript, in double quotes. */
export function encodeLiteral(text: string): string {
  return JSON.stringify(text).replace(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** No other function of a page can be called, and no member of anything. */
export function isCallback(name: string): boolean {
  return /^bothways_\w{1,48}$/.test(name);
}

/** A script that calls `callback`, for which `isCallback` holds, with a text; if it is still there. */
export function encodeCall(callback: string, text: string): string {
  // the comment in front: a reader that looks for another format finds none (CVE-2014-4671)
  return `/**/typeof ${callback}==="function"&&${callback}(${encodeLiteral(text)});`;
}

/** Older readers gather as much before they begin. */
const PADDING = 2048;

/**
 * The beginning of a page whose script blocks hand texts to its parent, if that is of `target`; `/` is the page's own
 * origin. Blocks go once they have run, or the page would grow. `nonce` is base64url.
 */
export function encodePage(nonce: string, target: string): string {
  const post = `parent.postMessage(text,${encodeLiteral(target)})`;
  const begin = `function b(text){document.currentScript.remove();${post}}`;
  return `<!doctype html><meta charset="utf-8"><title>-</title><script nonce="${nonce}">${begin}</script>${" ".repeat(PADDING)}`;
}

/** A script block of such a page. */
export function encodeBlock(nonce: string, text: string): string {
  return `<script nonce="${nonce}">b(${encodeLiteral(text)})</script>`;
}
