/** Where a message is written: text, and a picture that was pasted, dropped or picked. */
import { find, formatBytes } from "./dom.js";
import { put } from "./i18n.js";

/** @import { Limits, Picture } from "../events.ts" */
/** @import { Phrase, Values } from "./i18n.js" */

const pictureTypes = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];
/** While somebody types, the others are told this often. */
const TYPING_MS = 2_000;
const NEVER = Number.NEGATIVE_INFINITY;

export class Composer {
  /** Called with what shall be sent. */
  onsend = (/** @type {string} */ _text, /** @type {Picture | undefined} */ _picture) => {};
  /** Called when the visitor begins, goes on, or stops typing. */
  ontyping = (/** @type {boolean} */ _isTyping) => {};
  /** @type {Limits | undefined} */
  limits;
  #form = find("composer", HTMLFormElement);
  #text = find("text", HTMLTextAreaElement);
  #file = find("file", HTMLInputElement);
  #preview = find("preview", HTMLElement);
  #previewImage = find("preview-image", HTMLImageElement);
  #problem = find("problem", HTMLElement);
  /** @type {Picture | undefined} */
  #picture;
  #toldTypingAt = NEVER;

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener("keydown", (event) => {
      // While a Korean syllable is being composed, Enter ends the syllable and not the message.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener("input", () => this.#typed());
    this.#text.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    find("pick", HTMLButtonElement).addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => this.#accept(this.#file.files?.[0]));
    find("preview-remove", HTMLButtonElement).addEventListener("click", () => {
      this.#show(undefined);
      this.#text.focus();
    });
    this.#acceptDrops(find("stage", HTMLElement));
  }

  focus() {
    this.#text.focus();
  }

  /**
   * @param {Phrase} phrase
   * @param {Values} [values]
   */
  complain(phrase, values = {}) {
    put(this.#problem, phrase, values);
    this.#problem.hidden = false;
  }

  #send() {
    const text = this.#text.value.trimEnd();
    const limit = this.limits?.textLength ?? Number.POSITIVE_INFINITY;
    if (text.length > limit) return this.complain("error.text-too-long", { limit });
    if (text.trim() === "" && this.#picture === undefined) return;
    this.onsend(text, this.#picture);
    this.#text.value = "";
    this.#show(undefined);
    this.#typed();
  }

  #typed() {
    this.#problem.hidden = true;
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
    const isTyping = this.#text.value !== "";
    const now = performance.now();
    if (isTyping && now - this.#toldTypingAt < TYPING_MS) return;
    if (!isTyping && this.#toldTypingAt === NEVER) return;
    this.#toldTypingAt = isTyping ? now : NEVER;
    this.ontyping(isTyping);
  }

  /** @param {HTMLElement} stage */
  #acceptDrops(stage) {
    stage.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      stage.classList.add("dropping");
    });
    stage.addEventListener("dragleave", (event) => {
      if (!(event.relatedTarget instanceof Node && stage.contains(event.relatedTarget))) {
        stage.classList.remove("dropping");
      }
    });
    stage.addEventListener("drop", (event) => {
      stage.classList.remove("dropping");
      this.#take(event, event.dataTransfer);
    });
  }

  /**
   * @param {Event} event
   * @param {DataTransfer | null} transfer
   */
  #take(event, transfer) {
    const file = transfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    void this.#accept(file);
  }

  /** @param {File | undefined} file */
  async #accept(file) {
    this.#file.value = "";
    if (file === undefined) return;
    const limit = this.limits?.pictureBytes ?? 0;
    if (!pictureTypes.includes(file.type)) return this.complain("error.picture-type");
    if (file.size > limit) {
      return this.complain("error.picture-too-large", {
        size: formatBytes(file.size),
        limit: formatBytes(limit),
      });
    }
    this.#show({ type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) }, file);
    this.#text.focus();
  }

  /**
   * @param {Picture | undefined} picture
   * @param {Blob} [blob]
   */
  #show(picture, blob) {
    URL.revokeObjectURL(this.#previewImage.src);
    this.#picture = picture;
    this.#problem.hidden = true;
    this.#preview.hidden = blob === undefined;
    if (blob !== undefined) this.#previewImage.src = URL.createObjectURL(blob);
  }
}
