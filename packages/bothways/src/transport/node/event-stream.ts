/**
 * The server half of a plain event stream: one answer that goes on. What it says are blocks of `text/event-stream`, made
 * elsewhere. docs/protocol/plain.md §4.
 *
 * Invariants: what waits here is told to the handler; all blocks between two flushes leave in one write; a client that
 * takes nothing for `writeTimeout` is cut off; until `send` or `close` was called, the request can still be refused.
 */
import { Buffer } from "node:buffer";
import { randomInt } from "node:crypto";
import type { ServerResponse } from "node:http";
import { OVERFLOW, SLOW_CONSUMER } from "../../model/close-code.ts";
import type { ErrorCode } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import type { Link, LinkHandler } from "../../model/transport.ts";
import { comment, encodeEvent, encodeRetry } from "../../wire/eventstream/serializer.ts";
import type { HttpAnswer } from "./http.ts";

/** Clients come back after a time between these, so that those of a server that ended do not all come at once. */
const RETRY_MS = 1000;
const RETRY_SPREAD_MS = 2000;

/** A client that was told the end may take it for so long. */
const CLOSE_TIMEOUT_MS = 5000;

const head = {
  "Content-Type": "text/event-stream",
  // no-transform: what compresses answers holds them back to do so
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
  "X-Content-Type-Options": "nosniff",
};

export class EventStreamLink implements Link {
  readonly transport = "sse";
  readonly rewinds = false;
  readonly #answer: HttpAnswer;
  #handler: LinkHandler | undefined;
  /** Is told what waits, even after the link has ended. */
  #meter: LinkHandler | undefined;
  #response: ServerResponse | undefined;
  #batch = "";
  #isBlocked = false;
  #isClosed = false;
  #bufferedBytes = 0;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(answer: HttpAnswer) {
    this.#answer = answer;
  }

  /** To be called before anything else. */
  bind(handler: LinkHandler): void {
    this.#handler = handler;
    this.#meter = handler;
    this.#answer.onGone = () => this.#lose("BW_TRANSPORT_CLOSED");
    if (this.#answer.isOver) process.nextTick(() => this.#lose("BW_TRANSPORT_CLOSED"));
  }

  send(frame: Message): void {
    if (this.#isClosed) return;
    if (this.#response === undefined && !this.#begin()) return;
    this.#batch += frame.data;
  }

  probe(): void {
    this.#batch += comment;
    this.flush();
  }

  /** A subscriber says nothing. */
  pause(): void {}

  resume(): void {}

  flush(): void {
    const response = this.#response;
    if (response === undefined || this.#batch === "") return;
    const batch = this.#batch;
    this.#batch = "";
    // ASCII needs no conversion
    const isAscii = Buffer.byteLength(batch) === batch.length;
    const hasRoom = response.write(batch, isAscii ? "latin1" : "utf8", this.#measure);
    // Node hands over what was written in this turn when the turn is done
    process.nextTick(this.#measure);
    if (hasRoom || this.#isBlocked) return;
    this.#isBlocked = true;
    this.#stallTimer = setTimeout(() => this.#stall(), this.#answer.writeTimeoutMs).unref();
    this.#handler?.blocked();
  }

  refuse(code: ErrorCode, message: string): void {
    // a stream that has begun has its status already
    this.#answer.refuseJson(code, message);
  }

  close(code: number, reason: string): void {
    this.#handler = undefined;
    if (this.#isClosed) return;
    this.#isClosed = true;
    const response = this.#response;
    if (response === undefined) return;
    const isUnread = (code === SLOW_CONSUMER || code === OVERFLOW) && response.writableLength > 0;
    if (isUnread) return void response.destroy();
    this.#batch += encodeEvent({ event: "disconnect", data: JSON.stringify([code, reason]) });
    response.end(this.#batch, this.#measure);
    this.#batch = "";
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(() => response.destroy(), CLOSE_TIMEOUT_MS).unref();
  }

  /** False where nobody waits for the answer any more. */
  #begin(): boolean {
    const response = this.#answer.takeOver();
    if (response === undefined) return false;
    this.#response = response;
    // The answer's end is that of its connection: Node would write each chunk in four pieces.
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, head);
    response.on("drain", () => this.#drain());
    response.on("close", () => {
      clearTimeout(this.#stallTimer);
      this.#response = undefined;
      this.#measure();
      this.#lose("BW_TRANSPORT_CLOSED");
    });
    this.#batch = encodeRetry(RETRY_MS + randomInt(RETRY_SPREAD_MS));
    return true;
  }

  #drain(): void {
    clearTimeout(this.#stallTimer);
    if (!this.#isBlocked || this.#isClosed) return;
    this.#isBlocked = false;
    this.#measure();
    this.#handler?.writable();
  }

  #stall(): void {
    this.#lose("BW_SLOW_CONSUMER");
    this.#response?.destroy();
  }

  #lose(code: ErrorCode): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#isClosed = true;
    handler?.lost(code);
  }

  /** Tells what waits by now. One function for all writes. */
  readonly #measure = (): void => {
    const bytes = this.#response?.writableLength ?? 0;
    if (bytes === this.#bufferedBytes) return;
    this.#bufferedBytes = bytes;
    this.#meter?.buffered?.(bytes);
  };
}
