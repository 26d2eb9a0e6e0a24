/**
 * What one WebSocket sends, in its order: the parts of a message one after another, and whatever was sent behind a Blob
 * only once that has been read.
 */
import { Buffer } from "node:buffer";
import { type Opcode, opcode } from "../wire/websocket/frame.ts";
import type { SendCallback } from "./application.ts";
import type { Channel } from "./channel.ts";
import { byteLength } from "./payload.ts";
import type { PreparedMessage } from "./prepared-message.ts";

/** How `send` sends. */
export interface SendOptions {
  /** Sends as binary message or as text. Default: strings and numbers are text. */
  readonly binary?: boolean | undefined;
  /** False: more parts of the same message follow. Default true. */
  readonly fin?: boolean | undefined;
  /** False: not compressed, though compression was agreed on. Parts of a message never are. Default true. */
  readonly compress?: boolean | undefined;
  /** Without effect: clients mask, servers do not. */
  readonly mask?: boolean | undefined;
}

export class Sender {
  readonly #channel: Channel<unknown>;
  #isFragmenting = false;
  /** The last of those that wait behind a Blob. */
  #tail: Promise<void> | undefined;

  constructor(channel: Channel<unknown>) {
    this.#channel = channel;
  }

  send(
    payload: string | Uint8Array | Blob,
    options: SendOptions | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    if (this.#tail === undefined && !(payload instanceof Blob))
      return this.#write(payload, options, callback);
    this.#enqueue(byteLength(payload), callback, async () => {
      const data = payload instanceof Blob ? Buffer.from(await payload.arrayBuffer()) : payload;
      this.#write(data, options, callback);
    });
    return false;
  }

  sendPrepared(
    message: PreparedMessage,
    options: SendOptions | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    const compress = options?.compress ?? true;
    if (this.#tail === undefined) return this.#channel.sendPrepared(message, compress, callback);
    return this.send(message.payload, { binary: message.isBinary, compress }, callback);
  }

  /** A ping or a pong. */
  sendControl(kind: Opcode, payload: Uint8Array, callback: SendCallback | undefined): void {
    if (this.#tail === undefined) this.#channel.send(payload, kind, true, false, callback);
    else
      this.#enqueue(payload.length, callback, async () =>
        this.#channel.send(payload, kind, true, false, callback),
      );
  }

  close(code: number | undefined, reason: string): void {
    if (this.#tail === undefined) this.#channel.close(code, reason);
    else this.#enqueue(0, undefined, async () => this.#channel.close(code, reason));
  }

  #write(
    payload: string | Uint8Array,
    options: SendOptions | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    const isText = typeof payload === "string";
    const isFinal = options?.fin ?? true;
    const first: Opcode = (options?.binary ?? !isText) ? opcode.binary : opcode.text;
    const kind: Opcode = this.#isFragmenting ? opcode.continuation : first;
    // A whole text is encoded where it leaves from.
    const data = isText && !(isFinal && kind === opcode.text) ? Buffer.from(payload) : payload;
    const mayGoOn = this.#channel.send(data, kind, isFinal, options?.compress ?? true, callback);
    this.#isFragmenting = !isFinal;
    return mayGoOn;
  }

  #enqueue(bytes: number, callback: SendCallback | undefined, job: () => Promise<unknown>): void {
    this.#channel.hold(bytes);
    const tail = this.#run(this.#tail, job).catch((error: unknown) => {
      callback?.(error instanceof Error ? error : new Error(String(error)));
      this.#channel.fail("BW_WS_BLOB");
    });
    this.#tail = tail;
    void tail.then(() => {
      if (this.#tail === tail) this.#tail = undefined;
      this.#channel.release(bytes);
    });
  }

  async #run(before: Promise<void> | undefined, job: () => Promise<unknown>): Promise<void> {
    await before;
    await job();
  }
}
