/** A message encoded, compressed and framed once, to be sent to many. */
import { Buffer } from "node:buffer";
import type { FrameSlot, SharedFrames } from "../transport/node/per-message-deflate.ts";
import { type Opcode, opcode } from "../wire/websocket/frame.ts";
import { encodeFrame } from "../wire/websocket/serializer.ts";
import { type Sendable, toPayload } from "./payload.ts";

/**
 * A message encoded and framed once, to be sent to many with `send`; compressed once for all who agreed on the same.
 *
 * @example
 * const news = new PreparedMessage(JSON.stringify(item));
 * for (const client of server.clients ?? []) client.send(news);
 */
export class PreparedMessage {
  /** Is it sent as binary message, or as text? */
  readonly isBinary: boolean;
  /** The whole frame, as a server sends it where it is not compressed. */
  readonly frame: Uint8Array;
  /** What is in it. */
  readonly payload: Uint8Array;
  /** Whoever compresses in the same way shares it. */
  readonly #compressed = new Map<SharedFrames, FrameSlot>();

  /**
   * Takes what `send` takes, but for a Blob: a TypeError. The bytes are copied, so `data` may change afterwards. `binary`
   * by default: strings and numbers are text.
   */
  constructor(data: Sendable, options: { readonly binary?: boolean | undefined } = {}) {
    const given = toPayload(data);
    if (typeof given !== "string" && !(given instanceof Uint8Array)) {
      throw new TypeError("a Blob cannot be prepared: prepare its bytes");
    }
    const bytes = typeof given === "string" ? Buffer.from(given) : given;
    this.isBinary = options.binary ?? typeof given !== "string";
    this.frame = encodeFrame(this.#kind, bytes);
    this.payload = this.frame.subarray(this.frame.length - bytes.length);
  }

  get #kind(): Opcode {
    return this.isBinary ? opcode.binary : opcode.text;
  }

  /** @internal Gives its compressed frame, now or later. */
  compress(frames: SharedFrames, done: (frame: Uint8Array) => void): void {
    let slot = this.#compressed.get(frames);
    if (slot === undefined) {
      slot = {};
      this.#compressed.set(frames, slot);
    }
    frames.frameOf(slot, this.#kind, () => this.payload, done);
  }
}
