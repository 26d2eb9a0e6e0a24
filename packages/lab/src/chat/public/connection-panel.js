/** The panel that shows the connection, and lets a visitor force a transport or break the network. */
import { create, find, formatBytes } from "./dom.js";
import { currentLanguage, put } from "./i18n.js";
import { Sparkline } from "./sparkline.js";

/** @import { Socket } from "bothways/client" */
/** @import { Phrase } from "./i18n.js" */
/** @import { Fault, Network } from "./network.js" */
/** @import { Watch } from "./watch.js" */

/** @typedef {{ missing: number, doubled: number, disordered: number }} Checks */

const SHOWN_ATTEMPTS = 6;

/**
 * The phrase for a transport's name, "" for none.
 * @param {string} transport
 * @returns {Phrase}
 */
export function phraseOf(transport) {
  return /** @type {Phrase} */ (`transport.${transport || "none"}`);
}

export class ConnectionPanel {
  /** Called when the visitor breaks the network. */
  onstrike = (/** @type {Fault} */ _fault, /** @type {number} */ _seconds) => {};
  onrobot = () => {};
  #socket;
  #network;
  #watch;
  #checks;
  #badgeText = find("badge-text", HTMLElement);
  #status = find("status", HTMLElement);
  #state = find("state", HTMLElement);
  #sessionLine = find("session", HTMLElement);
  #faultRow = find("fault-row", HTMLElement);
  #faultProgress = find("fault-progress", HTMLElement);
  #faultRemaining = find("fault-remaining", HTMLElement);
  #faultBar = find("fault-bar", HTMLProgressElement);
  #attempts = find("attempts", HTMLTableSectionElement);
  #sparkline;
  #healsAt = 0;
  #lastSecond = { received: 0, sent: 0, replayed: 0 };
  #shownAttempts = "";

  /**
   * @param {Socket} socket
   * @param {Network} network
   * @param {Watch} watch
   * @param {() => Checks} checks
   */
  constructor(socket, network, watch, checks) {
    this.#socket = socket;
    this.#network = network;
    this.#watch = watch;
    this.#checks = checks;
    const chart = document.querySelector("#chart");
    if (!(chart instanceof SVGSVGElement)) throw new Error("index.html lacks #chart");
    this.#sparkline = new Sparkline(chart);
    this.#listen();
    setInterval(() => this.#addSecond(), 1_000);
  }

  /** Shows the state of now. */
  show() {
    const { transport, awaySeconds, isAway } = this.#watch;
    const seconds = Math.floor(awaySeconds);
    const state = transport !== "" ? "online" : isAway ? "away" : "connecting";
    document.body.dataset.state = state;
    document.body.dataset.transport = transport;
    const isOnline = state === "online";
    const headline = isOnline ? phraseOf(transport) : /** @type {const} */ (`state.${state}`);
    put(this.#status, headline, { seconds });
    put(this.#state, isOnline ? "state.online" : "transport.none");
    put(this.#badgeText, headline, { seconds });
    this.#showSession();
    this.#showTransport(transport);
    this.#showFault();
    this.#showCounters();
    this.#showAttempts();
  }

  #listen() {
    for (const button of document.querySelectorAll("[data-transport-choice]")) {
      const name = button.getAttribute("data-transport-choice") ?? "";
      button.addEventListener("click", () => this.#socket.io.switchTo(name));
    }
    for (const button of document.querySelectorAll("[data-seconds]")) {
      const seconds = Number(button.getAttribute("data-seconds"));
      put(button, "fault.seconds", { seconds });
      button.addEventListener("click", () => this.#strike(seconds));
    }
    find("heal", HTMLButtonElement).addEventListener("click", () => this.#network.heal());
    find("robot", HTMLButtonElement).addEventListener("click", () => this.onrobot());
  }

  /** @param {number} seconds */
  #strike(seconds) {
    const chosen = document.querySelector("input[name=fault]:checked");
    const fault = chosen instanceof HTMLInputElement && chosen.value === "silent" ? "silent" : "cut";
    this.#faultBar.max = seconds;
    this.#healsAt = performance.now() + seconds * 1_000;
    this.onstrike(fault, seconds);
    this.#network.strike(fault);
    this.show();
  }

  #showSession() {
    const { resumed, since } = this.#watch;
    const time = new Intl.DateTimeFormat(currentLanguage(), { timeStyle: "medium" }).format(since);
    this.#sessionLine.hidden = since === 0;
    if (resumed > 0 && this.#socket.recovered) put(this.#sessionLine, "session.recovered");
    else put(this.#sessionLine, "session.new", { time });
    this.#sessionLine.dataset.recovered = String(this.#socket.recovered);
  }

  /** @param {string} transport */
  #showTransport(transport) {
    for (const button of document.querySelectorAll("[data-transport-choice]")) {
      const isChosen = button.getAttribute("data-transport-choice") === transport;
      button.setAttribute("aria-pressed", String(isChosen));
    }
  }

  #showFault() {
    const isBroken = this.#network.fault !== undefined;
    const remaining = Math.max(0, (this.#healsAt - performance.now()) / 1_000);
    if (isBroken && remaining === 0) return this.#network.heal();
    this.#faultRow.hidden = isBroken;
    this.#faultProgress.hidden = !isBroken;
    document.body.classList.toggle("broken", isBroken);
    if (!isBroken) return;
    this.#faultBar.value = remaining;
    put(this.#faultRemaining, "fault.remaining", { seconds: Math.ceil(remaining) });
  }

  #showCounters() {
    const report = this.#socket.report();
    const { missing, doubled, disordered } = this.#checks();
    const numbers = {
      sent: report.sent,
      received: report.received,
      replayed: report.replayed,
      "bytes-sent": formatBytes(report.bytesSent),
      "bytes-received": formatBytes(report.bytesReceived),
      resumed: this.#watch.resumed,
      missing,
      doubled,
      disordered,
    };
    for (const [name, number] of Object.entries(numbers)) {
      const element = find(`count-${name}`, HTMLElement);
      element.textContent = typeof number === "number" ? number.toLocaleString(currentLanguage()) : number;
    }
    find("checks", HTMLElement).classList.toggle("failed", missing + doubled + disordered > 0);
  }

  #addSecond() {
    const { received, sent, replayed } = this.#socket.report();
    const before = this.#lastSecond;
    this.#lastSecond = { received, sent, replayed };
    this.#sparkline.add({
      state: this.#watch.transport,
      isBroken: this.#network.fault !== undefined,
      received: Math.max(0, received - before.received),
      sent: Math.max(0, sent - before.sent),
      replayed: Math.max(0, replayed - before.replayed),
    });
  }

  /** The table is made anew only when there is news, so that a screen reader can stay in it. */
  #showAttempts() {
    const attempts = this.#socket.report().attempts.slice(-SHOWN_ATTEMPTS).reverse();
    const shown = JSON.stringify([currentLanguage(), attempts]);
    if (shown === this.#shownAttempts) return;
    this.#shownAttempts = shown;
    const rows = attempts.map(({ transport, ms, outcome, code, reason }) => {
      const why = [code || "", reason].join(" ").trim();
      return create(
        "tr",
        "",
        put(create("td"), phraseOf(transport)),
        create("td", "number", outcome === "pending" ? "…" : `${Math.round(ms)} ms`),
        create("td", "", put(create("span"), `outcome.${outcome}`), create("small", "", why)),
      );
    });
    this.#attempts.replaceChildren(...rows);
  }
}
