/** What takes the place of a technique that needs a page, where there is none. */
import type { ClientTransport } from "../../model/transport.ts";
import { createExchanges } from "./exchanges.ts";

/** Every attempt is lost, and the report says why. */
export function createWithoutDocument(name: string): ClientTransport {
  return createExchanges(
    name,
    (_request, _body, answered) => {
      Promise.resolve().then(() =>
        answered(0, new Uint8Array(), `${name} needs a document: it works in pages only`),
      );
      return () => {};
    },
    () => () => {},
  );
}
