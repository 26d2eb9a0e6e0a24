/**
 * The peer's half of permessage-deflate (RFC 7692 §7.2) on synchronous zlib: what came before is the dictionary, which is
 * all that context takeover is.
 */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Side } from "./case.ts";

const tail = Buffer.from([0, 0, 0xff, 0xff]);

export class DeflatePeer {
  readonly #sent: Window;
  readonly #received: Window;

  /** `agreed` is the server's answer; `side` is the target's. */
  constructor(agreed: string, side: Side) {
    const server = windowOf(agreed, "server");
    const client = windowOf(agreed, "client");
    [this.#sent, this.#received] = side === "server" ? [client, server] : [server, client];
  }

  compress(payload: Uint8Array): Buffer {
    const window = this.#sent;
    const deflated = deflateRawSync(payload, {
      windowBits: window.bits,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...window.dictionary(),
    });
    window.add(payload);
    return deflated.subarray(0, -tail.length);
  }

  /** Throws where the target's window was larger than agreed, or it referred to what it should have forgotten. */
  decompress(payload: Uint8Array): Buffer {
    const window = this.#received;
    const message = inflateRawSync(Buffer.concat([payload, tail]), {
      windowBits: window.bits,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...window.dictionary(),
    });
    window.add(message);
    return message;
  }
}

class Window {
  readonly bits: number;
  readonly #isKept: boolean;
  #content: Buffer = Buffer.alloc(0);

  constructor(bits: number, isKept: boolean) {
    this.bits = bits;
    this.#isKept = isKept;
  }

  dictionary(): { dictionary?: Buffer } {
    return this.#content.length > 0 ? { dictionary: this.#content } : {};
  }

  add(message: Uint8Array): void {
    if (this.#isKept) this.#content = Buffer.concat([this.#content, message]).subarray(-(1 << this.bits));
  }
}

function windowOf(agreed: string, whose: Side): Window {
  const bits = new RegExp(`${whose}_max_window_bits="?(\\d+)`).exec(agreed)?.[1] ?? "15";
  return new Window(Number(bits), !agreed.includes(`${whose}_no_context_takeover`));
}
