/** Makes elements. Text goes in as text nodes only, so nothing a visitor wrote is ever read as HTML. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function create(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

/**
 * One of the drawings at the top of index.html.
 * @param {string} name
 */
export function icon(name) {
  const svg = createSvg("svg", { class: "icon", "aria-hidden": "true" });
  svg.append(createSvg("use", { href: `#icon-${name}` }));
  return svg;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
export function createSvg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * The element of index.html with this id.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html lacks #${id}`);
  return element;
}

/**
 * A visitor's colour: the same name has the same hue everywhere.
 * @param {string} name
 */
export function hueOf(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  // 47 steps of the circle, far enough apart to tell two people from each other.
  return ((hash % 47) * 360) / 47;
}

/**
 * A round sign with the first letter of a name.
 * @param {string} name
 * @param {boolean} isRobot
 */
export function createAvatar(name, isRobot = false) {
  const avatar = create("span", "avatar", isRobot ? icon("robot") : ([...name][0] ?? "?").toUpperCase());
  avatar.setAttribute("aria-hidden", "true");
  avatar.style.setProperty("--hue", String(hueOf(name)));
  return avatar;
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
