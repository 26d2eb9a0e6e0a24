/**
 * The networks of the matrix: what each does, and what must happen to every kind of transport in it. Everywhere nothing
 * may be lost, repeated or reordered.
 */
import type { ServerOptions } from "../../src/server/index.ts";
import type { TransportName } from "../../src/server/options.ts";
import {
  type Answer,
  captivePortal,
  type Direction,
  type FaultProxy,
  type NetworkShape,
  type Policies,
  type PolicyProxy,
  type RequestFault,
} from "../../src/testing/index.ts";
import type { Kind } from "./transports.ts";

/** The transport carries the session; the client connects by another, in time; or the two cannot meet. */
export type Verdict = "works" | { readonly movesOnTo: TransportName } | { readonly impossible: string };

/** Clients connect to `faults`, which leads to `proxy`, which leads to the server; over HTTP/2 nothing passes `proxy`. */
export interface Place {
  readonly proxy: PolicyProxy;
  readonly faults: FaultProxy;
  /** Of the transport under test. */
  readonly kind: Kind;
  /** Both sides know each other. */
  connected(): Promise<void>;
  /** Faults that struck, where the proxy does not count them. */
  struck: number;
}

export interface Network {
  readonly name: string;
  /** It does what only a proxy can that reads HTTP/1.1. */
  readonly readsHttp?: true;
  /** Connections die and nobody is told, which over HTTP/2 takes long to be noticed. */
  readonly isSilent?: true;
  readonly policies?: Partial<Policies>;
  readonly shape?: Partial<NetworkShape>;
  readonly server?: ServerOptions;
  /** Strikes while both sides talk, from before the client connects on. */
  readonly strike?: (place: Place, isQuick: boolean) => Promise<unknown>;
  /** Half of the messages wait until `strike` is over. */
  readonly isQuiet?: true;
  /** How often the network did something; a cell where it did nothing has shown nothing. */
  readonly count: (place: Place) => number;
  readonly verdicts: Readonly<Record<Kind, Verdict>>;
}

const noUpgrade = { impossible: "asks for no upgrade" };
const oneExchange = { impossible: "is one exchange, then bytes" };
const everyKind = { upgrade: "works", stream: "works", poll: "works" } as const;

/** A dead link is noticed within half a second. */
const impatient: ServerOptions = { pingInterval: 250, pingTimeout: 250 };

/** Bytes of a chunk that is more than a heartbeat. */
const minBytes = 64;

/** The proxy answers upgrades in its own way. */
function refusesUpgrades(name: string, upgrade: Policies["upgrade"]): Network {
  return {
    name,
    readsHttp: true,
    policies: { upgrade },
    count: ({ proxy }) => proxy.stats.strikes.upgrade,
    verdicts: { upgrade: { movesOnTo: "stream" }, stream: noUpgrade, poll: noUpgrade },
  };
}

/** All connections are cut, and for a while everything is answered like this. */
function answersForAWhile(name: string, answer: number | Answer): Network {
  return {
    name,
    readsHttp: true,
    count: ({ proxy }) => proxy.stats.strikes.answer,
    verdicts: everyKind,
    async strike(place, isQuick) {
      const { proxy, faults } = place;
      await place.connected();
      for (let round = 0; round < (isQuick ? 1 : 3); round++) {
        const before = proxy.stats.strikes.answer;
        proxy.change({ answer });
        faults.cut();
        await until("two were answered so", () => proxy.stats.strikes.answer >= before + 2);
        proxy.change({ answer: undefined });
        await talkGoesOn(faults);
      }
    },
  };
}

/** For a while everything is answered with nothing, over connections that live. Nobody asks without end. */
const answersNothing: Network = {
  name: "200 and nothing else for a while",
  readsHttp: true,
  count: ({ proxy }) => proxy.stats.strikes.answer,
  verdicts: everyKind,
  async strike({ proxy, faults, kind, connected }, isQuick) {
    for (let round = 0; round < (isQuick ? 1 : 3); round++) {
      await connected();
      await talkGoesOn(faults);
      const before = proxy.stats.strikes.answer;
      proxy.change({ answer: 200 });
      // nothing else makes it ask
      if (kind === "upgrade") faults.cut();
      await until("two were answered so", () => proxy.stats.strikes.answer >= before + 2);
      await new Promise((resolve) => setTimeout(resolve, 500));
      const asked = proxy.stats.strikes.answer - before;
      if (asked > 50) throw new Error(`it asked ${asked} times in half a second`);
      proxy.change({ answer: undefined });
    }
  },
};

/** Something happens to single requests or their answers, the first of all among them. */
function strikesRequests(name: string, fault: RequestFault): Network {
  return {
    name,
    readsHttp: true,
    count: ({ proxy }) => proxy.stats.strikes[fault],
    verdicts: { ...everyKind, ...(fault === "cut" && { upgrade: oneExchange }) },
    async strike({ proxy, faults, kind, connected }, isQuick) {
      const arm = {
        duplicate: () => proxy.duplicateNext(),
        lose: () => proxy.loseNext(),
        cut: (round: number) => proxy.cutNext(round * 7),
      }[fault];
      for (let round = 0; round < (isQuick ? 4 : 20); round++) {
        const struck = arm(round);
        if (round > 1 || kind === "upgrade") await connected();
        // nothing else makes it ask once more
        if (kind === "upgrade") faults.cut();
        await struck;
      }
    },
  };
}

