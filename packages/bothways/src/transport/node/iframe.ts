/**
 * The technique `iframe`: a page that does not end, in a hidden frame; each chunk of frames is a script block that hands them
 * to the page around it (docs/protocol, "HTTP streams", "Scripts").
 *
 * Invariants: only the page whose Origin began the link can frame the document, and is handed anything; no script runs in it
 * but those written here, and nothing is loaded by it.
 */
import { Buffer } from "node:buffer";
import type { Data } from "../../model/message.ts";
import { nodePrimitives } from "../../platform/node.ts";
import { encodeBlock, encodePage } from "../../wire/script/script.ts";
import type { StreamForm } from "./stream-link.ts";
import { encodeTextOnly } from "./text-only.ts";

const NONCE_BYTES = 16;

export class IframeForm implements StreamForm {
  readonly contentType = "text/html; charset=utf-8";
  readonly headers: Readonly<Record<string, string>>;
  readonly prologue: string;
  readonly epilogue: string;
  readonly #origin: string | undefined;
  readonly #nonce = Buffer.from(nodePrimitives.randomBytes(NONCE_BYTES)).toString("base64url");

  /** `origin` is the Origin of the hello, which was allowed; without one only pages of our own origin are served. */
  constructor(origin: string | undefined) {
    this.#origin = origin;
    // nothing that a policy's text could be continued with
    const target = /^https?:\/\/[\w.:[\]-]+$/i.test(origin ?? "") ? String(origin) : "/";
    const ancestors = target === "/" ? "'self'" : `'self' ${target}`;
    this.headers = {
      "Content-Security-Policy":
        `default-src 'none'; script-src 'nonce-${this.#nonce}'; base-uri 'none'; form-action 'none'; ` +
        `frame-ancestors ${ancestors}`,
      "Referrer-Policy": "no-referrer",
    };
    this.prologue = encodePage(this.#nonce, target);
    // a page learns that a frame is loaded before it gets the last of what that said
    this.epilogue = encodeBlock(this.#nonce, "");
  }

  /** A nonce is for one page. */
  next(): StreamForm {
    return new IframeForm(this.#origin);
  }

  wrap(frames: readonly Data[]): string {
    return encodeBlock(this.#nonce, frames.map(encodeTextOnly).join("\n"));
  }
}
