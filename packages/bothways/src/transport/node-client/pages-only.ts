/** The techniques that are made of a page's elements, in Node: each attempt is lost, and the report says why. */
import type { ClientTransport } from "../../model/transport.ts";
import { createExchanges } from "../client/exchanges.ts";
import type { StreamingOptions } from "../client/streaming.ts";

function createWithoutDocument(name: string): ClientTransport {
  return createExchanges(
    name,
    (_request, _body, answered) => {
      queueMicrotask(() => answered(0, undefined, `${name} needs a document: it works in pages only`));
      return () => {};
    },
    () => () => {},
  );
}

/** The technique `iframe`. It needs a document, so each attempt fails here, and the report says so. */
export function iframe(_options?: StreamingOptions): ClientTransport {
  return createWithoutDocument("iframe");
}

/** The technique `jsonp`. It needs a document, so each attempt fails here, and the report says so. */
export function jsonp(): ClientTransport {
  return createWithoutDocument("jsonp");
}
