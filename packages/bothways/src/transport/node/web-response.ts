/**
 * A web `Response` that is written as one of `node:http` is: what was written and not yet read from its body is what
 * waits in it.
 *
 * Invariants: `answer` is fulfilled exactly once, whatever happens; the body holds nothing, so each byte is counted here
 * until whoever sends it asks for it; where the body or the request is given up, this closes as if the client had gone.
 */
import type { Buffer } from "node:buffer";
import { Writable } from "node:stream";
import type { ResponseSink } from "./response-sink.ts";

/** Of an answer nobody waits for; some servers' logs know it by this. */
const CLIENT_CLOSED_REQUEST = 499;
const INTERNAL_SERVER_ERROR = 500;

export class WebResponse extends Writable implements ResponseSink {
  readonly answer: Promise<Response>;
  readonly #signal: AbortSignal;
  readonly #headers = new Headers();
  #fulfil: (response: Response) => void = () => {};
  #status = INTERNAL_SERVER_ERROR;
  #headersSent = false;
  #isFulfilled = false;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Somebody reads the body, and waits. */
  #isWanted = false;
  #waiting: { readonly chunk: Uint8Array; readonly taken: () => void } | undefined;

  /** `signal` is the request's. */
  constructor(signal: AbortSignal) {
    super();
    this.answer = new Promise((resolve) => {
      this.#fulfil = resolve;
    });
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort);
    if (signal.aborted) this.destroy();
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>> = {}): this {
    this.#headersSent = true;
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) this.#headers.set(name, String(value));
    // a whole answer is one by the end of the turn, and costs no stream
    queueMicrotask(() => this.#begin());
    return this;
  }

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.#waiting = { chunk, taken };
    this.#deliver();
  }

  override _final(done: () => void): void {
    this.#begin();
    this.#close();
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#waiting = undefined;
    if (!this.#isFulfilled) {
      const status = this.#signal.aborted ? CLIENT_CLOSED_REQUEST : INTERNAL_SERVER_ERROR;
      this.#answer(new Response(null, { status }));
    }
    // some servers would write an error, or print it, for a client that merely left
    if (this.#signal.aborted) this.#close();
    else if (!this.writableFinished) this.#body?.error(new Error("the answer was cut off"));
    done();
  }

  #begin(): void {
    if (this.#isFulfilled) return;
    const waiting = this.#waiting;
    const init = { status: this.#status, headers: this.#headers };
    const length = waiting?.chunk.length ?? 0;
    // what is longer than a connection takes at once is to be counted as long as it waits
    if (this.writableEnded && length === this.writableLength && length <= this.writableHighWaterMark) {
      this.#answer(new Response(waiting?.chunk, init));
      this.#waiting = undefined;
      return waiting?.taken();
    }
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () => {
          this.#isWanted = true;
          this.#deliver();
        },
        cancel: () => void this.destroy(),
      },
      { highWaterMark: 0 },
    );
    this.#answer(new Response(body, init));
  }

  #close(): void {
    this.#body?.close();
    this.#body = undefined;
  }

  #answer(response: Response): void {
    this.#isFulfilled = true;
    this.#fulfil(response);
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || !this.#isWanted) return;
    this.#isWanted = false;
    this.#waiting = undefined;
    this.#body?.enqueue(waiting.chunk);
    waiting.taken();
  }

  readonly #abort = (): void => void this.destroy();
}
