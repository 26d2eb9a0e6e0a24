/** The browser client as one file, served at `<path>client.js`. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { ResponseSink } from "../transport/node/response-sink.ts";

export class ClientFile {
  readonly #url: string;
  #bytes: Uint8Array | undefined;

  constructor(path: string) {
    this.#url = `${path}client.js`;
  }

  isAt(url: string | undefined): boolean {
    return url?.split("?")[0] === this.#url;
  }

  serve(response: ResponseSink): void {
    this.#bytes ??= readClient();
    if (!this.#bytes)
      return void response.writeHead(404).end("the client is not where the package puts it\n");
    response.writeHead(200, {
      "Content-Type": "text/javascript; charset=utf-8",
      "Content-Length": this.#bytes.length,
      "Cache-Control": "no-cache",
      "X-Content-Type-Options": "nosniff",
      // a module that a page of another origin imports
      "Access-Control-Allow-Origin": "*",
      "Cross-Origin-Resource-Policy": "cross-origin",
    });
    response.end(this.#bytes);
  }
}

/** `undefined` where it is not beside us, as in a server that was bundled into one file. */
function readClient(): Uint8Array | undefined {
  try {
    return readFileSync(createRequire(import.meta.url).resolve("bothways/client.min.js"));
  } catch {
    return undefined;
  }
}
