/**
 * A web `Request` as a head and a stream of bytes, which is what we use of a request of `node:http`.
 *
 * Invariant: nothing of the body is taken before somebody reads.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { RequestHead } from "./address.ts";

/** A request that was received by `node:http`, or by `fetch` on the server. */
export type HttpRequest = IncomingMessage | WebRequest;

/** A request as the application knows it. */
export function shownOf(request: HttpRequest): IncomingMessage | Request {
  return request instanceof WebRequest ? request.original : request;
}

export class WebRequest extends Readable implements RequestHead {
  /** As the application knows it. */
  readonly original: Request;
  readonly method: string;
  /** Path and query, as in the first line of HTTP/1.1. */
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly socket: RequestHead["socket"];
  #body: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(request: Request, remoteAddress: string) {
    super();
    if (request.bodyUsed) throw new TypeError("the body of the request was read already");
    const { protocol, host, pathname, search } = new URL(request.url);
    this.original = request;
    this.method = request.method;
    this.url = pathname + search;
    // who speaks HTTP/2 names no Host, and neither does a request that was made by hand
    this.headers = { host, ...Object.fromEntries(request.headers) };
    this.socket = { remoteAddress, encrypted: protocol === "https:" };
  }

  override _read(): void {
    this.#readChunk().catch((error: Error) => this.destroy(error));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // a body that has failed cannot be cancelled
    this.#body?.cancel().catch(() => {});
    done(error);
  }

  async #readChunk(): Promise<void> {
    this.#body ??= this.original.body?.getReader();
    const { value = null } = (await this.#body?.read()) ?? {};
    this.push(value);
  }
}
