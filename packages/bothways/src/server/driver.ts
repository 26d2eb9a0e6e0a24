/**
 * The server's run loop: what links say goes into sessions, and what sessions say goes to links and to the hub.
 * It knows no socket and no timer but those it is handed, so a simulation runs it as a server does.
 *
 * Invariants: a session is drained after each input; frames leave once per turn of the event loop; whatever a peer
 * sends ends at worst its own session, and so does a fault of ours while we serve it; what waits for anything is charged
 * to its client's account, which is part of the process's.
 */
import { Account } from "../model/account.ts";
import { INTERNAL, OVERFLOW, SLOW_CONSUMER, TAKEN_OVER } from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Hello } from "../model/frame.ts";
import type { Handshake } from "../model/handshake.ts";
import type { OverflowPolicy } from "../model/message.ts";
import type { PeerHandler } from "../model/peer.ts";
import type { GapReason } from "../model/reasons.ts";
import type { Link } from "../model/transport.ts";
import { channels } from "../observe/channels.ts";
import { Registry, type RegistryTokens } from "../session/registry.ts";
import type { ServerSessionOptions } from "../session/server-session.ts";
import type { AuthenticationOptions, Clocks } from "./authentication.ts";
import type { DrivenPeer } from "./driven-peer.ts";
import type { Identity } from "./identity.ts";
import { NativePeer } from "./native-peer.ts";
import type { RateLimits } from "./rate-limit.ts";
import { ServerLink } from "./server-link.ts";
import type { ServerStats } from "./stats.ts";

export interface DriverPlatform extends Clocks {
  /** Calls back after at least `delayMs`, and after input that waits was handled. Returns what cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
  /** Calls back when this turn of the event loop is done. */
  defer(callback: () => void): void;
  readonly tokens: RegistryTokens;
  /** Told of faults of our own code. */
  report(error: unknown): void;
}

export interface DriverOptions extends ServerSessionOptions, AuthenticationOptions {
  readonly maxNamespacesPerPeer: number;
  /** What `overflow` is made of. */
  readonly policy: OverflowPolicy;
  /** All that waits for one client, either way; and for all clients. */
  readonly maxPeerBytes: number;
  readonly maxTotalBytes: number;
  readonly maxUnconfirmed: number;
  readonly maxRate: RateLimits | undefined;
  readonly maxHelloSize: number;
  readonly maxJsonDepth: number;
}

/** What the server knows of a request before a session is asked. */
export interface Visitor extends Identity {
  readonly handshake: Omit<Handshake, "auth">;
  /** Called when the link is over, for who counts them. */
  readonly leave?: () => void;
}

/** What was given frames that leave together. */
interface Flushable {
  flush(): void;
}

/** What a client of a session that is gone is told of it. */
const lossByCode: Record<number, GapReason> = {
  [SLOW_CONSUMER]: "overflow",
  [OVERFLOW]: "overflow",
  [INTERNAL]: "server-lost",
};

const lost = channels["bothways:session:lost"];

/** HTTP links that ended: their clients' requests, under way or late, are told how. The oldest are forgotten. */
const MAX_ENDED = 1024;

/** Where there was no room, so much of it is made at once. */
const RELIEF = 1 / 8;

/** Deadlines are looked after no more often than this, and with many clients more seldom: a sweep looks at each. */
const SWEEP_MS = 20;
const SWEPT_PER_MS = 100;
/** No timer runs for longer than 24 days. */
const MAX_SWEEP_MS = 86_400_000;

export class Driver {
  readonly platform: DriverPlatform;
  readonly options: DriverOptions;
  readonly hub: PeerHandler;
  /** Of the process. */
  readonly account: Account;
  /** Of all that is no client's yet: it must not take the room of those that are. */
  readonly strangers: Account;
  /** Sessions that no frame has confirmed, the oldest first. */
  readonly unconfirmed: Set<NativePeer> = new Set();
  /** Events that policies dropped and that `maxRate` refused, so far. */
  dropped = 0;
  refused = 0;
  readonly #registry: Registry<ServerLink>;
  /** Clients of all dialects. */
  readonly #peers = new Set<DrivenPeer>();
  /** Native ones by the id of their session. */
  readonly #natives = new Map<string, NativePeer>();
  readonly #ended = new Map<string, ServerLink>();
  readonly #unflushed = new Set<Flushable>();
  #cancelSweep: (() => void) | undefined;
  #sweepAt: number = Number.POSITIVE_INFINITY;

  constructor(platform: DriverPlatform, options: DriverOptions, hub: PeerHandler) {
    this.platform = platform;
    this.options = options;
    this.hub = hub;
    this.account = new Account(options.maxTotalBytes);
    this.strangers = new Account(options.maxTotalBytes / 2, this.account);
    this.#registry = new Registry(options, platform.tokens);
  }

