/**
 * The functions that stand between a client and a namespace. They run one after the other, in the order they were
 * added; with none that is asynchronous a join is answered before `run` returns.
 */
import type { Refusal } from "../model/packet.ts";
import { callHandler, describe, toRefusal } from "./handler.ts";

/** Without an argument: go on. With an error: refuse, and tell the client its `message` and `data`. */
export type Next = (error?: (Error & { data?: unknown }) | null) => void;

/**
 * Lets a client in, or not. A function that declares `next` must call it; an async function may leave it out and go on
 * by returning. What a function throws refuses the client too, with `internal error` as the message it gets unless
 * the error carries `data`.
 */
export type Middleware<Socket> = (socket: Socket, next: Next) => unknown;

export interface Verdict {
  passed(): void;
  refused(refusal: Refusal): void;
  /** A function threw; the refusal follows. */
  failed(error: unknown): void;
}

export function runMiddleware<Socket extends object>(
  functions: readonly Middleware<Socket>[],
  socket: Socket,
  verdict: Verdict,
): void {
  const step = (index: number): void => {
    const middleware = functions[index];
    if (middleware === undefined) verdict.passed();
    else runOne(middleware, socket, verdict, () => step(index + 1));
  };
  step(0);
}

/** The first word counts: of `next`, of the promise, or of an error. */
function runOne<Socket extends object>(
  middleware: Middleware<Socket>,
  socket: Socket,
  verdict: Verdict,
  passed: () => void,
): void {
  let isDecided = false;
  const decide = (act: () => void): void => {
    if (isDecided) return;
    isDecided = true;
    act();
  };
  const next: Next = (error) => decide(error ? () => verdict.refused(describe(error)) : passed);
  const failed = (error: unknown): void => {
    verdict.failed(error);
    decide(() => verdict.refused(toRefusal(error)));
  };
  // What it returns at once says nothing: `(...args) => …` may call `next` later, and must not be passed by.
  const resolved = middleware.length < 2 ? () => next() : undefined;
  callHandler(middleware, socket, [socket, next], failed, resolved);
}
