/**
 * The list of messages. What the server has numbered stands in the order of its numbers, the same for everybody; what
 * still waits stands below, in the order it was written, and moves up when its number comes.
 */
import { create, createAvatar, hueOf, icon } from "./dom.js";
import { currentLanguage, put } from "./i18n.js";

/** @import { Draft, Message, Receipt, Refused } from "../events.ts" */
/** @import { Phrase, Values } from "./i18n.js" */

const ROBOT = 0;
const MAX_SHOWN = 400;
/** Messages of one writer closer than this share one heading. */
const GROUP_MS = 5 * 60_000;
/** Being this near to the end counts as reading along. */
const NEAR_END_PX = 80;

/**
 * @typedef {object} Line
 * @property {HTMLLIElement} item
 * @property {HTMLElement} mark
 * @property {HTMLTimeElement} time
 * @property {Draft} draft
 * @property {number} id  0 while the server has not answered
 * @property {number} from
 * @property {number} at
 */

export class Conversation {
  /** Called with a draft whose fate is unknown, to send it again. */
  onretry = (/** @type {Draft} */ _draft) => {};
  /** Our own member id in this room. */
  me = -1;
  #list;
  #newer;
  #empty;
  #isFollowing = true;
  /** @type {Line[]} */
  #lines = [];
  /** @type {Map<string, Line>} */
  #waiting = new Map();
  /** @type {Map<number, number>} */
  #seen = new Map();

