/**
 * The event stream of Server-Sent Events, read as it arrives: HTML, "Parsing an event stream" and "Interpreting an event
 * stream".
 *
 * Invariants: how the bytes are split changes nothing but when an event is given; an event that the stream ends in the
 * middle of is never given; no more than `maxLength` characters of one event are kept.
 */

/** One event, as a listener of `EventSource` gets it. */
export interface StreamEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

export class EventStreamParser {
  /** How long the stream wants its reader to wait before it connects again, in ms; `undefined` until it says so. */
  retryMs: number | undefined;
  readonly #maxLength: number;
  // not fatal: what is no UTF-8 becomes U+FFFD
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isFirst = true;
  #rest = "";
  /** The last line ended with a carriage return, so a line feed that follows belongs to it. */
  #endedWithReturn = false;
  #type = "";
  #id = "";
  #data: string[] = [];
  #dataLength = 0;

  constructor(maxLength: number = Number.POSITIVE_INFINITY) {
    this.#maxLength = maxLength;
  }

  /** The events that these bytes complete, or `undefined` where one is longer than may be. */
  push(chunk: Uint8Array): StreamEvent[] | undefined {
    const events: StreamEvent[] = [];
    const from = this.#rest.length;
    const text = this.#rest + this.#decode(chunk);
    let begin = 0;
    const lineEnd = /\r\n?|\n/g;
    lineEnd.lastIndex = from;
    for (let end = lineEnd.exec(text); end; end = lineEnd.exec(text)) {
      // the line feed of a pair that was split
      const isHalf = this.#endedWithReturn && end.index === 0 && end[0] === "\n";
      this.#endedWithReturn = false;
      if (!isHalf) this.#line(text.slice(begin, end.index), events);
      begin = lineEnd.lastIndex;
    }
    this.#endedWithReturn = begin > 0 ? text.endsWith("\r") : this.#endedWithReturn && text === "";
    this.#rest = text.slice(begin);
    return this.#rest.length + this.#dataLength > this.#maxLength ? undefined : events;
  }

  /** One byte order mark at the beginning is dropped. Decoders differ where it is a piece of its own. */
  #decode(chunk: Uint8Array): string {
    const text = this.#decoder.decode(chunk, { stream: true });
    if (!this.#isFirst || text === "") return text;
    this.#isFirst = false;
    return text[0] === "\uFEFF" ? text.slice(1) : text;
  }

  #line(line: string, events: StreamEvent[]): void {
    if (line === "") return this.#dispatch(events);
    const colon = line.indexOf(":");
    // a comment
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") {
      this.#data.push(value);
      this.#dataLength += value.length;
    } else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(events: StreamEvent[]): void {
    if (this.#data.length > 0) {
      events.push({ type: this.#type || "message", data: this.#data.join("\n"), lastEventId: this.#id });
    }
    this.#data = [];
    this.#dataLength = 0;
    this.#type = "";
  }
}
