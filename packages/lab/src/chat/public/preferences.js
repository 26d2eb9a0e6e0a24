/** What the browser remembers of a visitor. A browser that forbids it just forgets. */

/** @typedef {"name" | "language" | "theme"} Preference */

/** @param {Preference} preference */
export function recall(preference) {
  try {
    return localStorage.getItem(`chat.${preference}`) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {Preference} preference
 * @param {string} value
 */
export function remember(preference, value) {
  try {
    localStorage.setItem(`chat.${preference}`, value);
  } catch {
    // private windows of some browsers
  }
}
