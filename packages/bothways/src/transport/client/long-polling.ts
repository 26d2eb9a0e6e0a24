/**
 * Client half of long polling, without its I/O. docs/protocol/bothways-1.md, "HTTP".
 *
 * The hello is the first POST and its answer brings the link's key. From then on one poll is held by the server at all
 * times, and at most one batch is on its way: while it is, the link is blocked.
 *
 * Any failure loses the link at once. To try again is the session's work, which knows what has to be sent again; a
 * second attempt in here would only delay the moment another transport is tried.
 */
import { TAKEN_OVER } from "../../model/close-code.ts";
import type { Data } from "../../model/message.ts";
import type { ClientTransport, ConnectRequest, LinkHandler } from "../../model/transport.ts";
import { decodeBody, encodeBody } from "../../wire/native/body.ts";

/** Servers refuse bodies that are much longer than a message may be. At least one message always goes. */
const maxBatchLength = 262_144;

/**
 * Sends one POST without a Content-Type (that of text is tolerated). `answered` is called once, later than this call
 * returns: with the status and whole body of the answer, or with status 0 and the reason where none came. The last
 * POST of a link must outlive the page. Returns what aborts the exchange; after that nobody listens to `answered`.
 */
export type Post = (
  request: ConnectRequest,
  body: Data,
  answered: (status: number, body: Uint8Array, failure?: string) => void,
  isLast?: boolean,
) => () => void;

export function createLongPolling(name: string, post: Post): ClientTransport {
  return {
    name,
    open(request, hello, handler) {
      /** Gone once the link has ended: from then on nobody is told anything. */
      let listener: LinkHandler | undefined = handler;
      let key: string | undefined;
      let pollNumber = 0;
      let batchNumber = 0;
      let batch: Data[] = [];
      let abortBatch: (() => void) | undefined;

      const exchange = (frames: Data[], next: () => void): (() => void) =>
        post(request, encodeBody(frames), (status, body, failure = `status ${status}`) => {
          const answer = decodeBody(body);
          // A close frame comes last, whatever the status. An error without one is not the server's own.
          const end = /^c(\d+),(.*)/.exec(String(answer?.at(-1)));
          if (end) answer?.pop();
          if (answer && (status === 200 || end)) {
            key ??= readKey(answer[0]);
            for (const frame of answer) listener?.receive(frame);
            listener?.received();
            if (listener && key && !end) return next();
          }
          if (!listener) return;
          listener = undefined;
          abortPoll();
          abortBatch?.();
          handler.lost("BW_LINK_LOST", end ? Number(end[1]) : undefined, end ? end[2] : failure);
        });

      const poll = (): void => {
        abortPoll = exchange([`q${key},${++pollNumber}`, handler.position()], poll);
      };

      let abortPoll = exchange([hello], () => {
        poll();
        handler.writable();
      });

      return {
        transport: name,
        rewinds: true,
        send({ data }) {
          batch.push(data);
        },
        flush() {
          if (!batch[0] || !listener) return;
          let length = 0;
          // what is left out is given again with the next chance, since the link rewinds
          const part = batch.filter((frame, index) => {
            length += frame.length;
            return length <= maxBatchLength || index < 3;
          });
          abortBatch = exchange([`k${key},${++batchNumber}`, ...part], () => handler.writable());
          batch = [];
          handler.blocked();
        },
        close(code, reason) {
          if (!listener) return;
          listener = undefined;
          abortPoll();
          // A batch on its way may still arrive: what it carries is not sent twice, and it is not waited for.
          const goodbye = encodeBody([`k${key},${++batchNumber}`, ...batch, `c${code},${reason}`]);
          // The server has fenced a link that a newer one of ours took over from.
          if (key && code !== TAKEN_OVER) post(request, goodbye, () => abortBatch?.(), true);
          else abortBatch?.();
        },
      };
    },
  };
}

/** The key in a welcome, the one frame a link looks into. */
function readKey(welcome: Data | undefined): string | undefined {
  try {
    return JSON.parse((welcome as string).slice(1)).key;
  } catch {
    return undefined;
  }
}