  get stats(): Omit<ServerStats, "openRequests"> {
    return {
      sessions: this.#peers.size,
      connections: [...this.#peers].filter(({ state }) => state === "open").length,
      unconfirmed: this.unconfirmed.size,
      bufferedBytes: this.account.bytes,
      dropped: this.dropped,
      refused: this.refused,
    };
  }

  /** Takes a new link. Its frames go to the handler returned, the hello first. */
  connect(link: Link, visitor: Visitor): ServerLink {
    return new ServerLink(this, link, visitor);
  }

  /** Looks after a client until it is dismissed. */
  host(peer: DrivenPeer): void {
    this.#peers.add(peer);
    this.watch(peer.deadline);
  }

  dismiss(peer: DrivenPeer): void {
    this.#peers.delete(peer);
  }

  /** The link a request's key belongs to. One that has ended answers with its end, until it is forgotten. */
  find(key: string): ServerLink | undefined {
    const peer = this.#natives.get(key.slice(0, key.lastIndexOf("~")));
    return peer?.findLink(key) ?? this.#ended.get(key);
  }

  /** A link ended. A client that had no request open is told how with its next one. */
  remember(link: ServerLink): void {
    if (!link.link.rewinds) return;
    this.#ended.set(link.key, link);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_ENDED && oldest) this.#ended.delete(oldest);
  }

  /** Attaches a link to the session its hello asks for. Returns the close code instead where it may not. */
  attach(link: ServerLink, hello: Hello): NativePeer | number {
    const registry = this.#registry;
    const now = this.platform.now();
    if (registry.isSpent(hello)) return TAKEN_OVER;
    const known = registry.find(hello);
    const session = known ?? registry.create(hello, now);
    const peer =
      this.#natives.get(session.sid) ?? new NativePeer(this, session, link.visitor, hello.join.length);
    if (peer.auth.current.user !== link.visitor.user) return errorTable.BW_IDENTITY.closeCode;
    if (known) peer.identify(link.visitor);
    else this.#admit(peer);
    link.key = `${session.sid}~${this.platform.tokens.createSecret()}`;
    try {
      const reason = registry.lossOf(hello, session);
      if (reason && lost.hasSubscribers) lost.publish({ session: session.sid, reason });
      peer.accept(link, hello, reason, now);
      if (!known) for (const [namespace, auth] of hello.join) this.hub.join(peer, namespace, auth);
    } catch (error) {
      peer.abandon();
      throw error;
    }
    return peer;
  }

  /** Frames were given to this link: they leave together when the turn is done. */
  flushLater(link: Flushable): void {
    if (this.#unflushed.size === 0) this.platform.defer(() => this.#flush());
    this.#unflushed.add(link);
  }

  /** A session wants a tick at `deadline`. */
  watch(deadline: number): void {
    if (deadline >= this.#sweepAt) return;
    const now = this.platform.now();
    const soonestMs = Math.max(SWEEP_MS, this.#peers.size / SWEPT_PER_MS);
    const delayMs = Math.min(Math.max(deadline - now, soonestMs), MAX_SWEEP_MS);
    if (now + delayMs >= this.#sweepAt) return;
    this.#cancelSweep?.();
    this.#sweepAt = now + delayMs;
    this.#cancelSweep = this.platform.setTimer(() => this.#sweep(), delayMs);
  }

  /** The session of a native client is over. */
  forget(peer: NativePeer, code: number): void {
    this.#natives.delete(peer.id);
    this.unconfirmed.delete(peer);
    this.#registry.remove(peer.session, lossByCode[code] ?? "expired");
  }

  /** More waits for all than may: those whose clients are away go first, the longest away before the others, then who has most. */
  relieve(): void {
    let surplus = this.account.bytes - this.options.maxTotalBytes * (1 - RELIEF);
    const peers = [...this.#peers].filter(({ account }) => account.bytes > 0);
    peers.sort((one, other) => one.awaySince - other.awaySince || other.account.bytes - one.account.bytes);
    for (const peer of peers) {
      if (surplus <= 0) return;
      surplus -= peer.account.bytes;
      peer.close("BW_OVERFLOW");
    }
  }

  /** Ends the sessions of a user, whose clients are here or away. Returns how many there were. */
  revoke(user: string): number {
    const peers = [...this.#peers].filter(({ auth }) => auth.current.user === user);
    for (const peer of peers) peer.close("BW_REVOKED");
    return peers.length;
  }

  /** Ends every session. */
  close(code: ErrorCode): void {
    for (const peer of [...this.#peers]) peer.close(code);
    this.#flush();
    this.#cancelSweep?.();
  }

  #admit(peer: NativePeer): void {
    this.#natives.set(peer.id, peer);
    this.host(peer);
    this.unconfirmed.add(peer);
    const [oldest] = this.unconfirmed;
    if (this.unconfirmed.size > this.options.maxUnconfirmed) oldest?.close("BW_OVERFLOW");
  }

  #flush(): void {
    const links = [...this.#unflushed];
    this.#unflushed.clear();
    for (const link of links) link.flush();
  }

  #sweep(): void {
    this.#sweepAt = Number.POSITIVE_INFINITY;
    const now = this.platform.now();
    for (const peer of this.#peers) {
      if (peer.deadline <= now) this.#tick(peer, now);
      else this.watch(peer.deadline);
    }
  }

  #tick(peer: DrivenPeer, now: number): void {
    try {
      peer.tick(now);
    } catch (error) {
      peer.fail(error);
    }
  }
}
