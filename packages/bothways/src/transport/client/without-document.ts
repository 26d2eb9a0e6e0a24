/** What takes the place of a technique that needs a page, where there is none. */
import type { ClientTransport, Link } from "../../model/transport.ts";

/** Every attempt is lost, and the report says why. */
export function createWithoutDocument(name: string): ClientTransport {
  return {
    name,
    open(_request, _hello, handler): Link {
      let isOver = false;
      Promise.resolve().then(() => {
        if (!isOver)
          handler.lost("BW_LINK_LOST", undefined, `${name} needs a document: it works in pages only`);
      });
      return {
        transport: name,
        rewinds: true,
        send() {},
        flush() {},
        close() {
          isOver = true;
        },
      };
    },
  };
}
