/** The page of the chat: one socket, and the parts of the page that it feeds. */
import { io } from "/bothways/client.js";
import { iframe, jsonp, longPolling, multipart, shortPolling, sse, stream, webSocket } from "/transports.js";
import { Composer } from "./composer.js";
import { ConnectionPanel, phraseOf } from "./connection-panel.js";
import { Conversation } from "./conversation.js";
import { find } from "./dom.js";
import { put } from "./i18n.js";
import { Ledger } from "./ledger.js";
import { Network } from "./network.js";
import { askName, recallName, startPage } from "./page.js";
import { People } from "./people.js";
import { Watch } from "./watch.js";

/** @import { ClientToServerEvents, Draft, Entered, Refused, RoomSummary, ServerToClientEvents } from "../events.ts" */
/** @import { Socket } from "bothways/client" */

startPage();

const network = new Network();
const ledger = new Ledger();
const composer = new Composer();
const people = new People();
const conversation = new Conversation(
  find("messages", HTMLOListElement),
  find("newer", HTMLButtonElement),
  find("empty", HTMLElement),
);

/** Who we are and where: presented whenever a session begins, so that the server needs no word before the first message. */
const entry = { visitor: randomHex(), name: recallName(), room: roomOfAddress() };

/** Best first, as they are by default; then those that are tried when nothing else passes. */
const techniques = [
  webSocket(),
  stream(),
  sse(),
  longPolling(),
  multipart(),
  shortPolling({ interval: 300 }),
  iframe(),
  jsonp(),
];

/** @type {Socket<ServerToClientEvents, ClientToServerEvents>} */
const socket = io("/", {
  transports: techniques.map((technique) => network.wrap(technique)),
  auth: (give) => give(entry),
  autoConnect: false,
  // The demo is impatient, so that a visitor need not be patient.
  reconnectionDelay: 300,
  reconnectionDelayMax: 1_500,
  // Pictures that were sent while away wait, too.
  maxBufferedBytes: 16 * 1024 * 1024,
});
const watch = new Watch(socket);
const panel = new ConnectionPanel(socket, network, watch, () => ({
  missing: ledger.missing(conversation.waiting),
  doubled: ledger.doubled,
  disordered: ledger.disordered,
}));

/** The last message here; what is newer than the history we were given counts as unread. */
let lastId = 0;
let historyEnd = 0;
let unread = 0;
/** @type {readonly RoomSummary[]} */
let rooms = [];

socket.on("entered", (state) => enter(state));
socket.on("message", (message) => {
  ledger.hear(message.id);
  conversation.add(message);
  people.type(message.from, false);
  lastId = Math.max(lastId, message.id);
  if (document.hidden && message.id > historyEnd) unread++;
  reportSeen();
});
socket.on("presence", (kind, member) => {
  if (kind === "left") people.remove(member);
  else people.update(member);
  if (member.id !== conversation.me) conversation.notice(`notice.${kind}`, { name: member.name });
});
socket.on("typing", (member, isTyping) => people.type(member, isTyping));
socket.on("seen", (member, upToId) => conversation.see(member, upToId));
socket.on("rooms", (list) => {
  rooms = list;
  people.showRooms(rooms);
});
socket.on("gap", ({ from, to, reason }) =>
  conversation.notice("notice.gap", { from, to: to ?? "?", reason }, "bad"),
);
socket.on("connect_error", (error) => {
  // That the server cannot be reached shows everywhere else, and passes.
  if (error.code !== "BW_LINK_LOST") composer.complain("error.connect", { reason: error.message });
});

composer.onsend = (text, picture) => {
  const draft = { key: randomHex(), text, picture };
  conversation.addWaiting(draft);
  void send(draft);
};
composer.ontyping = (isTyping) => socket.volatile.emit("typing", isTyping);
conversation.onretry = (draft) => void send(draft);
people.onroom = (room) => void move(entry.name, room);

