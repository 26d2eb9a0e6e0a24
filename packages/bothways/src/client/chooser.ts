/**
 * Which transport is tried when. The best starts at once, the next beside it when it is slow, the first to open is used,
 * and a better one takes over live. `inTurn` is the plain alternative: one after the other.
 */
import type { ClientPlatform, CoreOptions } from "./options.ts";

/** What a connection does for its chooser. Transports are meant by their index in the `transports` option. */
export interface ChooserHost {
  /** Begins an attempt, beside those that are under way. */
  dial(index: number): void;
  /** Calls `action` after `delayMs`, unless something was opened or another action was asked for meanwhile. */
  later(action: () => void, delayMs: number): void;
}

export interface Chooser {
  /** Nothing is open or under way: begin a round. */
  begin(): void;
  /** An attempt failed, perhaps while another link is open. True where the round goes on. */
  failed(isOpen: boolean): boolean;
  opened(index: number, ms: number): void;
  /** The application wants this one. */
  prefer(index: number): void;
}

export type CreateChooser = (
  url: string,
  options: CoreOptions,
  platform: ClientPlatform,
  host: ChooserHost,
) => Chooser;

export const inTurn: CreateChooser = (_url, { transports }, _platform, { dial }) => {
  let first = 0;
  let index = 0;
  return {
    begin() {
      index = first;
      dial(index);
    },
    failed(isOpen) {
      index = (index + 1) % transports.length;
      if (isOpen || index === first) return false;
      dial(index);
      return true;
    },
    opened() {},
    prefer(preferred) {
      first = preferred;
    },
  };
};

const MEMORY_MS = 1_800_000;
const MAX_UPGRADE_DELAY_MS = 300_000;

/** What opened last for a URL, how many ms it took, and until when that is believed. */
const memory = new Map<string, { index: number; ms: number; until: number }>();

export const hedged: CreateChooser = (
  server,
  { transports, hedgeDelay, upgrade },
  platform,
  { dial, later },
) => {
  // an index means nothing in another list
  const url = server + transports.map(({ name }) => name);
  /** The one to end up with, how often that was tried, and those left to try in this round. */
  let goal = 0;
  let upgrades = 0;
  let round: number[] = [];

  const next = (): boolean => {
    const index = round.shift();
    if (index === undefined) return false;
    dial(index);
    const known = memory.get(url);
    if (round.length) later(next, hedgeDelay ?? (known ? Math.max(400, 2 * known.ms) : 700));
    return true;
  };

  /** Less and less often. */
  const climb = (): void => {
    if (upgrade !== false) later(() => dial(goal), Math.min(MAX_UPGRADE_DELAY_MS, 1000 * 4 ** upgrades++));
  };

  return {
    begin() {
      const known = memory.get(url);
      const first = known && known.until > platform.now() ? known.index : goal;
      round = [first, ...transports.keys()].filter((index, place) => place === 0 || index !== first);
      next();
    },
    failed(isOpen) {
      if (!isOpen) return next();
      climb();
      return true;
    },
    opened(index, ms) {
      memory.set(url, { index, ms, until: platform.now() + MEMORY_MS });
      round = [];
      if (index === goal) upgrades = 0;
      else climb();
    },
    prefer(index) {
      goal = index;
      memory.delete(url);
    },
  };
};
