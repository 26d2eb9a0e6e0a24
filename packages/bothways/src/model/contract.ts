/**
 * What the two sides of a namespace agreed to say to each other: its types for both, and the checks for the server.
 *
 * Invariant: a check never changes what it is given.
 */
import type { Untyped } from "./events.ts";

/**
 * Judges the arguments of an event, or of the answer to one: gives what handlers get, or a promise of it. Throws or
 * rejects with a BothwaysError where they are not as agreed.
 */
export type Check = (
  event: string,
  args: readonly unknown[],
) => readonly unknown[] | Promise<readonly unknown[]>;

/** What the two sides of a namespace agreed on: what `defineContract` returns. */
export interface Contract<
  ServerListens = Untyped,
  ServerEmits = Untyped,
  ClientListens = Untyped,
  ClientEmits = Untyped,
> {
  /** Of events that clients send. The error's message and data are for the client. */
  readonly checkEvent: Check;
  /** Of what clients answer to events of the server. */
  readonly checkAnswer: Check;
  /** Only for the compiler: it is never there. */
  readonly types?: {
    readonly serverListens: ServerListens;
    readonly serverEmits: ServerEmits;
    readonly clientListens: ClientListens;
    readonly clientEmits: ClientEmits;
  };
}
