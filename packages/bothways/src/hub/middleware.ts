/**
 * The functions that stand between a client and a namespace, or an event and its handlers. They run one after the other,
 * in the order they were added; with none that is asynchronous the verdict falls before `runMiddleware` returns.
 */
import type { Untyped } from "../model/events.ts";
import type { Refusal } from "../model/packet.ts";
import { callHandler, describe, toRefusal } from "./handler.ts";

/** An error with `data` for the client. */
export interface ExtendedError extends Error {
  /** What the client gets as `data` of its error. */
  data?: Untyped;
}

/** Without an argument: go on. With an error: refuse, and tell the client its `message` and `data`. */
export type Next = (error?: ExtendedError | null) => void;

/**
 * Lets a client, or an event, in or not. A function that declares `next` must call it; an async function may leave it
 * out and go on by returning. What a function throws refuses too, with `internal error` as the message the client gets
 * unless the error carries `data`.
 */
export type Middleware<Subject> = (subject: Subject, next: Next) => unknown;

export interface Verdict {
  passed(): void;
  /** `error` is what `next` was given, or what was thrown. */
  refused(refusal: Refusal, error: unknown): void;
  /** A function threw; the refusal follows. */
  failed(error: unknown): void;
}

export function runMiddleware<Subject extends object>(
  functions: readonly Middleware<Subject>[],
  subject: Subject,
  verdict: Verdict,
): void {
  const step = (index: number): void => {
    const middleware = functions[index];
    if (middleware === undefined) verdict.passed();
    else runOne(middleware, subject, verdict, () => step(index + 1));
  };
  step(0);
}

/** The first word counts: of `next`, of the promise, or of an error. */
function runOne<Subject extends object>(
  middleware: Middleware<Subject>,
  subject: Subject,
  verdict: Verdict,
  passed: () => void,
): void {
  let isDecided = false;
  const decide = (act: () => void): void => {
    if (isDecided) return;
    isDecided = true;
    act();
  };
  const next: Next = (error) => decide(error ? () => verdict.refused(describe(error), error) : passed);
  const failed = (error: unknown): void => {
    verdict.failed(error);
    decide(() => verdict.refused(toRefusal(error), error));
  };
  // What it returns at once says nothing: `(...args) => …` may call `next` later, and must not be passed by.
  const resolved = middleware.length < 2 ? () => next() : undefined;
  callHandler(middleware, subject, [subject, next], failed, resolved);
}
