/**
 * What is read of one socket. It stands still while the application wishes that, or while a message is being
 * decompressed behind which nothing more can be taken.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

export class Reading {
  readonly #socket: Duplex;
  #isPaused = false;
  #isHeld = false;

  /** `head` is what was read of the socket already. What `take` is given is its own. */
  constructor(socket: Duplex, head: Uint8Array, take: (chunk: Uint8Array) => void) {
    this.#socket = socket;
    if (socket instanceof Socket) socket.setTimeout(0).setNoDelay(true);
    if (head.length > 0) socket.unshift(head);
    socket.on("data", take);
  }

  /** By the application. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Something is being decompressed. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isHeld) this.#socket.resume();
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#socket.pause();
    else if (!this.#isPaused) this.#socket.resume();
  }
}
