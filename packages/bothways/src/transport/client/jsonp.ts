/**
 * Client half of the technique `jsonp`, without its I/O. docs/protocol/bothways-1.md, "Scripts".
 *
 * Nobody can read the answers to POSTs: that to the hello is asked for by a claim, and polls tell which batches were taken.
 */
import type { Data } from "../../model/message.ts";
import type { ClientTransport, ConnectRequest } from "../../model/transport.ts";
import type { Post } from "./exchanges.ts";
import { createLongPolling } from "./long-polling.ts";

export interface JsonpIo {
  /** ≥ 128 random bits, as 22 to 128 letters, digits, `-` and `_`. */
  createClaim(): string;
  /** Sends a POST. `sent` is called when it was answered, somehow; `failed` where it was not. Returns what aborts it. */
  send(
    request: ConnectRequest,
    body: Data,
    sent: () => void,
    failed: (reason: string) => void,
    isLast?: boolean,
  ): () => void;
  /** Asks by a script, and gives the frames of its answer. Returns what aborts it. */
  ask(
    request: ConnectRequest,
    body: string,
    answered: (frames: Data[]) => void,
    failed: (reason: string) => void,
  ): () => void;
}

export function createJsonp(io: JsonpIo): ClientTransport {
  return {
    name: "jsonp",
    open: (...args) => createLongPolling("jsonp", createBlindPost(io)).open(...args),
  };
}

/** The POSTs of one link, which behave as if their answers could be read. */
function createBlindPost({ createClaim, send, ask }: JsonpIo): Post {
  /** Number of the newest batch, and what is waited for until that was taken. */
  let batches = 0;
  let taken = (_position: Data[]): void => {};
  return (request, body, answered, isLast) => {
    const answer = (frames: Data[]): void => answered(200, frames);
    const failed = (reason: string): void => answered(0, undefined, reason);
    const poll = (question: string): (() => void) =>
      ask(
        request,
        question,
        (frames) => {
          const [first, ...rest] = frames;
          const isNamed = typeof first === "string" && first[0] === "k";
          answer(isNamed ? rest : frames);
          // the position that came with it is what a batch is answered with
          if (isNamed && Number(first.slice(1)) >= batches) taken(rest.slice(0, 1));
        },
        failed,
      );
    if (body[0] === "q") return poll(body as string);
    if (body[0] === "h") {
      const claim = createClaim();
      let abort = send(
        request,
        `${body},${claim}`,
        () => {
          abort = poll(`q${claim},0`);
        },
        failed,
      );
      return () => abort();
    }
    batches++;
    taken = (position) => {
      taken = () => {};
      answer(position);
    };
    return send(request, body, () => {}, failed, isLast);
  };
}