panel.onrobot = () => socket.emit("robot");
panel.onstrike = (fault, seconds) => conversation.notice(`notice.${fault}`, { seconds }, "fault");
watch.onsample = () => {
  panel.show();
  find("queued", HTMLElement).hidden = watch.transport !== "" || watch.since === 0;
};
watch.onlost = () => conversation.notice("notice.lost", {}, "fault");
watch.onswitch = (transport) => {
  conversation.notice("notice.switched", { transport: { phrase: phraseOf(transport) } }, "good");
};
watch.onreturn = ({ transport, seconds, isRecovered }) => {
  const values = { transport: { phrase: phraseOf(transport) }, seconds: seconds.toFixed(1) };
  if (!isRecovered) return conversation.notice("notice.restarted", values, "fault");
  const before = socket.report();
  const queued = conversation.waiting;
  const words = conversation.notice("notice.resumed", { ...values, queued, replayed: 0, caught: 0 }, "good");
  // What both sides have for each other follows the resumption within a moment.
  setTimeout(() => {
    const { replayed, received } = socket.report();
    const news = { queued, replayed: replayed - before.replayed, caught: received - before.received };
    put(words, "notice.resumed", { ...values, ...news });
  }, 800);
};

document.addEventListener("visibilitychange", () => reportSeen());
window.addEventListener("hashchange", () => void move(entry.name, roomOfAddress()));
window.addEventListener("pagehide", (event) => {
  if (!event.persisted) socket.disconnect();
});
find("rename", HTMLButtonElement).addEventListener("click", async () => {
  const name = await askName(entry.name);
  if (name !== "") await move(name, entry.room);
});

/** `?transport=sse` is a choice that was made before. */
const wanted = new URLSearchParams(location.search).get("transport") ?? "";
if (techniques.some(({ name }) => name === wanted)) socket.io.switchTo(wanted);
if (entry.name === "") entry.name = await askName("");
socket.connect();
composer.focus();

/** @param {Entered} state */
function enter(state) {
  const isSameRoom = state.room === entry.room && conversation.me >= 0;
  entry.room = state.room;
  composer.limits = state.limits;
  ledger.begin();
  conversation.me = state.you;
  conversation.begin(isSameRoom);
  people.begin(state.room, state.you, state.members);
  people.showRooms(rooms);
  for (const member of state.members) conversation.see(member.id, member.seen);
  lastId = 0;
  historyEnd = state.lastId;
  history.replaceState(null, "", `#${encodeURIComponent(state.room)}`);
  find("room", HTMLElement).textContent = state.room;
  find("window", HTMLAnchorElement).href = location.href;
  put(find("text", HTMLTextAreaElement), "composer.placeholder", { room: state.room }, "placeholder");
}

/** @param {Draft} draft */
async function send(draft) {
  try {
    const receipt = await socket.emitWithAck("say", draft);
    if ("refused" in receipt) return conversation.refuse(draft.key, receipt.refused);
    ledger.know(receipt.id);
    conversation.confirm(draft.key, receipt);
  } catch {
    conversation.doubt(draft.key);
  }
}

/**
 * @param {string} name
 * @param {string} room
 */
async function move(name, room) {
  if (name === entry.name && room === entry.room) return;
  try {
    /** @type {Refused | null} */
    const refused = await socket.emitWithAck("enter", { name, room });
    if (refused === null) entry.name = name;
    else composer.complain(`error.${refused}`);
  } catch {
    // The session ended before the answer: we are where the new one began.
  }
}

let reportedId = 0;
let reportTimer = 0;

/** Tells the others how far we have read, a few times a second at most and only while the page is looked at. */
function reportSeen() {
  if (!document.hidden) unread = 0;
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${entry.room} · Bothways`;
  if (document.hidden || reportTimer !== 0) return;
  reportTimer = window.setTimeout(() => {
    reportTimer = 0;
    if (lastId === reportedId) return;
    reportedId = lastId;
    socket.emit("seen", lastId);
  }, 300);
}

function roomOfAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || "lobby";
  } catch {
    return "lobby";
  }
}

/** 128 random bits. `crypto.randomUUID` is missing where a page came over plain HTTP from another host. */
function randomHex() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
