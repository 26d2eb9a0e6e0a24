/** What the page is without a connection: its language, its theme, its two drawers, and the visitor's name. */
import { find } from "./dom.js";
import { currentLanguage, put, setLanguage } from "./i18n.js";
import { recall, remember } from "./preferences.js";

/** @typedef {"auto" | "light" | "dark"} Theme */

/** Which theme the button brings after which. */
const nextTheme = /** @type {const} */ ({ auto: "light", light: "dark", dark: "auto" });

export function startPage() {
  const wanted = recall("language") || navigator.language;
  setLanguage(wanted.startsWith("ko") ? "ko" : "en");
  find("language", HTMLButtonElement).addEventListener("click", () => {
    const next = currentLanguage() === "ko" ? "en" : "ko";
    remember("language", next);
    setLanguage(next);
  });
  const remembered = recall("theme");
  /** @type {Theme} */
  let theme = remembered === "light" || remembered === "dark" ? remembered : "auto";
  showTheme(theme);
  find("theme", HTMLButtonElement).addEventListener("click", () => {
    theme = nextTheme[theme];
    remember("theme", theme);
    showTheme(theme);
  });
  startDrawer("sidebar", "menu");
  startDrawer("panel", "badge");
}

export function recallName() {
  return recall("name");
}

/**
 * Asks for a name; "" where the visitor changed their mind.
 * @param {string} name
 * @returns {Promise<string>}
 */
export function askName(name) {
  const dialog = find("name-dialog", HTMLDialogElement);
  const input = find("name", HTMLInputElement);
  const cancel = find("name-cancel", HTMLButtonElement);
  const isFirst = name === "";
  cancel.hidden = isFirst;
  input.value = name;
  dialog.returnValue = "";
  dialog.oncancel = (event) => {
    if (isFirst) event.preventDefault();
  };
  dialog.showModal();
  input.select();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const chosen = dialog.returnValue === "enter" ? input.value.trim() : "";
      if (chosen !== "") remember("name", chosen);
      else if (isFirst) return dialog.showModal();
      resolve(chosen);
    };
  });
}

/** @param {Theme} theme */
function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const button = find("theme", HTMLButtonElement);
  put(button, "theme", { theme: { phrase: `theme.${theme}` } }, "label");
  put(button, "theme", { theme: { phrase: `theme.${theme}` } }, "title");
}

/**
 * On a narrow screen this part of the page slides in and out.
 * @param {string} drawerId
 * @param {string} buttonId
 */
function startDrawer(drawerId, buttonId) {
  const drawer = find(drawerId, HTMLElement);
  const button = find(buttonId, HTMLButtonElement);
  const scrim = find("scrim", HTMLElement);
  const set = (/** @type {boolean} */ isOpen) => {
    drawer.classList.toggle("open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
    scrim.hidden = document.querySelector(".drawer.open") === null;
  };
  button.addEventListener("click", () => {
    set(!drawer.classList.contains("open"));
    if (drawer.classList.contains("open")) drawer.focus();
  });
  scrim.addEventListener("click", () => set(false));
  drawer.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    set(false);
    button.focus();
  });
  drawer.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest(".room, .drawer-close") !== null) set(false);
  });
}
