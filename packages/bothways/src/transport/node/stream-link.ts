/**
 * The server half of all techniques whose way down is streams: answers that do not end while there is nothing to say
 * (docs/protocol, "HTTP streams"). A technique is a {@link StreamForm}; like the rest of a link this touches no Node.
 *
 * Invariants: at most one stream is open; the link is writable while one is open that takes bytes, and at no other time;
 * only a new stream makes the session send again.
 */
import { OVERFLOW, SLOW_CONSUMER } from "../../model/close-code.ts";
import type { Data, Message } from "../../model/message.ts";
import { type Answer, ExchangeLink } from "./exchange-link.ts";

/** What a technique makes of frames. */
export interface StreamForm {
  readonly contentType: string;
  /** Headers of its own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What its readers need before the first frame, padding for the shy ones included. */
  readonly prologue: string;
  /** The chunk that carries these frames. */
  wrap(frames: readonly Data[]): Data;
  /** What tells its readers that the stream has come to its end. */
  readonly epilogue?: string;
  /** The form of the next stream, where no two may be alike. */
  next?(): StreamForm;
}

/** An answer that goes on. */
export interface Stream {
  /** Called once if the client goes away, or was cut off since it took nothing for too long. */
  onGone: ((code: "BW_TRANSPORT_CLOSED" | "BW_SLOW_CONSUMER") => void) | undefined;
  /** All that was written has left. */
  onDrain: (() => void) | undefined;
  /** What was written and has not left. */
  readonly unsentBytes: number;
  /** It takes no more until `onDrain`. */
  readonly isFull: boolean;
  write(chunk: Data): void;
  /** Ends it; at once, where `isUnread`, and without what has not left. */
  end(isUnread?: boolean): void;
}

/** Who is ended with `code` since it does not read what waits would not read the reason behind it. */
export function isUnread({ unsentBytes }: Stream, code: number): boolean {
  return (code === SLOW_CONSUMER || code === OVERFLOW) && unsentBytes > 0;
}

/** The way back of a request that starts a stream. */
export interface StreamAnswer extends Answer {
  /** Answers with the head of a stream. `undefined` where nobody waits for it any more. */
  begin(contentType: string, headers?: Readonly<Record<string, string>>): Stream | undefined;
}

export interface StreamLimits {
  /** A stream that is longer or older ends, and the client starts the next. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** Monotonic milliseconds. */
  now(): number;
}

export class StreamLink extends ExchangeLink {
  readonly transport: string;
  readonly streams = true;
  #form: StreamForm;
  readonly #limits: StreamLimits;
  /** Of the hello: it takes the welcome. */
  #hello: Answer | undefined;
  #stream: Stream | undefined;
  #batch: Data[] = [];
  /** Number of the newest stream, what was written to it, and when it began. */
  #sequence = 0;
  #bytes = 0;
  #beganAt = 0;
  #isBlocked = false;
  #bufferedBytes = 0;

  constructor(transport: string, form: StreamForm, limits: StreamLimits) {
    super();
    this.transport = transport;
    this.#form = form;
    this.#limits = limits;
  }

  open(answer: Answer): void {
    this.#hello = answer;
  }

  /** Takes a start: its number, and the frames that followed the number. */
  start(sequence: number, frames: readonly Data[], answer: StreamAnswer): void {
    this.receive(frames);
    if (this.end !== undefined) return answer.send(this.end.status, [this.end.frame]);
    // Sent again by a browser: nobody is listening, and an EventSource stops at this status.
    if (sequence <= this.#sequence) return answer.send(204, []);
    this.#sequence = sequence;
    const older = this.#release();
    older?.end(older.unsentBytes > 0);
    this.#form = this.#form.next?.() ?? this.#form;
    const stream = answer.begin(this.#form.contentType, this.#form.headers);
    if (stream === undefined) {
      if (older !== undefined) this.handler?.blocked();
      return;
    }
    this.#take(stream);
  }

  send(frame: Message): void {
    this.#batch.push(frame.data);
  }

  flush(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    const hello = this.#hello;
    this.#hello = undefined;
    if (this.#stream !== undefined) {
      this.#write(this.#form.wrap(batch));
      this.#settle();
    } else hello?.send(200, batch);
  }

  protected finish(close: string, code: number): void {
    const batch = [...this.#batch, close];
    this.#hello?.send(200, batch);
    this.#hello = undefined;
    const stream = this.#release();
    if (stream === undefined) return;
    const wasRead = !isUnread(stream, code);
    if (wasRead) stream.write(this.#form.wrap(batch));
    stream.end(!wasRead);
  }

  #take(stream: Stream): void {
    this.#stream = stream;
    this.#bytes = 0;
    this.#beganAt = this.#limits.now();
    this.#isBlocked = false;
    stream.onGone = () =>
      this.guard(() => {
        this.#release();
        this.handler?.blocked();
      });
    stream.onDrain = () => this.guard(() => this.#drain());
    // something at once: it shows the client that nothing on the way holds answers back
    this.#write(this.#form.prologue);
    this.#write(this.#form.wrap([this.handler?.position() ?? ""]));
    this.handler?.writable();
  }

  #write(chunk: Data): void {
    this.#bytes += chunk.length;
    this.#stream?.write(chunk);
  }

  /** Looks at what has not left, and at whether the stream has had its time. */
  #settle(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#tell(stream.unsentBytes);
    // it may have been the byte too much
    if (this.#stream !== stream) return;
    if (stream.isFull && !this.#isBlocked) {
      this.#isBlocked = true;
      this.handler?.blocked();
    }
    const { maxBytes, maxAgeMs, now } = this.#limits;
    const isDue = this.#bytes > maxBytes || now() - this.#beganAt > maxAgeMs;
    if (!isDue || stream.isFull) return;
    const { epilogue } = this.#form;
    stream.write(this.#form.wrap([this.handler?.position() ?? ""]));
    if (epilogue !== undefined) stream.write(epilogue);
    this.#release();
    stream.end();
    this.handler?.blocked();
  }

  #drain(): void {
    // a stream that has said nothing yet but how it begins is not at its end, however little it may say
    if (!this.#isBlocked) return this.#tell(this.#stream?.unsentBytes ?? 0);
    this.#isBlocked = false;
    this.handler?.writable(true);
    this.#settle();
  }

  #tell(bytes: number): void {
    if (bytes === this.#bufferedBytes) return;
    this.#bufferedBytes = bytes;
    this.handler?.buffered?.(bytes);
  }

  /** Lets go of the stream. What was not flushed into it will be sent again (`rewinds`). */
  #release(): Stream | undefined {
    const stream = this.#stream;
    if (stream !== undefined) stream.onGone = stream.onDrain = undefined;
    this.#stream = undefined;
    this.#batch = [];
    this.#tell(0);
    return stream;
  }
}
