/** The rooms there are, and who is in this one: present, away, typing. */
import { create, createAvatar, find } from "./dom.js";
import { put } from "./i18n.js";

/** @import { Member, RoomSummary } from "../events.ts" */

/** Who is not heard of for this long has stopped typing. */
const TYPING_EXPIRES_MS = 4_000;

export class People {
  /** Called with the room that the visitor chose. */
  onroom = (/** @type {string} */ _room) => {};
  room = "";
  me = -1;
  /** @type {Map<number, Member>} */
  #members = new Map();
  /** @type {Map<number, ReturnType<typeof setTimeout>>} */
  #typing = new Map();
  #roomList = find("rooms", HTMLUListElement);
  #memberList = find("members", HTMLUListElement);
  #count = find("count", HTMLElement);
  #typingLine = find("typing", HTMLElement);

  constructor() {
    const form = find("room-form", HTMLFormElement);
    const input = find("room-name", HTMLInputElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = input.value.trim();
      input.value = "";
      if (name !== "") this.onroom(name);
    });
  }

  /**
   * @param {string} room
   * @param {number} me
   * @param {readonly Member[]} members
   */
  begin(room, me, members) {
    this.room = room;
    this.me = me;
    this.#members = new Map(members.map((member) => [member.id, member]));
    for (const member of [...this.#typing.keys()]) this.type(member, false);
    this.#showMembers();
  }

  /** @param {Member} member */
  update(member) {
    this.#members.set(member.id, member);
    this.#showMembers();
  }

  /** @param {Member} member */
  remove(member) {
    this.#members.delete(member.id);
    this.type(member.id, false);
    this.#showMembers();
  }

  /**
   * @param {number} member
   * @param {boolean} isTyping
   */
  type(member, isTyping) {
    clearTimeout(this.#typing.get(member));
    this.#typing.delete(member);
    if (isTyping)
      this.#typing.set(
        member,
        setTimeout(() => this.type(member, false), TYPING_EXPIRES_MS),
      );
    const names = [...this.#typing.keys()].flatMap((id) => this.#members.get(id)?.name ?? []);
    this.#typingLine.classList.toggle("on", names.length > 0);
    const [name, other] = names;
    if (name === undefined) return;
    if (other === undefined) put(this.#typingLine, "typing.one", { name });
    else if (names.length === 2) put(this.#typingLine, "typing.two", { name, other });
    else put(this.#typingLine, "typing.many");
  }

  /** @param {readonly RoomSummary[]} rooms */
  showRooms(rooms) {
    const items = rooms.map(({ name, members }) => {
      const button = create(
        "button",
        "room",
        create("span", "room-name", name),
        create("span", "room-size", String(members)),
      );
      button.type = "button";
      if (name === this.room) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => this.onroom(name));
      return create("li", "", button);
    });
    this.#roomList.replaceChildren(...items);
  }

  #showMembers() {
    const items = [...this.#members.values()].map((member) => {
      const name = create("span", "member-name", member.name);
      const item = create("li", member.away ? "member away" : "member", createAvatar(member.name), name);
      if (member.id === this.me) item.append(put(create("span", "tag"), "you"));
      else if (member.away) item.append(put(create("span", "tag"), "away"));
      return item;
    });
    this.#memberList.replaceChildren(...items);
    put(this.#count, "room.people", { count: this.#members.size });
  }
}
