/**
 * Answers the server waits for, to events it sent.
 *
 * Invariant: each expected answer is settled once: by the answer, by the peer's refusal, by a timeout or a signal, or
 * when the socket disconnects. What watched over it is let go at once.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { BroadcastError } from "../model/events.ts";
import type { AbortSignalLike, EmitFlags } from "./emit-flags.ts";
import type { HubPlatform } from "./platform.ts";

/** Told `null` and the answer's arguments, or why there are none. */
export type Settle = (error: BothwaysError | null, answers: readonly unknown[]) => void;

export class PendingAcks {
  readonly #limit: number;
  readonly #pending: Map<number, Settle> = new Map();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#pending.size >= this.#limit;
  }

  add(id: number, settle: Settle): void {
    this.#pending.set(id, settle);
  }

  /** An id that nobody waits for is ignored: it may have timed out, or the peer made it up. */
  settle(id: number, error: BothwaysError | null, answers: readonly unknown[]): void {
    const settle = this.#pending.get(id);
    this.#pending.delete(id);
    settle?.(error, answers);
  }

  /** The event could not be sent: its caller was told by an exception. */
  drop(id: number): void {
    this.#pending.delete(id);
  }

  failAll(error: BothwaysError): void {
    for (const id of [...this.#pending.keys()]) this.settle(id, error, []);
  }
}

/**
 * Waits for one answer, as long as the flags allow. Where the event could not be sent, the function returned takes that
 * back.
 */
export function awaitAck(
  acks: PendingAcks,
  id: number,
  settle: Settle,
  platform: HubPlatform,
  flags: EmitFlags,
): () => void {
  throwIfAborted(flags.signal);
  if (acks.isFull) throw new BothwaysError("BW_ACK_LIMIT");
  const release = watch(platform, flags, (error) => acks.settle(id, error, []));
  if (release === undefined) acks.add(id, settle);
  else {
    acks.add(id, (error, answers) => {
      release();
      settle(error, answers);
    });
  }
  return () => {
    acks.drop(id);
    release?.();
  };
}

export function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/** Calls `giveUp` when the wait is over. Returns what ends the watch, or `undefined` where there is nothing to watch. */
function watch(
  platform: HubPlatform,
  { timeoutMs, signal }: EmitFlags,
  giveUp: (error: BothwaysError) => void,
): (() => void) | undefined {
  if (timeoutMs === undefined && signal === undefined) return undefined;
  const abort = (): void => giveUp(aborted(signal));
  signal?.addEventListener("abort", abort);
  const cancel =
    timeoutMs === undefined
      ? undefined
      : platform.setTimer(() => giveUp(new BothwaysError("BW_ACK_TIMEOUT")), timeoutMs);
  return () => {
    cancel?.();
    signal?.removeEventListener("abort", abort);
  };
}

function aborted(signal: AbortSignalLike | undefined): BothwaysError {
  return new BothwaysError("BW_ABORTED", undefined, { cause: signal?.reason });
}

/** What the peer said instead of an answer. */
export function toAckError(data: unknown): BothwaysError {
  const refusal: { message?: unknown; data?: unknown } =
    typeof data === "object" && data !== null ? data : {};
  const message = typeof refusal.message === "string" ? refusal.message : undefined;
  return new BothwaysError("BW_ACK_REFUSED", message, { data: refusal.data });
}

/** Gathers the answers to one broadcast. `seal` when all receivers were expected; then `settle` is called once. */
export class AckCollector {
  readonly #id: number;
  readonly #settle: (error: BroadcastError | null, responses: unknown[]) => void;
  readonly #guard: (settle: Settle) => Settle;
  readonly #waiting: Set<PendingAcks> = new Set();
  readonly #responses: unknown[] = [];
  #failed = 0;
  #firstError: BothwaysError | undefined;
  #isSealed = false;
  #release: (() => void) | undefined;

  /** `guard` may judge each answer before it counts. */
  constructor(
    id: number,
    settle: (error: BroadcastError | null, responses: unknown[]) => void,
    guard: (settle: Settle) => Settle,
  ) {
    this.#id = id;
    this.#settle = settle;
    this.#guard = guard;
  }

  expect(acks: PendingAcks): void {
    this.#waiting.add(acks);
    if (acks.isFull) this.#answered(acks, new BothwaysError("BW_ACK_LIMIT"), []);
    else
      acks.add(
        this.#id,
        this.#guard((error, answers) => this.#answered(acks, error, answers)),
      );
  }

  seal(platform: HubPlatform, flags: EmitFlags): void {
    this.#isSealed = true;
    if (this.#waiting.size > 0) this.#release = watch(platform, flags, (error) => this.giveUp(error));
    this.#finish();
  }

  /** Waits no longer. Before `seal`: the broadcast failed, and `settle` is not called. */
  giveUp(error: BothwaysError): void {
    for (const acks of [...this.#waiting]) acks.settle(this.#id, error, []);
  }

  #answered(acks: PendingAcks, error: BothwaysError | null, answers: readonly unknown[]): void {
    this.#waiting.delete(acks);
    if (error === null) this.#responses.push(answers[0]);
    else {
      this.#failed += 1;
      this.#firstError ??= error;
    }
    this.#finish();
  }

  #finish(): void {
    if (!this.#isSealed || this.#waiting.size > 0) return;
    this.#release?.();
    const responses = this.#responses;
    const first = this.#firstError;
    if (first === undefined) this.#settle(null, responses);
    else {
      const detail = `${this.#failed} of ${this.#failed + responses.length} receivers`;
      this.#settle(
        Object.assign(new BothwaysError(first.code, detail, { cause: first }), { responses }),
        responses,
      );
    }
  }
}
