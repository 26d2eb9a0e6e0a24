/**
 * What is read of one socket. It stands still while the application wishes that, or while a message is being
 * decompressed behind which nothing more can be taken.
 */
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { readShared } from "../transport/node/shared-read.ts";
import type { WebSocketConnection } from "../wire/websocket/connection.ts";

/** Shared by all sockets. Half of it would cut messages of some KiB in two more often, which are then copied. */
const buffer = Buffer.allocUnsafeSlow(131_072);

const longBytes = 4_096;

export interface Reader {
  readonly connection: Pick<WebSocketConnection, "mayEndIn" | "room">;
  /** `chunk` may be overwritten, and is valid during the call, but messages that end in it are views of it to be kept. */
  take(chunk: Uint8Array): void;
}

export class Reading {
  readonly #socket: Duplex;
  #isPaused = false;
  #isHeld = false;

  /** `head` is what was read of the socket already. */
  constructor(socket: Duplex, head: Uint8Array, reader: Reader) {
    this.#socket = socket;
    if (head.length > 0) socket.unshift(head);
    socket.on("data", (chunk: Buffer) => reader.take(chunk));
    if (!(socket instanceof Socket)) return;
    socket.setTimeout(0).setNoDelay(true);
    const { connection } = reader;
    readShared(
      socket,
      (bytes, isShared) => {
        // Messages that end in it are given to the application; one that does not is gathered elsewhere.
        const mustCopy = isShared && connection.mayEndIn(bytes);
        reader.take(mustCopy ? copy(bytes) : bytes);
      },
      { buffer, room: () => connection.room },
    );
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

/**
 * What is long gets memory of its own: it costs less than a part of Node's pool, which it would soon use up, and whoever
 * keeps a message keeps no others.
 */
function copy(bytes: Uint8Array): Buffer {
  if (bytes.length < longBytes) return Buffer.from(bytes);
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}
