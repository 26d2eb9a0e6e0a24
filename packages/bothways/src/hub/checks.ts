/**
 * Takes what clients send through the contract of their namespace.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Check } from "../model/contract.ts";
import type { Settle } from "./ack.ts";
import type { EventData } from "./event-gate.ts";
import type { Middleware } from "./middleware.ts";

/** The contract as the first of a socket's gate: what passes it are the values its schemas made. */
export function checkEvents(check: Check): Middleware<EventData> {
  return (data, next) => {
    const [event, ...args] = data;
    const passed = (checked: readonly unknown[]): void => {
      data.splice(1, args.length, ...checked);
      next();
    };
    const refused = (error: unknown): void => {
      if (!(error instanceof BothwaysError)) throw error;
      next(error);
    };
    return judge(check, event, args, passed, refused);
  };
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

/** Calls `passed` or `refused`, before it returns where that can be known by then. */
function judge(
  check: Check,
  event: string,
  args: readonly unknown[],
  passed: (args: readonly unknown[]) => void,
  refused: (error: unknown) => void,
): Promise<void> | undefined {
  let checked: ReturnType<Check>;
  try {
    checked = check(event, args);
  } catch (error) {
    refused(error);
    return undefined;
  }
  if (checked instanceof Promise) return checked.then(passed, refused);
  passed(checked);
}
