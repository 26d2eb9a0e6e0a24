/**
 * Watches one socket and says when the visitor was cut off, came back, or went over to another transport.
 */

/** @import { Socket } from "bothways/client" */

const SAMPLE_MS = 250;

/**
 * @typedef {object} Return
 * @property {string} transport
 * @property {number} seconds  how long it took
 * @property {boolean} isRecovered  the same session goes on
 */

export class Watch {
  onlost = () => {};
  onreturn = (/** @type {Return} */ _return) => {};
  onswitch = (/** @type {string} */ _transport) => {};
  /** Called after each look. */
  onsample = () => {};
  /** Name of the transport in use, "" for none. */
  transport = "";
  /** How often the session was resumed. */
  resumed = 0;
  /** When the session began: milliseconds since 1970. */
  since = 0;
  #socket;
  #lostAt = 0;

  /** @param {Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on("connect", () => this.#look());
    socket.on("disconnect", () => this.#look());
    socket.io.on("transport", () => this.#look());
    setInterval(() => this.#look(), SAMPLE_MS);
  }

  /** There was a connection, and it was lost. */
  get isAway() {
    return this.#lostAt !== 0;
  }

  /** Seconds without a connection, 0 while there is one and before the first. */
  get awaySeconds() {
    return this.#lostAt === 0 ? 0 : (performance.now() - this.#lostAt) / 1_000;
  }

  #look() {
    const before = this.transport;
    this.transport = this.#socket.connected ? (this.#socket.report().transport ?? "") : "";
    if (before !== this.transport) this.#changed(before);
    this.onsample();
  }

  /** @param {string} before */
  #changed(before) {
    if (this.transport === "") {
      this.#lostAt = performance.now();
      return this.onlost();
    }
    if (before !== "") return this.onswitch(this.transport);
    const isRecovered = this.since > 0 && this.#socket.recovered;
    if (isRecovered) this.resumed++;
    else this.since = Date.now();
    const seconds = this.awaySeconds;
    this.#lostAt = 0;
    if (seconds > 0) this.onreturn({ transport: this.transport, seconds, isRecovered });
  }
}
