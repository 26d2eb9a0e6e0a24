/**
 * Which transport is tried when. The best starts at once, the next beside it when it is slow, the first to open is used,
 * and a better one takes over live. `inTurn` is the plain alternative: one after the other.
 *
 * Invariant: what was learned changes the order of what is tried, and never leaves nothing to try.
 */
import type { ClientPlatform, CoreOptions } from "./options.ts";
import type { ReportAttempt } from "./report.ts";
import { blame, conclude, explain } from "./verdict.ts";

/** What a connection does for its chooser. Transports are meant by their index in the `transports` option. */
export interface ChooserHost {
  readonly platform: ClientPlatform;
  /** Begins an attempt, beside those that are under way. */
  dial(index: number): void;
  /** Calls `action` after `delayMs`, unless something was opened or another action was asked for meanwhile. */
  later(action: () => void, delayMs: number): void;
}

/** One try of a transport, as the report has it. */
export interface Try {
  readonly index: number;
  readonly row: ReportAttempt;
}

export interface Chooser {
  /** Nothing is open or under way: begin a round. */
  begin(): void;
  /** An attempt failed, perhaps while another link is open. True where that needs no new round. */
  failed(index: number, isOpen: boolean): boolean;
  /** Says in the report what an attempt that ended came to, before anything else is told of it. `open`: the one in use. */
  judge(ended: Try, open: Try | undefined): void;
  /** Likewise; `rows` are all that the report has. */
  opened(opened: Try, rows: readonly ReportAttempt[]): void;
  /** Why nothing better than `current` is in use, as a sentence. */
  explain(current: string, rows: readonly ReportAttempt[]): string;
  /** The application wants this one. */
  prefer(index: number): void;
  /** The network is another one: what was learned no longer holds. */
  forget(isOpen: boolean): void;
}

export type CreateChooser = (url: string, options: CoreOptions, host: ChooserHost) => Chooser;

/** It compares nothing: to its report an attempt has opened or was lost. */
export const inTurn: CreateChooser = (_url, { transports }, host) => {
  let first = 0;
  let index = 0;
  return {
    begin() {
      index = first;
      host.dial(index);
    },
    failed(_index, isOpen) {
      index = (index + 1) % transports.length;
      if (isOpen || index === first) return isOpen;
      host.dial(index);
      return true;
    },
    judge({ row }) {
      if (row.verdict === "pending") row.verdict = "lost";
    },
    opened() {},
    explain: (current) => (current ? `Using ${current}.` : "Not connected."),
    prefer(preferred) {
      first = preferred;
    },
    forget() {},
  };
};

const MEMORY_MS = 1_800_000;
const MAX_UPGRADE_DELAY_MS = 300_000;

/** What was learned of the way to a URL. After half an hour all of it is learned anew. */
interface Memory {
  readonly until: number;
  /** What opened last, and how many ms it took. */
  index?: number;
  ms: number;
  /** How often something better was tried in vain. */
  tries: number;
  /** Something on the way keeps streams back. */
  hasBuffering?: boolean;
}

const memory = new Map<string, Memory>();

/** What is known of `url`: of one that is new, nothing. */
function remember(url: string, now: number): Memory {
  let known = memory.get(url);
  if (!known || known.until <= now) {
    known = { until: now + MEMORY_MS, ms: 250, tries: 0 };
    memory.set(url, known);
  }
  return known;
}

export const hedged: CreateChooser = (server, { transports, hedgeDelay, upgrade }, host) => {
  const { platform } = host;
  // an index means nothing in another list
  const url = server + transports.map(({ name }) => name);
  /** The one to end up with. */
  let goal = 0;
  /** When the round began. */
  let begunAt = 0;
  /** Those left to try in this round. */
  let round: number[] = [];
  /** Those that have failed since the round began. */
  const failed = new Set<number>();
  /** One that has not begun. */
  let stream: number | undefined;
  /** What is open, or was. Nothing while a round has opened nothing yet. */
  let current: number | undefined = goal;

  const recall = (): Memory => remember(url, platform.now());

  /** Best first, but for `first`. */
  const rank = (first: number): number[] => [...new Set([first, goal, ...transports.keys()])];

  const isStream = (index: number): boolean => !!transports[index]?.streams;

  const withoutBuffered = (order: number[]): number[] =>
    order.filter((index) => !(recall().hasBuffering && isStream(index)));

  /** What keeps one stream back keeps all of them back: no other is tried beside one that has not begun. */
  const next = (isHedge?: boolean): boolean => {
    const isWaiting = isHedge && stream !== undefined;
    const index = round.find((each) => !(isWaiting && isStream(each)));
    if (index === undefined) return false;
    round = round.filter((each) => each !== index);
    if (isStream(index)) stream = index;
    host.dial(index);
    const delayMs = hedgeDelay ?? Math.min(1000, Math.max(400, 2 * recall().ms));
    if (round.length) host.later(() => next(true), delayMs);
    return true;
  };

  /** Tries what is better than what is open, less and less often. */
  const climb = (): void => {
    if (upgrade === false || current === goal) return;
    const known = recall();
    const order = rank(goal);
    const better = withoutBuffered(order.slice(0, order.indexOf(current as number)));
    const slow = better.filter((index) => !failed.has(index));
    // what was not only slow will not do better in a second
    if (!slow.length) known.tries = Math.max(2, known.tries);
    const delayMs = Math.min(MAX_UPGRADE_DELAY_MS, 1000 * 4 ** known.tries);
    host.later(() => {
      round = known.tries++ < 2 ? slow : better;
      if (!next()) climb();
    }, delayMs);
  };

  return {
    begin() {
      // what was learned may be why nothing could be opened
      if (current === undefined) memory.delete(url);
      begunAt = platform.now();
      current = stream = undefined;
      failed.clear();
      const order = rank(recall().index ?? goal);
      const passing = withoutBuffered(order);
      // where there is nothing else, they are tried all the same
      round = passing.length ? passing : order;
      next();
    },
    failed(index, isOpen) {
      failed.add(index);
      if (index === stream) stream = undefined;
      round = withoutBuffered(round);
      if (next()) return true;
      if (isOpen) climb();
      return isOpen;
    },
    judge(ended, open) {
      conclude(ended, open, transports, platform.now());
      if (ended.row.verdict === "buffered") recall().hasBuffering = true;
    },
    explain: (name, rows) => explain(transports, name, rows),
    opened({ index, row }, rows) {
      blame(rows, begunAt);
      const known = Object.assign(recall(), { index, ms: row.ms });
      current = index;
      stream = undefined;
      round = [];
      if (index === goal) known.tries = 0;
      climb();
    },
    prefer(index) {
      goal = index;
      memory.delete(url);
    },
    forget(isOpen) {
      memory.delete(url);
      failed.clear();
      if (isOpen) climb();
    },
  };
};
