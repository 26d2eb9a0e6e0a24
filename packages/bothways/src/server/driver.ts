/**
 * The server's run loop: what links say goes into sessions, and what sessions say goes to links and to the hub.
 * It knows no socket and no timer but those it is handed, so a simulation runs it as a server does.
 *
 * Invariants: a session is drained after each input; frames leave once per turn of the event loop; whatever a peer
 * sends ends at worst its own session.
 */
import { SLOW_CONSUMER, TAKEN_OVER } from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Hello } from "../model/frame.ts";
import type { Handshake } from "../model/handshake.ts";
import type { PeerHandler } from "../model/peer.ts";
import type { Link } from "../model/transport.ts";
import { Registry, type RegistryTokens } from "../session/registry.ts";
import type { ServerSessionOptions } from "../session/server-session.ts";
import { NativePeer } from "./native-peer.ts";
import { ServerLink } from "./server-link.ts";

export interface DriverPlatform {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls back after at least `delayMs`, and after input that waits was handled. Returns what cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
  /** Calls back when this turn of the event loop is done. */
  defer(callback: () => void): void;
  readonly tokens: RegistryTokens;
}

export interface DriverOptions extends ServerSessionOptions {
  readonly maxNamespacesPerPeer: number;
}

/** What the server knows of a request before a session is asked. */
export interface Visitor {
  readonly handshake: Omit<Handshake, "auth">;
  /** What `authenticate` returned. */
  readonly identity: unknown;
  /** Names the user, where it does: nobody else may resume the session. */
  readonly user: string | undefined;
}

/** HTTP links that ended: their clients' requests, under way or late, are told how. The oldest are forgotten. */
const MAX_ENDED = 1024;

/** Deadlines are looked after no more often than this, and with many clients more seldom: a sweep looks at each. */
const SWEEP_MS = 20;
const SWEPT_PER_MS = 100;

export class Driver {
  readonly platform: DriverPlatform;
  readonly options: DriverOptions;
  readonly hub: PeerHandler;
  readonly #registry: Registry<ServerLink>;
  readonly #peers = new Map<string, NativePeer>();
  readonly #ended = new Map<string, ServerLink>();
  readonly #unflushed = new Set<Link>();
  #cancelSweep: (() => void) | undefined;
  #sweepAt: number = Number.POSITIVE_INFINITY;

  constructor(platform: DriverPlatform, options: DriverOptions, hub: PeerHandler) {
    this.platform = platform;
    this.options = options;
    this.hub = hub;
    this.#registry = new Registry(options, platform.tokens);
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  /** Takes a new link. Its frames go to the handler returned, the hello first. */
  connect(link: Link, visitor: Visitor): ServerLink {
    return new ServerLink(this, link, visitor);
  }

  /** The link a request's key belongs to. One that has ended answers with its end, until it is forgotten. */
  find(key: string): ServerLink | undefined {
    const peer = this.#peers.get(key.slice(0, key.lastIndexOf("~")));
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
      this.#peers.get(session.sid) ?? new NativePeer(this, session, link.visitor, hello.join.length);
    if (peer.visitor.user !== link.visitor.user) return errorTable.BW_IDENTITY.closeCode;
    this.#peers.set(session.sid, peer);
    link.key = `${session.sid}~${this.platform.tokens.createSecret()}`;
    peer.accept(link, hello, registry.lossOf(hello, session), now);
    if (!known) for (const [namespace, auth] of hello.join) this.hub.join(peer, namespace, auth);
    return peer;
  }

  /** Frames were given to this link: they leave together when the turn is done. */
  flushLater(link: Link): void {
    if (this.#unflushed.size === 0) this.platform.defer(() => this.#flush());
    this.#unflushed.add(link);
  }

  /** A session wants a tick at `deadline`. */
  watch(deadline: number): void {
    if (deadline >= this.#sweepAt) return;
    const now = this.platform.now();
    const delayMs = Math.max(deadline - now, SWEEP_MS, this.#peers.size / SWEPT_PER_MS);
    if (now + delayMs >= this.#sweepAt) return;
    this.#cancelSweep?.();
    this.#sweepAt = now + delayMs;
    this.#cancelSweep = this.platform.setTimer(() => this.#sweep(), delayMs);
  }

  forget(peer: NativePeer, code: number): void {
    this.#peers.delete(peer.session.sid);
    this.#registry.remove(peer.session, code === SLOW_CONSUMER ? "overflow" : "expired");
  }

  /** Ends every session. */
  close(code: ErrorCode): void {
    for (const peer of [...this.#peers.values()]) peer.close(code);
    this.#flush();
    this.#cancelSweep?.();
  }

  #flush(): void {
    const links = [...this.#unflushed];
    this.#unflushed.clear();
    for (const link of links) link.flush();
  }

  #sweep(): void {
    this.#sweepAt = Number.POSITIVE_INFINITY;
    const now = this.platform.now();
    for (const peer of this.#peers.values()) {
      if (peer.session.deadline <= now) peer.input({ type: "tick" }, now);
      else this.watch(peer.session.deadline);
    }
  }
}
