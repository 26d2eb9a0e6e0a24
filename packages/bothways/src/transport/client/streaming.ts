/**
 * Client half of all techniques whose way down is streams, without their I/O. docs/protocol/bothways-1.md, "HTTP streams".
 *
 * Invariants: one stream is read at a time; the session hears of the link when the first frame of its first stream has
 * come, and not before, since a link whose answers are kept back on the way is of no use.
 */
import type { Data } from "../../model/message.ts";
import type { ClientTransport, ConnectRequest } from "../../model/transport.ts";
import { createExchanges, type Post, type SetTimer } from "./exchanges.ts";

/**
 * Sends a start and reads its answer: `take` gets frames as they come, `ended` is called once when no more will, with
 * the status where that is why, and neither before this call returns. Returns what aborts it; after that nobody listens.
 */
export type OpenStream = (
  request: ConnectRequest,
  body: string,
  take: (frames: Data[]) => void,
  ended: (failure: string, status?: number) => void,
) => () => void;

/** What `stream`, `sse` and `multipart` take. */
export interface StreamingOptions {
  /** Nothing on the way may keep the beginning of the first stream back for longer, in ms. Default 1,000. */
  readonly firstFrameTimeout?: number;
}

export function createStreaming(
  name: string,
  post: Post,
  openStream: OpenStream,
  setTimer: SetTimer,
  { firstFrameTimeout = 1000 }: StreamingOptions = {},
): ClientTransport {
  return createExchanges(
    name,
    post,
    (link, [welcome]) => {
      let number = 0;
      let isOver = false;
      let abort = (): void => {};
      const start = (): void => {
        let count = 0;
        // the first one proves nothing yet, so it carries nothing
        const body = `s${link.key},${++number}${number > 1 ? `\n${link.handler.position()}` : ""}`;
        const take = (frames: Data[]): void => {
          cancel();
          const isFirst = number === 1 && !count;
          count += frames.length;
          if (link.take(isFirst ? [welcome as Data, ...frames] : frames) && isFirst) link.handler.writable();
        };
        abort = openStream(link.request, body, take, (failure, status) => {
          if (isOver) return;
          if (count > 1) start();
          else link.lose(failure, status);
        });
      };
      start();
      const cancel = setTimer(() => link.lose("buffered: the stream did not begin"), firstFrameTimeout);
      return () => {
        isOver = true;
        cancel();
        abort();
      };
    },
    true,
  );
}
