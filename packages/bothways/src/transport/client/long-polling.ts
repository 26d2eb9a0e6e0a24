/**
 * Client half of long and short polling, without its I/O. docs/protocol/bothways-1.md, "HTTP".
 *
 * One poll is held by the server at all times; on short polling it is answered at once, and the next one waits.
 */
import type { ClientTransport } from "../../model/transport.ts";
import { createExchanges, type Post } from "./exchanges.ts";

/** What `shortPolling` takes. */
export interface ShortPollingOptions {
  /** From an answer to the next request, in ms. Default 1,000. */
  readonly interval?: number;
}

/** `wait` puts the next poll off and returns what cancels that; without it the next poll leaves at once. */
export function createLongPolling(
  name: string,
  post: Post,
  wait?: (poll: () => void) => () => void,
): ClientTransport {
  return createExchanges(name, post, (link, answer) => {
    let number = 0;
    let wasEmpty = false;
    let stop = (): void => {};
    const poll = (): void => {
      const body = [`q${link.key},${++number}`, link.handler.position()];
      stop = link.exchange(body, (frames) => {
        const isEmpty = !frames[0];
        if (!link.take(frames)) return;
        // the server does so where a browser repeated a poll; who does it again is not the server, and never holds one
        if (isEmpty && wasEmpty && !wait) return link.lose("status 200");
        wasEmpty = isEmpty;
        if (wait) stop = wait(poll);
        else poll();
      });
    };
    if (link.take(answer)) {
      poll();
      link.handler.writable();
    }
    return () => stop();
  });
}
