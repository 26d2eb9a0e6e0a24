/**
 * The last minute as a picture: one column per second, messages in above the line and out below it, on a ground that
 * shows the transport in use, or that there was none.
 */
import { createSvg } from "./dom.js";

const SECONDS = 60;
const WIDTH = 5;
const HALF = 34;
/** So many messages in a second fill the height, unless there were more. */
const LEAST_SCALE = 6;

/**
 * @typedef {object} Second
 * @property {string} state  name of the transport, "" for none
 * @property {boolean} isBroken  the visitor broke the network
 * @property {number} received
 * @property {number} replayed  of those sent or received, how many came again
 * @property {number} sent
 */

export class Sparkline {
  /** @type {Second[]} */
  #seconds = [];
  #columns;

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    svg.setAttribute("viewBox", `0 0 ${SECONDS * WIDTH} ${2 * HALF + 6}`);
    this.#columns = Array.from({ length: SECONDS }, (_, index) => {
      const x = index * WIDTH;
      const column = {
        ground: createSvg("rect", { x, y: 0, width: WIDTH, height: 2 * HALF, class: "ground" }),
        received: createSvg("rect", { x: x + 1, width: WIDTH - 1.5, rx: 1, class: "bar in" }),
        sent: createSvg("rect", { x: x + 1, y: HALF, width: WIDTH - 1.5, rx: 1, class: "bar out" }),
        state: createSvg("rect", {
          x,
          y: 2 * HALF + 2,
          width: WIDTH,
          height: 4,
          class: "state",
          "data-state": "",
        }),
      };
      svg.append(column.ground, column.received, column.sent, column.state);
      return column;
    });
    svg.append(createSvg("line", { x1: 0, x2: SECONDS * WIDTH, y1: HALF, y2: HALF, class: "axis" }));
  }

  /** @param {Second} second */
  add(second) {
    this.#seconds.push(second);
    if (this.#seconds.length > SECONDS) this.#seconds.shift();
    const scale =
      (HALF - 2) / Math.max(LEAST_SCALE, ...this.#seconds.map((s) => Math.max(s.received, s.sent)));
    const missing = SECONDS - this.#seconds.length;
    for (const [index, column] of this.#columns.entries()) {
      const past = this.#seconds[index - missing];
      const up = (past?.received ?? 0) * scale;
      const down = (past?.sent ?? 0) * scale;
      column.ground.classList.toggle("broken", past?.isBroken ?? false);
      column.state.setAttribute("data-state", past === undefined ? "" : past.state || "none");
      column.received.setAttribute("y", String(HALF - up));
      column.received.setAttribute("height", String(up));
      column.received.classList.toggle("replayed", (past?.replayed ?? 0) > 0);
      column.sent.setAttribute("height", String(down));
      column.sent.classList.toggle("replayed", (past?.replayed ?? 0) > 0);
    }
  }
}
