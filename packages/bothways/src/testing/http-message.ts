/**
 * HTTP/1.x messages as bytes come in (RFC 9112 §2, §6, §7), for a proxy that changes them.
 *
 * Invariant: a reader keeps no more than one head or one line of chunked framing; body bytes are handed out as they come.
 */
import { Buffer } from "node:buffer";

/** The start line, and the headers as they were written. */
export interface Head {
  readonly start: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface MessageHandler {
  head(head: Head): void;
  body(bytes: Uint8Array): void;
  end(): void;
}

/** How long the body of a message is: so many bytes, in chunks, or until the connection ends. */
export type BodyLength = number | "chunked" | "until-end";

const maxHeadBytes = 65_536;

export class MessageReader {
  readonly #lengthOf: (head: Head) => BodyLength;
  readonly #handler: MessageHandler;
  #state: "head" | "body" | "chunk-size" | "chunk" | "trailer" | "stopped" = "head";
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes to come of the body or chunk. */
  #left = 0;

  constructor(lengthOf: (head: Head) => BodyLength, handler: MessageHandler) {
    this.#lengthOf = lengthOf;
    this.#handler = handler;
  }

  /** False where this is no HTTP. */
  push(bytes: Uint8Array): boolean {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#step()) {
      // each step takes something
    }
    return this.#rest.length <= maxHeadBytes && !Number.isNaN(this.#left);
  }

  /** The connection has ended. False in mid-message. */
  end(): boolean {
    if (this.#state !== "body" || this.#left !== Number.POSITIVE_INFINITY) return this.#state === "head";
    this.#finish();
    return true;
  }

  /** What follows is not HTTP: reads no more, and gives back what it has not used. */
  stop(): Uint8Array {
    this.#state = "stopped";
    return this.#take(this.#rest.length);
  }

  #step(): boolean {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "body":
      case "chunk":
        return this.#readBody();
      case "chunk-size":
        return this.#readLine((line) => {
          // the line end behind a chunk
          if (line === "") return;
          this.#left = Number.parseInt(line, 16);
          this.#state = this.#left === 0 ? "trailer" : "chunk";
        });
      case "trailer":
        return this.#readLine((line) => line === "" && this.#finish());
      case "stopped":
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = parseHead(this.#take(end + 4).toString("latin1", 0, end));
    const length = this.#lengthOf(head);
    this.#state = length === "chunked" ? "chunk-size" : "body";
    this.#left = typeof length === "number" ? length : Number.POSITIVE_INFINITY;
    this.#handler.head(head);
    if (length === 0) this.#finish();
    return true;
  }

  #readBody(): boolean {
    const bytes = this.#take(Math.min(this.#left, this.#rest.length));
    if (bytes.length === 0) return false;
    this.#left -= bytes.length;
    this.#handler.body(bytes);
    if (this.#left > 0) return true;
    if (this.#state === "chunk") this.#state = "chunk-size";
    else this.#finish();
    return true;
  }

  #readLine(use: (line: string) => void): boolean {
    const end = this.#rest.indexOf("\r\n");
    if (end < 0) return false;
    use(this.#take(end + 2).toString("latin1", 0, end));
    return true;
  }

  #finish(): void {
    if (this.#state === "stopped") return;
    this.#state = "head";
    this.#handler.end();
  }

  #take(count: number): Buffer {
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }
}

function parseHead(text: string): Head {
  const [start = "", ...lines] = text.split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  return { start, headers };
}

export function encodeHead({ start, headers }: Head): Buffer {
  const lines = [start, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

export function encodeChunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

export const lastChunk: Buffer = Buffer.from("0\r\n\r\n");

/** Value of a header in lower case, `""` where there is none. */
export function headerOf({ headers }: Head, name: string): string {
  return headers
    .filter(([each]) => each.toLowerCase() === name)
    .map(([, value]) => value.toLowerCase())
    .join(", ");
}

/** The headers but those of these names, which are in lower case. */
export function without(headers: Head["headers"], ...names: string[]): Head["headers"] {
  return headers.filter(([name]) => !names.includes(name.toLowerCase()));
}

export function lengthOfRequest(head: Head): BodyLength {
  if (headerOf(head, "transfer-encoding") !== "") return "chunked";
  return Number(headerOf(head, "content-length"));
}

/** `method` is that of the request. */
export function lengthOfResponse(head: Head, method: string): BodyLength {
  const status = statusOf(head);
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  if (headerOf(head, "transfer-encoding") !== "") return "chunked";
  const length = headerOf(head, "content-length");
  return length === "" ? "until-end" : Number(length);
}

export function statusOf({ start }: Head): number {
  return Number(start.split(" ")[1]);
}
