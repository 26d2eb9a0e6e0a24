/**
 * Puts words on the page. An element remembers its phrase (`data-t` for its text, `data-t-label`, `data-t-title`,
 * `data-t-placeholder`, `data-t-alt` for attributes) and the values in it, so that a change of language reaches what is
 * already there.
 */
import { fill, strings } from "./strings.js";

/** @typedef {import("./strings.js").Phrase} Phrase */
/** @typedef {import("./strings.js").Language} Language */
/** @typedef {Record<string, string | number | { phrase: Phrase }>} Values a value may be a phrase itself */
/** @typedef {"" | "label" | "title" | "placeholder" | "alt"} Spot */

/** @type {Language} */
let language = "en";

/** The language as `Intl` and the `lang` attribute name it. */
export function currentLanguage() {
  return language;
}

/**
 * @param {Phrase} phrase
 * @param {Values} [values]
 */
export function t(phrase, values = {}) {
  /** @type {Record<string, string | number>} */
  const plain = {};
  for (const [name, value] of Object.entries(values)) {
    plain[name] = typeof value === "object" ? t(value.phrase) : value;
  }
  return fill(strings[language][phrase], plain);
}

/**
 * Shows a phrase in an element.
 * @template {Element} E
 * @param {E} element
 * @param {Phrase} phrase
 * @param {Values} [values]
 * @param {Spot} [spot]
 */
export function put(element, phrase, values = {}, spot = "") {
  const attribute = spot === "" ? "data-t" : `data-t-${spot}`;
  element.setAttribute(attribute, phrase);
  element.setAttribute(`data-values${spot === "" ? "" : `-${spot}`}`, JSON.stringify(values));
  show(element, spot, t(phrase, values));
  return element;
}

/**
 * Shows the whole page in a language.
 * @param {Language} chosen
 */
export function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const spot of /** @type {Spot[]} */ (["", "label", "title", "placeholder", "alt"])) {
    const suffix = spot === "" ? "" : `-${spot}`;
    for (const element of document.querySelectorAll(`[data-t${suffix}]`)) {
      const phrase = /** @type {Phrase} */ (element.getAttribute(`data-t${suffix}`));
      const values = JSON.parse(element.getAttribute(`data-values${suffix}`) ?? "{}");
      show(element, spot, t(phrase, values));
    }
  }
}

/**
 * @param {Element} element
 * @param {Spot} spot
 * @param {string} words
 */
function show(element, spot, words) {
  if (spot === "") element.textContent = words;
  else element.setAttribute(spot === "label" ? "aria-label" : spot, words);
}
