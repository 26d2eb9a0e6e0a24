/**
 * An answer that goes on, on `node:http` and what is like it.
 *
 * Invariants: it counts among the open requests as long as it is open; a client that takes nothing of what waits for
 * `writeTimeoutMs` is cut off; what waits is its link's to charge, and is charged to the account of the requests from when
 * the stream was ended.
 */
import { Buffer } from "node:buffer";
import { REQUEST_OVERHEAD_BYTES } from "../../model/account.ts";
import type { Data } from "../../model/message.ts";
import { defaultWriteTimeoutMs, type OpenRequests } from "./open-requests.ts";
import type { ResponseSink } from "./response-sink.ts";
import type { Stream } from "./stream-link.ts";

/** Against proxies that gather, compress or keep answers, and browsers that look at the first bytes for long. */
const streamHeaders = {
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
  "X-Content-Type-Options": "nosniff",
};

export class HttpStream implements Stream {
  onGone: Stream["onGone"];
  onDrain: (() => void) | undefined;
  readonly #response: ResponseSink;
  readonly #openRequests: OpenRequests;
  #timer: NodeJS.Timeout | undefined;
  #isStalled = false;
  /** Not all that was written has left. */
  #isWaiting = false;
  /** Charged to the account of the requests. */
  #chargedBytes = REQUEST_OVERHEAD_BYTES;

  constructor(
    response: ResponseSink,
    headers: Readonly<Record<string, string>>,
    contentType: string,
    openRequests: OpenRequests,
  ) {
    this.#response = response;
    this.#openRequests = openRequests;
    openRequests.count++;
    openRequests.account.charge(this.#chargedBytes);
    response.on("close", () => this.#leave());
    // The answer's end is that of its connection: Node would write each chunk in four pieces.
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { ...headers, ...streamHeaders, "Content-Type": contentType });
  }

  get unsentBytes(): number {
    return this.#response.writableLength;
  }

  get isFull(): boolean {
    // What the kernel took at once does not count, though `write` returned false for it.
    return this.#response.writableLength >= this.#response.writableHighWaterMark;
  }

  write(chunk: Data): void {
    // ASCII needs no conversion
    const isAscii = typeof chunk === "string" && Buffer.byteLength(chunk) === chunk.length;
    this.#response.write(chunk, isAscii ? "latin1" : "utf8", this.#left);
    this.#isWaiting = true;
    if (this.isFull) this.#expectReader();
  }

  end(isUnread = false): void {
    const response = this.#response;
    if (isUnread) return void response.destroy();
    response.end();
    const { writableLength } = response;
    if (writableLength === 0) return;
    this.#chargedBytes += writableLength;
    this.#openRequests.account.charge(writableLength);
    this.#expectReader();
  }

  #expectReader(): void {
    this.#timer ??= setTimeout(() => {
      this.#isStalled = true;
      this.#response.destroy();
    }, this.#openRequests.writeTimeoutMs ?? defaultWriteTimeoutMs).unref();
  }

  /** A chunk has left, or never will. One function for all of them: Node then calls it for many at a time. */
  readonly #left = (): void => {
    const { writableLength, destroyed } = this.#response;
    if (!this.#isWaiting || writableLength > 0 || destroyed) return;
    this.#isWaiting = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tell(this.onDrain);
  };

  #leave(): void {
    clearTimeout(this.#timer);
    this.#openRequests.count--;
    this.#openRequests.account.charge(-this.#chargedBytes);
    this.#tell(() => this.onGone?.(this.#isStalled ? "BW_SLOW_CONSUMER" : "BW_TRANSPORT_CLOSED"));
  }

  /** A fault of ours in what follows is no error of the process. */
  #tell(callback: (() => void) | undefined): void {
    try {
      callback?.();
    } catch (error) {
      this.#openRequests.report?.(error);
      this.#response.destroy();
    }
  }
}
