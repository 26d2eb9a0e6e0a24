/**
 * The bodies of HTTP requests, on `node:http`.
 *
 * Invariants: no more of a body is kept than `maxBytes`, whatever its head declares; what is kept is charged to an account
 * as long as it waits.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Account } from "../../model/account.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the end of the head to the end of the body. */
  readonly timeoutMs: number;
  /** Charged with what is kept until `done` has returned; where it is over its limit the body is refused. */
  readonly account: Account;
}

type BodyError = "BW_MESSAGE_TOO_LARGE" | "BW_BODY_TIMEOUT" | "BW_OVERFLOW";

export type BodyResult =
  | { readonly isRead: true; readonly bytes: Uint8Array }
  | { readonly isRead: false; readonly error: BodyError };

/**
 * Reads the body of `request` and calls `done` once, or never if the client goes away first. The body is judged by the
 * length its head declares and then by what arrives. What follows after a refusal is read and thrown away, so that the
 * answer reaches a client that still sends, until the time is over; then the connection is cut.
 */
export function readBody(
  request: Readable & Pick<IncomingMessage, "headers">,
  limits: BodyLimits,
  done: (result: BodyResult) => void,
): void {
  // Most bodies come in one piece with their head and are there at once: no listener, no timer.
  process.nextTick(() => {
    const declared = Number(request.headers["content-length"]);
    if (request.readableLength !== declared || declared > limits.maxBytes) {
      return gatherBody(request, limits, done);
    }
    const bytes = viewOf(request.read() ?? nothing);
    // Node waits for the end of what it gave us
    request.resume();
    done({ isRead: true, bytes });
  });
}

function gatherBody(
  request: Readable & Pick<IncomingMessage, "headers">,
  { maxBytes, timeoutMs, account }: BodyLimits,
  done: (result: BodyResult) => void,
): void {
  const body = new GrowingBody(maxBytes, account);
  let isDone = false;
  const finish = (result: BodyResult) => {
    if (isDone) return;
    isDone = true;
    done(result);
    body.clear();
  };
  const refuse = (error: BodyError) => {
    body.clear();
    finish({ isRead: false, error });
  };
  const timer = setTimeout(() => {
    if (isDone) return void request.destroy();
    refuse("BW_BODY_TIMEOUT");
    // it was not read to its end, which may never come
    timer.refresh();
  }, timeoutMs);
  request.on("error", () => {});
  request.on("close", () => {
    clearTimeout(timer);
    body.clear();
  });
  request.on("end", () => {
    clearTimeout(timer);
    finish({ isRead: true, bytes: body.bytes });
  });
  request.on("data", (chunk: Uint8Array) => {
    if (isDone) return;
    if (!body.append(chunk)) refuse("BW_MESSAGE_TOO_LARGE");
    else if (account.isOver) refuse("BW_OVERFLOW");
  });
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) refuse("BW_MESSAGE_TOO_LARGE");
}

const nothing = new Uint8Array(0);

/** Not a `Buffer`, whose `slice` shares where that of a Uint8Array copies. */
function viewOf({ buffer, byteOffset, length }: Uint8Array, first = length): Uint8Array {
  return new Uint8Array(buffer, byteOffset, first);
}

/** Chunks joined as they arrive: many small ones cost no more than their bytes, at most twice over. */
class GrowingBody {
  readonly #maxBytes: number;
  readonly #account: Account;
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;

  constructor(maxBytes: number, account: Account) {
    this.#maxBytes = maxBytes;
    this.#account = account;
  }

  get bytes(): Uint8Array {
    return viewOf(this.#buffer, this.#length);
  }

  /** False if the body would be too long. */
  append(chunk: Uint8Array): boolean {
    const length = this.#length + chunk.length;
    if (length > this.#maxBytes) return false;
    if (this.#length === 0) {
      // Most bodies are one chunk, and Node gives each its own memory.
      this.#keep(chunk);
    } else {
      if (length > this.#buffer.length) this.#grow(length);
      this.#buffer.set(chunk, this.#length);
    }
    this.#length = length;
    return true;
  }

  clear(): void {
    this.#keep(new Uint8Array(0));
    this.#length = 0;
  }

  #keep(buffer: Uint8Array): void {
    this.#account.charge(buffer.length - this.#buffer.length);
    this.#buffer = buffer;
  }

  #grow(length: number): void {
    const grown = new Uint8Array(Math.min(length * 2, this.#maxBytes));
    grown.set(this.bytes);
    this.#keep(grown);
  }
}
