/**
 * The server half of a plain event stream: one answer that goes on. What it says are blocks of `text/event-stream`, made
 * elsewhere. docs/protocol/plain.md §4.
 *
 * Invariants: what waits here is told to the handler; all blocks between two flushes leave in one write; until `send` was
 * called, the request can still be refused.
 */
import { randomInt } from "node:crypto";
import type { ErrorCode } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import type { Link, LinkHandler } from "../../model/transport.ts";
import { comment, encodeEvent, encodeRetry } from "../../wire/eventstream/serializer.ts";
import { isUnread, type Stream, type StreamAnswer } from "./stream-link.ts";

/** Clients come back after a time between these, so that those of a server that ended do not all come at once. */
const RETRY_MS = 1000;
const RETRY_SPREAD_MS = 2000;

/** The way back of a request for events. */
export interface EventStreamAnswer extends StreamAnswer {
  /** Does nothing once the stream has begun. */
  refuseJson(code: ErrorCode, message: string): void;
}

export class EventStreamLink implements Link {
  readonly transport = "sse";
  readonly rewinds = false;
  readonly #answer: EventStreamAnswer;
  /** None before `bind`, and when the link has ended. */
  #handler: LinkHandler | undefined;
  #stream: Stream | undefined;
  #batch = "";
  #isBlocked = false;
  #bufferedBytes = 0;

  constructor(answer: EventStreamAnswer) {
    this.#answer = answer;
  }

  /** To be called before anything else. */
  bind(handler: LinkHandler): void {
    this.#handler = handler;
    this.#answer.onGone = () => this.#lose("BW_TRANSPORT_CLOSED");
    if (this.#answer.isOver) process.nextTick(() => this.#lose("BW_TRANSPORT_CLOSED"));
  }

  send(frame: Message): void {
    if (this.#handler === undefined) return;
    this.#stream ??= this.#begin();
    if (this.#stream !== undefined) this.#batch += frame.data;
  }

  probe(): void {
    this.#batch += comment;
    this.flush();
  }

  /** A subscriber says nothing. */
  pause(): void {}

  resume(): void {}

  flush(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#batch === "") return;
    stream.write(this.#batch);
    this.#batch = "";
    // Node hands over what was written in this turn when the turn is done
    process.nextTick(this.#measure);
    if (!stream.isFull || this.#isBlocked) return;
    this.#isBlocked = true;
    this.#handler?.blocked();
  }

  refuse(code: ErrorCode, message: string): void {
    this.#answer.refuseJson(code, message);
  }

  close(code: number, reason: string): void {
    const stream = this.#release();
    if (stream === undefined) return;
    const wasRead = !isUnread(stream, code);
    if (wasRead)
      stream.write(this.#batch + encodeEvent({ event: "disconnect", data: JSON.stringify([code, reason]) }));
    stream.end(!wasRead);
  }

  /** `undefined` where nobody waits for the answer any more. */
  #begin(): Stream | undefined {
    const stream = this.#answer.begin("text/event-stream");
    if (stream === undefined) return undefined;
    stream.onGone = (code) => this.#lose(code);
    stream.onDrain = () => this.#drain();
    this.#batch = encodeRetry(RETRY_MS + randomInt(RETRY_SPREAD_MS));
    return stream;
  }

  #drain(): void {
    this.#measure();
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#handler?.writable();
  }

  #lose(code: ErrorCode): void {
    const handler = this.#handler;
    this.#release();
    handler?.lost(code);
  }

  /** Lets go of the stream: what waits in it is no longer the link's. */
  #release(): Stream | undefined {
    const stream = this.#stream;
    if (stream !== undefined) stream.onGone = stream.onDrain = undefined;
    this.#stream = undefined;
    this.#measure();
    this.#handler = undefined;
    return stream;
  }

  /** Tells what waits by now. One function for all writes. */
  readonly #measure = (): void => {
    const bytes = this.#stream?.unsentBytes ?? 0;
    if (bytes === this.#bufferedBytes) return;
    this.#bufferedBytes = bytes;
    this.#handler?.buffered?.(bytes);
  };
}
