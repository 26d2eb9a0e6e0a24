/**
 * Takes what clients send through the contract of their namespace.
 *
 * Invariant: the events of a socket come out in the order they went in, however long the check of one takes; at most
 * `limit` of them wait.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Check } from "../model/contract.ts";
import type { Settle } from "./ack.ts";

/** An event to be checked: one of `passed` and `refused` is called, once, unless the socket leaves before. */
export interface CheckedEvent {
  readonly event: string;
  readonly args: readonly unknown[];
  readonly passed: (args: readonly unknown[]) => void;
  readonly refused: (error: unknown) => void;
}

/** The events of one socket. */
export class Checks {
  readonly #check: Check;
  readonly #limit: number;
  /** The first is being checked. */
  #queue: CheckedEvent[] = [];

  constructor(check: Check, limit: number) {
    this.#check = check;
    this.#limit = limit;
  }

  run(event: CheckedEvent): void {
    if (this.#queue.length >= this.#limit) {
      const code = "BW_CHECK_LIMIT";
      return event.refused(new BothwaysError(code, undefined, { data: { code } }));
    }
    this.#queue.push(event);
    if (this.#queue.length === 1) this.#advance();
  }

  /** Forgets all that wait. */
  stop(): void {
    this.#queue = [];
  }

  /** Goes on until a check takes its time. */
  #advance(): void {
    let isDone = true;
    for (let next = this.#queue[0]; isDone && next !== undefined; next = this.#queue[0]) {
      const first = next;
      const settle =
        <Value>(tell: (value: Value) => void) =>
        (value: Value): void => {
          if (this.#queue[0] === first) tell(value);
          if (this.#queue[0] === first) this.#queue.shift();
          if (!isDone) this.#advance();
        };
      isDone = judge(this.#check, first.event, first.args, settle(first.passed), settle(first.refused));
    }
  }
}

/** What `settle` becomes where the contract has a say in the answers to `event`. */
export function checkAnswers(check: Check, event: string, settle: Settle): Settle {
  return (error, answers) => {
    if (error !== null) return settle(error, answers);
    const refused = (cause: unknown): void =>
      settle(
        cause instanceof BothwaysError ? cause : new BothwaysError("BW_INVALID_ANSWER", event, { cause }),
        [],
      );
    judge(check, event, answers, (checked) => settle(null, checked), refused);
  };
}

/** Calls `passed` or `refused`: before it returns true, or after it returned false. */
function judge(
  check: Check,
  event: string,
  args: readonly unknown[],
  passed: (args: readonly unknown[]) => void,
  refused: (error: unknown) => void,
): boolean {
  let checked: ReturnType<Check>;
  try {
    checked = check(event, args);
  } catch (error) {
    refused(error);
    return true;
  }
  if (checked instanceof Promise) {
    checked.then(passed, refused);
    return false;
  }
  passed(checked);
  return true;
}
