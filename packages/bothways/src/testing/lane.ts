/**
 * One direction of a proxied connection: what is read from the source waits here until it may reach the sink.
 *
 * Invariants: bytes leave in the order they came; at most `maxBufferedBytes` (and the chunk that passed it) wait here
 * before the source is paused; a silent lane stays silent, passes nothing on, and leaves no timer behind.
 */
import type { Socket } from "node:net";
import type { Direction } from "./faults.ts";
import type { NetworkShape } from "./network-shape.ts";

/** Is asked about the next bytes due on a lane: it lets through as many as it likes by `lane.forward(count)`. */
export type Gate = (lane: Lane, bytes: Uint8Array, parcelBytes: number) => void;

export interface LaneOptions {
  readonly direction: Direction;
  readonly source: Socket;
  readonly sink: Socket;
  /** Shared by all lanes of a proxy, and may change while they run. */
  readonly shape: Readonly<NetworkShape>;
  /** Nothing counts as arrived before this instant of `performance.now()`. */
  readonly opensAt: number;
  readonly gate: Gate;
}

interface Parcel {
  bytes: Uint8Array;
  /** Length as it arrived, before a throttle sliced it. */
  readonly size: number;
  readonly dueAt: number;
  readonly ending: "fin" | "rst" | undefined;
}

/** A throttled lane sends what its rate allows in this time, then waits as long. */
const sliceMs = 10;
/** So late a timer may be without the rate falling; what was held for longer does not come at once. */
const maxLateMs = 200;

const nothing = new Uint8Array(0);

export class Lane {
  readonly direction: Direction;
  readonly #options: LaneOptions;
  readonly #queue: Parcel[] = [];
  #queuedBytes = 0;
  #state: "flowing" | "held" | "silent" = "flowing";
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LaneOptions) {
    this.direction = options.direction;
    this.#options = options;
    const { source, sink } = options;
    source.on("data", (chunk: Buffer) => this.#accept(chunk));
    source.on("end", () => this.#accept(nothing, "fin"));
    source.on("close", (hadError) => {
      if (hadError || !source.readableEnded) this.#accept(nothing, "rst");
    });
    sink.on("drain", () => this.#pump());
    sink.on("close", () => this.silence());
  }

  /** Bytes read from the source and not yet taken by the kernel on their way to the sink. */
  get inFlight(): number {
    return this.#state === "silent" ? 0 : this.#queuedBytes + this.#options.sink.writableLength;
  }

  get isSilent(): boolean {
    return this.#state === "silent";
  }

  /** Writes the first `count` bytes of the slice the gate was shown; false if the lane no longer flows. */
  forward(count: number): boolean {
    const head = this.#queue[0];
    if (this.#state !== "flowing" || head === undefined) return false;
    this.#options.sink.write(head.bytes.subarray(0, count));
    const now = performance.now();
    // the lateness of a timer is made up for
    const beganAt = Math.min(now, Math.max(this.#freeAt, head.dueAt, now - maxLateMs));
    this.#freeAt = beganAt + (count / this.#options.shape.bytesPerSecond) * 1_000;
    this.#queuedBytes -= count;
    head.bytes = head.bytes.subarray(count);
    if (head.bytes.length === 0) this.#queue.shift();
    return true;
  }

  hold(): void {
    if (this.#state !== "flowing") return;
    this.#state = "held";
    clearTimeout(this.#timer);
  }

  release(): void {
    if (this.#state !== "held") return;
    this.#state = "flowing";
    this.#pump();
  }

  /** From now on swallows whatever the source says, its end and its reset too. */
  silence(): void {
    this.#state = "silent";
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#options.source.resume();
  }

  #accept(bytes: Uint8Array, ending?: "fin" | "rst"): void {
    if (this.#state === "silent") return;
    const { opensAt, shape, source } = this.#options;
    const dueAt = Math.max(performance.now(), opensAt) + shape.latencyMs;
    this.#queue.push({ bytes, size: bytes.length, dueAt, ending });
    this.#queuedBytes += bytes.length;
    this.#pump();
    if (this.#queuedBytes >= shape.maxBufferedBytes) source.pause();
  }

  #pump(): void {
    const { sink, source, shape, gate } = this.#options;
    clearTimeout(this.#timer);
    for (let head = this.#queue[0]; this.#state === "flowing" && head !== undefined; head = this.#queue[0]) {
      if (sink.writableNeedDrain) break;
      const waitMs = Math.max(head.dueAt, this.#freeAt) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(waitMs));
        break;
      }
      if (head.ending === undefined) gate(this, this.#slice(head.bytes), head.size);
      else this.#finish(head.ending);
    }
    if (source.isPaused() && this.#queuedBytes < shape.maxBufferedBytes) source.resume();
  }

  #slice(bytes: Uint8Array): Uint8Array {
    const perSlice = Math.ceil((this.#options.shape.bytesPerSecond * sliceMs) / 1_000);
    return bytes.subarray(0, perSlice);
  }

  #finish(ending: "fin" | "rst"): void {
    this.#queue.shift();
    if (ending === "fin") this.#options.sink.end();
    else this.#options.sink.resetAndDestroy();
  }
}