  /**
   * @param {HTMLOListElement} list
   * @param {HTMLButtonElement} newer
   * @param {HTMLElement} empty
   */
  constructor(list, newer, empty) {
    this.#list = list;
    this.#newer = newer;
    this.#empty = empty;
    // So that the keyboard can scroll it in every browser.
    list.tabIndex = 0;
    newer.addEventListener("click", () => this.#scrollToEnd());
    list.addEventListener("scroll", () => {
      this.#isFollowing = this.#isAtEnd();
      if (this.#isFollowing) newer.hidden = true;
    });
    // A keyboard that opens, a line above the composer and a picture that loads must not push the end out of sight.
    const follow = () => {
      if (this.#isFollowing) this.#scrollToEnd();
    };
    new ResizeObserver(follow).observe(list);
    list.addEventListener("load", follow, true);
  }

  /** Messages that wait for the server's answer. */
  get waiting() {
    return this.#waiting.size;
  }

  /**
   * The room's history comes next. What waits for an answer stays where the room is the same, entered anew; it went to
   * the room before where that was another.
   * @param {boolean} isSameRoom
   */
  begin(isSameRoom) {
    if (!isSameRoom) this.#waiting.clear();
    this.#seen.clear();
    const stay = this.#lines.filter((line) => this.#waiting.has(line.draft.key));
    for (const line of this.#lines) if (!stay.includes(line)) this.#drop(line);
    for (const notice of this.#list.querySelectorAll(".notice")) notice.remove();
    this.#lines = stay;
    this.#empty.hidden = this.#lines.length > 0;
    this.#newer.hidden = true;
  }

  /** @param {Message} message */
  add(message) {
    const own = this.#waiting.get(message.key);
    // Our own message in the history of a room that we entered anew: it had arrived after all.
    if (own !== undefined) return this.confirm(message.key, message);
    const line = this.#createLine(message, message.from === this.me, message.name);
    Object.assign(line, { id: message.id, from: message.from, at: message.at });
    this.#show(line);
    this.#place(line);
    if (line.from === this.me) this.#markSeen(line);
  }

  /** @param {Draft} draft */
  addWaiting(draft) {
    const line = this.#createLine(draft, true, "");
    line.from = this.me;
    this.#waiting.set(draft.key, line);
    this.#mark(line, "clock", "mark.waiting");
    this.#place(line);
    this.#scrollToEnd();
  }

  /**
   * The server has it, under this number.
   * @param {string} key
   * @param {Receipt} receipt
   */
  confirm(key, receipt) {
    const line = this.#waiting.get(key);
    if (line === undefined) return;
    this.#waiting.delete(key);
    this.#lines.splice(this.#lines.indexOf(line), 1);
    Object.assign(line, { id: receipt.id, at: receipt.at, from: this.me });
    this.#show(line);
    this.#place(line);
    this.#markSeen(line);
  }

  /**
   * The session ended before an answer came.
   * @param {string} key
   */
  doubt(key) {
    const line = this.#waiting.get(key);
    if (line === undefined) return;
    this.#mark(line, "unknown", "mark.unknown");
    const retry = put(create("button", "retry"), "retry");
    retry.addEventListener("click", () => {
      this.#mark(line, "clock", "mark.waiting");
      this.onretry(line.draft);
    });
    line.mark.append(retry);
  }

  /**
   * @param {string} key
   * @param {Refused} reason
   */
  refuse(key, reason) {
    const line = this.#waiting.get(key);
    if (line === undefined) return;
    this.#waiting.delete(key);
    this.#mark(line, "unknown", "mark.refused");
    line.mark.append(put(create("span"), `error.${reason}`));
  }

  /**
   * A member has seen all up to a number.
   * @param {number} member
   * @param {number} upToId
   */
  see(member, upToId) {
    this.#seen.set(member, upToId);
    for (const line of this.#lines) if (line.from === this.me && line.id > 0) this.#markSeen(line);
  }

  /**
   * A line that nobody wrote.
   * @param {Phrase} phrase
   * @param {Values} [values]
   * @param {string} [tone]
   */
  notice(phrase, values = {}, tone = "") {
    const words = put(create("span"), phrase, values);
    this.#list.append(create("li", `notice ${tone}`.trim(), words));
    if (this.#isFollowing) this.#scrollToEnd();
    return words;
  }

  /**
   * @param {Draft} draft
   * @param {boolean} isOwn
   * @param {string} name
   * @returns {Line}
   */
  #createLine(draft, isOwn, name) {
    const isRobot = !isOwn && "from" in draft && draft.from === ROBOT;
    const bubble = create("div", "bubble");
    if (!isOwn) {
      const author = create("span", "author", name);
      if (isRobot) put(author, "robot");
      author.style.setProperty("--hue", String(hueOf(name)));
      bubble.append(author);
    }
    if (draft.picture !== undefined) bubble.append(createPicture(draft.picture, name));
    if (draft.text !== "") {
      const text = create("p", "text", draft.text);
      text.dir = "auto";
      bubble.append(text);
    }
    const time = create("time");
    const mark = create("span", "mark");
    bubble.append(create("span", "meta", time, mark));
    const item = create("li", isOwn ? "message own" : "message", bubble);
    if (!isOwn) item.prepend(createAvatar(name, isRobot));
    return { item, mark, time, draft, id: 0, from: -1, at: Date.now() };
  }

  /** Puts a line where its number says, or at the end. @param {Line} line */
  #place(line) {
    const after = line.id === 0 ? -1 : this.#lines.findIndex((other) => other.id === 0 || other.id > line.id);
    const next = this.#lines[after];
    if (next === undefined) {
      if (this.#list.lastElementChild !== line.item) this.#list.append(line.item);
      this.#lines.push(line);
    } else {
      if (line.item.nextElementSibling !== next.item) this.#list.insertBefore(line.item, next.item);
      this.#lines.splice(after, 0, line);
    }
    this.#group(this.#lines.indexOf(line));
    this.#empty.hidden = true;
    if (this.#lines.length > MAX_SHOWN && this.#lines[0]?.id)
      this.#drop(/** @type {Line} */ (this.#lines.shift()));
    if (this.#isFollowing) this.#scrollToEnd();
    else if (line.from !== this.me) this.#newer.hidden = false;
  }

  /** A line and the one after it: do they follow on one of the same writer? @param {number} index */
  #group(index) {
    for (const i of [index, index + 1]) {
      const line = this.#lines[i];
      const before = this.#lines[i - 1];
      if (line === undefined) continue;
      const follows =
        before?.from === line.from &&
        line.at - before.at < GROUP_MS &&
        line.item.previousElementSibling === before.item;
      line.item.classList.toggle("follows", follows);
    }
  }

  /** @param {Line} line */
  #show(line) {
    line.time.textContent = new Intl.DateTimeFormat(currentLanguage(), { timeStyle: "short" }).format(
      line.at,
    );
    line.time.dateTime = new Date(line.at).toISOString();
    line.time.title = `#${line.id}`;
    line.item.dataset.id = String(line.id);
  }

  /** @param {Line} line */
  #markSeen(line) {
    let count = 0;
    for (const [member, upToId] of this.#seen) if (member !== this.me && upToId >= line.id) count++;
    if (count === 0) return this.#mark(line, "check", "mark.sent");
    this.#mark(line, "checks", "mark.seen", { count });
    if (count > 1) line.mark.append(String(count));
  }

  /**
   * @param {Line} line
   * @param {string} drawing
   * @param {Phrase} phrase
   * @param {Values} [values]
   */
  #mark(line, drawing, phrase, values = {}) {
    line.mark.dataset.state = drawing;
    line.mark.replaceChildren(icon(drawing), put(create("span", "hidden"), phrase, values));
    put(line.mark, phrase, values, "title");
  }

  /** @param {Line} line */
  #drop(line) {
    const picture = line.item.querySelector("img");
    if (picture !== null) URL.revokeObjectURL(picture.src);
    line.item.remove();
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #scrollToEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#isFollowing = true;
    this.#newer.hidden = true;
  }
}

/**
 * @param {import("../events.ts").Picture} picture
 * @param {string} name
 */
function createPicture(picture, name) {
  const image = create("img", "picture");
  const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (picture.bytes);
  image.src = URL.createObjectURL(new Blob([bytes], { type: picture.type }));
  put(image, "picture", { name }, "alt");
  return image;
}
