/** The techniques that are made of a page's elements, in Node: they say that they cannot work here. */
import type { ClientTransport } from "../../model/transport.ts";
import type { StreamingOptions } from "../client/streaming.ts";
import { createWithoutDocument } from "../client/without-document.ts";

/** The technique `iframe`. It needs a document, so each attempt fails here, and the report says so. */
export function iframe(_options?: StreamingOptions): ClientTransport {
  return createWithoutDocument("iframe");
}

/** The technique `jsonp`. It needs a document, so each attempt fails here, and the report says so. */
export function jsonp(): ClientTransport {
  return createWithoutDocument("jsonp");
}
