/**
 * What the client's halves of all HTTP techniques share, without its I/O: the hello, the way up, the ends.
 * docs/protocol/bothways-1.md, "HTTP". The way down is the technique's own ({@link Listen}).
 *
 * The hello is the first POST and its answer brings the link's key. At most one batch is on its way: while it is, the link
 * is blocked.
 *
 * Any failure loses the link at once. To try again is the session's work, which knows what has to be sent again; a
 * second attempt in here would only delay the moment another transport is tried.
 */
import { TAKEN_OVER } from "../../model/close-code.ts";
import type { Data } from "../../model/message.ts";
import type { ClientTransport, ConnectRequest, LinkHandler } from "../../model/transport.ts";
import { encodeBody } from "../../wire/native/body.ts";
import { parseFrame } from "../../wire/native/frame.ts";

/** Servers refuse bodies that are much longer than a message may be. At least one message always goes. */
const maxBatchLength = 262_144;

/** Of frames that outlive the page. Browsers allow 64 KiB to all such requests under way; the key goes with them. */
const maxLastBytes = 61_000;

/**
 * Sends one POST without a Content-Type (that of text is tolerated). `answered` is called once, later than this call
 * returns: with the status and the frames of the answer, `undefined` where its body is none of ours, or with status 0 and
 * the reason where no answer came. The last POST of a link must outlive the page. Returns what aborts the exchange; after
 * that nobody listens to `answered`.
 */
export type Post = (
  request: ConnectRequest,
  body: Data,
  answered: (status: number, answer: Data[] | undefined, failure?: string) => void,
  isLast?: boolean,
) => () => void;

/** Calls back after so many ms. Returns what cancels it. */
export type SetTimer = (callback: () => void, delayMs: number) => () => void;

/** A link as its way down knows it. */
export interface Exchanges {
  readonly request: ConnectRequest;
  readonly handler: LinkHandler;
  /** Authorises each request. */
  readonly key: string;
  /** Sends a request down; `next` gets the frames of its answer. Returns what aborts it. */
  exchange(frames: Data[], next: (answer: Data[]) => void): () => void;
  /** Gives frames to the session. A close frame, which comes last, ends the link. False where the link is over. */
  take(frames: Data[]): boolean;
  /** `status` is that of the answer that ended it. */
  lose(reason: string, status?: number, code?: number): void;
}

/** Begins the way down with the answer to the hello, and says when the link can send. Returns what stops it. */
export type Listen = (link: Exchanges, answer: Data[]) => () => void;

/** `isStream`: no poll carries the position, so the batches do. */
export function createExchanges(
  name: string,
  post: Post,
  listen: Listen,
  isStream: boolean = false,
): ClientTransport {
  return {
    name,
    streams: isStream,
    open(request, hello, handler) {
      /** Gone once the link has ended: from then on nobody is told anything. */
      let listener: LinkHandler | undefined = handler;
      let batchNumber = 0;
      let batch: Data[] = [];
      let abortBatch = (): void => {};

      const lose = (reason: string, status?: number, code?: number): void => {
        if (!listener) return;
        listener = undefined;
        stop();
        abortBatch();
        handler.lost("BW_LINK_LOST", code, reason, status);
      };
      const link = {
        request,
        handler,
        key: "",
        exchange(frames: Data[], next: (answer: Data[]) => void): () => void {
          return post(request, encodeBody(frames), (status, answer, failure = `status ${status}`) => {
            // An error without a close frame is not the server's own.
            if (!answer || (status !== 200 && !readEnd(answer))) lose(failure, status);
            else if (listener) next(answer);
          });
        },
        take(frames: Data[]): boolean {
          const end = readEnd(frames);
          if (end) frames.pop();
          for (const frame of frames) listener?.receive(frame);
          listener?.received();
          if (end) lose(end[2] as string, undefined, Number(end[1]));
          return !!listener;
        },
        lose,
      };
      const nextBatch = (frames: readonly Data[]): Data[] => [`k${link.key},${++batchNumber}`, ...frames];
      const sendBatch = (frames: Data[]): void => {
        const part = nextBatch(cut(frames));
        const rest = frames.slice(part.length - 1);
        if (isStream && part.at(-1)?.[0] !== "a") part.push(handler.position());
        abortBatch = link.exchange(part, (answer) => {
          // a server says at least where it stands
          if (!answer[0]) lose("status 200");
          else if (!link.take(answer)) return;
          else if (rest[0]) sendBatch(rest);
          else handler.writable();
        });
      };
      const technique = name === "long-polling" ? [] : [`t${name}`];
      let stop = link.exchange([hello, ...technique], (answer) => {
        link.key = readKey(answer[0]);
        if (link.key) stop = listen(link, answer);
        else if (link.take(answer)) lose("status 200", 200);
      });

      return {
        transport: name,
        rewinds: true,
        send({ data }) {
          batch.push(data);
        },
        flush() {
          if (!batch[0] || !listener) return;
          sendBatch(batch);
          batch = [];
          handler.blocked();
        },
        close(code, reason, isLeaving) {
          if (!listener) return;
          listener = undefined;
          stop();
          // A batch on its way may still arrive; it is not waited for, and ignored where this one overtakes it.
          if (isLeaving) abortBatch();
          const goodbye = encodeBody([...nextBatch(cut(batch, isLeaving)), `c${code},${reason}`]);
          // The server has fenced a link that a newer one of ours took over from.
          if (link.key && code !== TAKEN_OVER) post(request, goodbye, () => abortBatch(), true);
          else abortBatch();
        },
      };
    },
  };
}

/** The first of these frames, as many as a batch has room for. The last batch of a page is counted in bytes, and strictly. */
function cut(frames: Data[], isLeaving?: boolean): Data[] {
  let total = 0;
  return frames.filter((frame) => {
    const before = total;
    total += 4 + (isLeaving && typeof frame === "string" ? new TextEncoder().encode(frame) : frame).length;
    return isLeaving ? total <= maxLastBytes : total <= maxBatchLength || before < 99;
  });
}

/** The close frame at the end of an answer, whatever its status. */
function readEnd(frames: Data[]): RegExpExecArray | null {
  const last = frames.at(-1);
  return typeof last === "string" ? /^c(\d+),(.*)/.exec(last) : null;
}

/** The key in a welcome, the one frame a link looks into. */
function readKey(welcome: Data = ""): string {
  const frame = parseFrame(welcome);
  return frame?.[0] === "w" ? (frame[1]?.key ?? "") : "";
}
