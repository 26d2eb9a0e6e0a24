/**
 * A network that can be broken. The client has no such thing, so each transport is wrapped: a transport is a value with
 * `open(request, hello, handler)` that returns a link, and this one stands between the link and its handler.
 *
 * Invariant: a link that was struck never speaks again, in neither direction, also after the network is whole. What it
 * swallowed is gone, and only a new link, which resumes the session, can bring it back.
 */

/** @import { ClientTransport, Link, LinkHandler } from "bothways/client" */

/**
 * `cut`: links are lost at once. `silent`: links are half-open, nothing fails and nothing arrives.
 * @typedef {"cut" | "silent"} Fault
 */

/** Tells the server that this link ended and its session goes on (4000 + 408: nothing was heard in time). */
const LINK_ENDED = 4408;

export class Network {
  /** @type {Fault | undefined} */
  fault;
  /** Called when the network breaks or heals. */
  onchange = () => {};
  /** @type {Set<Wire>} */
  #wires = new Set();

  /**
   * The same transport, over this network.
   * @param {ClientTransport} transport
   * @returns {ClientTransport}
   */
  wrap(transport) {
    return {
      ...transport,
      open: (request, hello, handler) => {
        const wire = new Wire(transport.name, handler, () => this.#wires.delete(wire));
        this.#wires.add(wire);
        if (this.fault === undefined) wire.attach(transport.open(request, hello, wire));
        else if (this.fault === "cut") setTimeout(() => wire.fail(), 50);
        return wire;
      },
    };
  }

  /** @param {Fault} fault */
  strike(fault) {
    this.fault = fault;
    for (const wire of [...this.#wires]) {
      if (fault === "cut") wire.fail();
      else wire.silence();
    }
    this.onchange();
  }

  /** Links of before stay as dead as they were; attempts that waited for an answer fail, and new ones succeed. */
  heal() {
    if (this.fault === undefined) return;
    this.fault = undefined;
    for (const wire of [...this.#wires]) wire.failIfUnanswered();
    this.onchange();
  }
}

/**
 * Both a link, as the session sees it, and the handler that the real link sees.
 * @implements {Link}
 * @implements {LinkHandler}
 */
class Wire {
  /** @type {Link | undefined} */
  #link;
  #isSilent = false;
  #hasEnded = false;
  #wasAnswered = false;
  #handler;
  #forget;

  /**
   * @param {string} transport
   * @param {LinkHandler} handler
   * @param {() => void} forget
   */
  constructor(transport, handler, forget) {
    this.transport = transport;
    this.#handler = handler;
    this.#forget = forget;
  }

  get rewinds() {
    return this.#link?.rewinds ?? false;
  }

  get #isDead() {
    return this.#isSilent || this.#hasEnded;
  }

  /** @param {Link} link */
  attach(link) {
    this.#link = link;
  }

  fail() {
    if (this.#hasEnded) return;
    this.close(LINK_ENDED, "");
    this.#handler.lost("BW_WS_ABNORMAL");
  }

  silence() {
    this.#isSilent = true;
    // A WebSocket stays open, unheard. HTTP exchanges stop: a poll whose answer nobody takes would be asked again at once.
    if (this.rewinds) this.#link?.close(LINK_ENDED, "");
  }

  failIfUnanswered() {
    if (!this.#wasAnswered) this.fail();
  }

  // What the session asks of its link.

  /** @param {Parameters<Link["send"]>[0]} frame */
  send(frame) {
    if (!this.#isDead) this.#link?.send(frame);
  }

  flush() {
    if (!this.#isDead) this.#link?.flush();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  close(code, reason) {
    this.#hasEnded = true;
    this.#forget();
    this.#link?.close(code, reason);
  }

  // What the link tells the session.

  /** @param {Parameters<LinkHandler["receive"]>[0]} data */
  receive(data) {
    if (this.#isDead) return;
    this.#wasAnswered = true;
    this.#handler.receive(data);
  }

  received() {
    if (!this.#isDead) this.#handler.received();
  }

  writable() {
    if (!this.#isDead) this.#handler.writable();
  }

  blocked() {
    if (!this.#isDead) this.#handler.blocked();
  }

  position() {
    return this.#handler.position();
  }

  /** @param {Parameters<LinkHandler["lost"]>} news */
  lost(...news) {
    if (this.#isDead) return;
    this.#hasEnded = true;
    this.#forget();
    this.#handler.lost(...news);
  }
}