/** Connections live and nothing passes, or die and no new ones come about. */
function pausesConnections(name: string, pause: (faults: FaultProxy, forMs: number) => unknown): Network {
  return {
    name,
    count: ({ struck }) => struck,
    verdicts: everyKind,
    async strike(place, isQuick) {
      for (let round = 0; round < (isQuick ? 1 : 5); round++) {
        await place.connected();
        await talkGoesOn(place.faults);
        pause(place.faults, 300);
        place.struck += 1;
      }
    },
  };
}

/** A message under way, in each direction in turn, meets the fault at another of its bytes each time. */
function strikesConnections(
  name: string,
  rounds: number,
  act: (faults: FaultProxy, direction: Direction, afterBytes: number) => Promise<unknown>,
): Network {
  return {
    name,
    server: impatient,
    count: ({ struck }) => struck,
    verdicts: everyKind,
    async strike(place, isQuick) {
      await place.connected();
      for (let round = 0; round < (isQuick ? 2 : rounds); round++) {
        await act(place.faults, round % 2 === 0 ? "down" : "up", (round * 389) % 1_000);
        place.struck += 1;
        await talkGoesOn(place.faults);
      }
    },
  };
}

export const networks: readonly Network[] = [
  { name: "nothing in between", count: ({ faults }) => faults.stats.opened, verdicts: everyKind },
  {
    name: "far and slow: 50 ms each way, 256 KiB/s",
    shape: { latencyMs: 50, handshakeRtt: true, bytesPerSecond: 262_144 },
    count: ({ faults }) => faults.stats.opened,
    verdicts: everyKind,
  },
  refusesUpgrades("`Upgrade` header dropped", "strip"),
  refusesUpgrades("upgrade answered 200", 200),
  refusesUpgrades("upgrade answered 400", 400),
  refusesUpgrades("upgrade answered 403", 403),
  refusesUpgrades("upgrade answered 502", 502),
  refusesUpgrades("upgrade never answered", "hang"),
  {
    name: "`Connection` header stripped",
    readsHttp: true,
    policies: { stripConnection: true },
    count: ({ proxy }) => proxy.stats.strikes.stripConnection,
    verdicts: { upgrade: { movesOnTo: "stream" }, stream: "works", poll: "works" },
  },
  {
    name: "HTTP/1.0",
    readsHttp: true,
    policies: { http10: true },
    count: ({ proxy }) => proxy.stats.strikes.http10,
    verdicts: { upgrade: { movesOnTo: "stream" }, stream: "works", poll: "works" },
  },
  {
    name: "answers held until they end",
    readsHttp: true,
    policies: { bufferBytes: Number.POSITIVE_INFINITY },
    count: ({ proxy }) => proxy.stats.strikes.bufferBytes,
    verdicts: { upgrade: oneExchange, stream: { movesOnTo: "long-polling" }, poll: "works" },
  },
  {
    name: "answers held for 8 KiB",
    readsHttp: true,
    policies: { bufferBytes: 8_192 },
    count: ({ proxy }) => proxy.stats.strikes.bufferBytes,
    verdicts: { upgrade: oneExchange, stream: { movesOnTo: "long-polling" }, poll: "works" },
  },
  {
    name: "idle connections reset after 150 ms",
    readsHttp: true,
    policies: { idleTimeoutMs: 150 },
    isQuiet: true,
    count: ({ proxy }) => proxy.stats.strikes.idleTimeoutMs,
    verdicts: everyKind,
    strike: ({ proxy }) => until("three were reset", () => proxy.stats.strikes.idleTimeoutMs >= 3),
  },
  {
    name: "one connection at a time",
    readsHttp: true,
    policies: { maxConnections: 1 },
    server: impatient,
    count: ({ proxy }) => proxy.stats.strikes.maxConnections,
    strike: ({ proxy }) => until("one waited", () => proxy.stats.strikes.maxConnections > 0),
    verdicts: {
      upgrade: { impossible: "needs no more than one connection" },
      stream: { impossible: "needs a connection for each direction" },
      poll: "works",
    },
  },
  answersForAWhile("502 for a while", 502),
  answersForAWhile("503 for a while", 503),
  answersForAWhile("429 for a while", { status: 429, headers: { "Retry-After": "1" } }),
  answersForAWhile("a redirect for a while", { status: 302, headers: { Location: "https://example.com/" } }),
  answersForAWhile("a captive portal for a while", captivePortal),
  answersNothing,
  strikesRequests("requests arrive twice", "duplicate"),
  strikesRequests("answers are lost", "lose"),
  strikesRequests("answers break off", "cut"),
  pausesConnections("nothing passes for 300 ms", (faults, forMs) => faults.stall({ forMs })),
  pausesConnections("no connections for 300 ms", (faults, forMs) => {
    faults.admit("refuse", forMs);
    faults.cut();
  }),
  strikesConnections("cut in the middle of a message", 10, (faults, direction, afterBytes) =>
    faults.cutOnNext({ direction, afterBytes, minBytes, scope: "all" }),
  ),
  {
    ...strikesConnections("half-open in the middle of a message", 4, (faults, direction, afterBytes) =>
      faults.halfOpenOnNext({ direction, afterBytes, minBytes, scope: "all" }),
    ),
    isSilent: true,
  },
];

/** Each side hears more of what the other says. */
async function talkGoesOn(faults: FaultProxy): Promise<void> {
  const { bytesUp, bytesDown } = faults.stats;
  const isMore = (): boolean =>
    Math.min(faults.stats.bytesUp - bytesUp, faults.stats.bytesDown - bytesDown) > 4_096;
  await until("both sides hear more", isMore);
}

/** Chromium notices after twenty seconds that a connection of HTTP/2 is dead. */
const patienceMs = 60_000;

export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > endsAt) throw new Error(`waited ${patienceMs / 1_000} s until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
