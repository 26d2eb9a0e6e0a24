/** What answers are written to: what we use of a `ServerResponse` of `node:http`, of which there is one for the web, too. */
import type { Writable } from "node:stream";

type Stream =
  | "closed"
  | "destroyed"
  | "writableLength"
  | "writableHighWaterMark"
  | "write"
  | "end"
  | "destroy";

export interface ResponseSink extends Pick<Writable, Stream | "on" | "once"> {
  /** What it answers, where that is of `node:http`. */
  readonly req?: { readonly httpVersionMajor: number };
  readonly headersSent: boolean;
  /** Of `node:http`. */
  useChunkedEncodingByDefault?: boolean;
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers?: Readonly<Record<string, string | number>>): this;
}
