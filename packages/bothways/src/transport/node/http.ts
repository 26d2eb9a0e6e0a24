/**
 * HTTP requests and answers as bodies of frames, on `node:http` and what is like it.
 *
 * Invariants: a request gets exactly one answer or its client is gone, and `OpenRequests.count` is how many are at
 * neither point; no more of a body is kept than `maxBytes`, whatever its head declares; bodies and answers are charged to
 * an account as long as they wait.
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { type Account, REQUEST_OVERHEAD_BYTES } from "../../model/account.ts";
import { type ErrorCode, errorTable } from "../../model/errors.ts";
import type { Data } from "../../model/message.ts";
import { encodeBody } from "../../wire/native/body.ts";
import { encodeCall } from "../../wire/script/script.ts";
import { refusalOf } from "./exchange-link.ts";
import { HttpStream } from "./http-stream.ts";
import { defaultWriteTimeoutMs, type OpenRequests } from "./open-requests.ts";
import type { ResponseSink } from "./response-sink.ts";
import type { Stream, StreamAnswer } from "./stream-link.ts";
import { encodeTextOnly } from "./text-only.ts";

/** How long a page may remember the answer to a preflight, in seconds. */
const preflightMaxAgeSeconds = 7200;

export class HttpAnswer implements StreamAnswer {
  onGone: (() => void) | undefined;
  /** The answer is a script that calls this function, for which `isCallback` holds. */
  callback: string | undefined;
  readonly #response: ResponseSink;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #openRequests: OpenRequests;
  #isOver = false;

  /** `headers` go on every answer: those of `corsHeaders`. */
  constructor(response: ResponseSink, headers: Readonly<Record<string, string>>, openRequests: OpenRequests) {
    this.#response = response;
    this.#headers = headers;
    this.#openRequests = openRequests;
    openRequests.count++;
    openRequests.account.charge(REQUEST_OVERHEAD_BYTES);
    // A client that leaves while we write is no error of ours.
    response.on("error", () => {});
    // It closes after it was sent, too.
    response.on("close", () => this.#leave());
    if (response.closed || response.destroyed) this.#finish();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  send(status: number, frames: readonly Data[]): void {
    if (this.#isOver) return;
    this.#finish();
    try {
      if (this.callback === undefined) this.#write(status, encodeBody(frames));
      else this.#writeScript(encodeCall(this.callback, frames.map(encodeTextOnly).join("\n")));
    } catch (error) {
      this.#openRequests.report?.(error);
      this.#response.destroy();
    }
  }

  /** Answers who speaks none of our frames. */
  sendJson(status: number, value: object, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#isOver) return;
    this.#finish();
    this.#write(status, JSON.stringify(value), { ...headers, "Content-Type": "application/json" });
  }

  /** Refuses such a client with an error of the table. `message` is text of ours: it reaches the client. */
  refuseJson(code: ErrorCode, message: string = errorTable[code].message): void {
    const headers = code === "BW_UNAUTHORIZED" ? { "WWW-Authenticate": "Bearer" } : undefined;
    this.sendJson(errorTable[code].httpStatus, { code, message }, headers);
  }

  /** Refuses what should have been an upgrade, in the words of one. RFC 9110 §15.5.22: 426 names what it asks for. */
  refuseUpgrade(code: ErrorCode, detail: string = errorTable[code].message): void {
    if (this.#isOver) return;
    this.#finish();
    const { httpStatus } = errorTable[code];
    // HTTP/2 has no such headers
    const isAsked = httpStatus === 426 && this.#response.req?.httpVersionMajor === 1;
    const headers = isAsked ? { Upgrade: "websocket", Connection: "Upgrade, close" } : undefined;
    this.#write(httpStatus, `${code}: ${detail}\n`, headers);
  }

  /** Hands the response over to a stream, which answers from here on. `undefined` where its client has gone. */
  takeOver(): ResponseSink | undefined {
    if (this.#isOver) return undefined;
    this.#finish();
    for (const [name, value] of Object.entries(this.#headers)) this.#response.setHeader(name, value);
    return this.#response;
  }

  /** How long a client may take nothing of what waits for it. */
  get writeTimeoutMs(): number {
    return this.#openRequests.writeTimeoutMs ?? defaultWriteTimeoutMs;
  }

  begin(contentType: string, headers?: Readonly<Record<string, string>>): Stream | undefined {
    if (this.#isOver) return undefined;
    this.#finish();
    return new HttpStream(this.#response, { ...this.#headers, ...headers }, contentType, this.#openRequests);
  }

  #write(status: number, body: Data, headers: Readonly<Record<string, string>> = {}): void {
    // RFC 9110 §15.3.5: such an answer has no content, and says nothing of it
    if (status === 204) return void this.#response.writeHead(204, this.#headers).end();
    const isText = typeof body === "string";
    const length = isText ? Buffer.byteLength(body) : body.length;
    this.#response.writeHead(status, {
      ...this.#headers,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      "Content-Type": isText ? "text/plain; charset=utf-8" : "application/octet-stream",
      "Content-Length": length,
      ...headers,
      // The rest of such a request is not worth waiting for. HTTP/2 has other requests on the connection, and no such header.
      ...(status === errorTable.BW_BODY_TIMEOUT.httpStatus && this.#response.req?.httpVersionMajor === 1
        ? { Connection: "close" }
        : undefined),
    });
    // ASCII needs no conversion, and neither does the head in front of it
    this.#response.end(body, isText && length === body.length ? "latin1" : "utf8");
    this.#awaitReader();
  }

  /** Browsers run no script of another status than 200. */
  #writeScript(script: string): void {
    this.#response.writeHead(200, {
      ...this.#headers,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      "Content-Type": "text/javascript; charset=utf-8",
      // whoever opens it instead of running it gets a file of no meaning
      "Content-Disposition": 'attachment; filename="f.txt"',
      "Content-Length": Buffer.byteLength(script),
    });
    this.#response.end(script);
    this.#awaitReader();
  }

  /** Answers with an error of the table. `detail` is text of ours: it reaches the client. */
  refuse(error: ErrorCode, detail?: string): void {
    this.send(...refusalOf(error, detail));
  }

  /** Answers a preflight (Fetch, "CORS-preflight request"). Our own client's requests cause none. */
  permit(requestedHeaders: string | undefined): void {
    if (this.#isOver) return;
    this.#finish();
    this.#response.writeHead(204, {
      ...this.#headers,
      "Cache-Control": "no-store",
      "Access-Control-Allow-Methods": "POST, OPTIONS",
      "Access-Control-Max-Age": preflightMaxAgeSeconds,
      ...(requestedHeaders === undefined ? undefined : { "Access-Control-Allow-Headers": requestedHeaders }),
    });
    this.#response.end();
  }

  #awaitReader(): void {
    const { account } = this.#openRequests;
    const response = this.#response;
    const unsentBytes = response.writableLength;
    if (unsentBytes === 0) return;
    account.charge(unsentBytes);
    const timer = setTimeout(() => response.destroy(), this.writeTimeoutMs).unref();
    response.once("close", () => {
      clearTimeout(timer);
      account.charge(-unsentBytes);
    });
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#finish();
    try {
      this.onGone?.();
    } catch (error) {
      // of ours, and no error of the process
      this.#openRequests.report?.(error);
    }
  }

  #finish(): void {
    this.#isOver = true;
    this.#openRequests.count--;
    this.#openRequests.account.charge(-REQUEST_OVERHEAD_BYTES);
  }
}

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
