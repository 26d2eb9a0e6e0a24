/**
 * One client as the hub and the run loop see it, whatever it speaks: who it is and for how long, what waits for it, how
 * much it may say, and the loop that drains its session. What a dialect adds is its codec, its session machine, and how
 * the machine's outputs reach the links.
 *
 * Invariants: outputs are carried out in order and to the end before the next input's are; what the hub or an
 * application does meanwhile only appends. After each drain the account holds what waits. A fault of our own code ends
 * this client, and nothing else.
 */
import type { Codec } from "../dialect/codec.ts";
import { Account } from "../model/account.ts";
import { INTERNAL } from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Handshake } from "../model/handshake.ts";
import type { Data, Message, OverflowPolicy } from "../model/message.ts";
import { EVENT, type Packet } from "../model/packet.ts";
import type { Peer } from "../model/peer.ts";
import { channels, type ObservedEvents } from "../observe/channels.ts";
import { costOf, type Outbox } from "../session/outbox.ts";
import { type Overflow, overflows } from "../session/overflow.ts";
import { NEVER } from "../session/session.ts";
import { Authentication } from "./authentication.ts";
import type { Driver, Visitor } from "./driver.ts";
import { type Identity, readTime } from "./identity.ts";
import { receiveLimited } from "./limited-events.ts";
import { RateLimiter } from "./rate-limit.ts";
import { disconnectReason } from "./reason.ts";

const closed = channels["bothways:session:closed"];
const messageIn = channels["bothways:message:in"];
const messageOut = channels["bothways:message:out"];

/** What every session machine takes, whatever else its dialect knows. */
type PeerInput =
  | { readonly type: "send" | "send-volatile"; readonly message: Message }
  | { readonly type: "tick" }
  | { readonly type: "close"; readonly code: number };

/** A dialect's session machine. */
interface PeerSession<Input, Output> {
  readonly state: string;
  /** When `tick` is due, in monotonic ms. */
  readonly deadline: number;
  readonly isOverHighWater: boolean;
  readonly outbox: Outbox;
  /** What came and waits. */
  readonly heldBytes: number;
  overflow: Overflow;
  hasRoomFor(bytes: number): boolean;
  handle(input: Input | PeerInput, now: number): void;
  take(): Output | undefined;
}

export abstract class DrivenPeer<Input = never, Output = unknown> implements Peer {
  /** As observers know it. */
  abstract readonly id: string;
  abstract readonly session: PeerSession<Input, Output>;
  abstract readonly transport: string;
  /** Of the first request. */
  readonly visitor: Visitor;
  readonly auth: Authentication;
  /** All that waits for this client or came from it. */
  readonly account: Account;
  /** When its client was lost; Infinity while it is here. */
  awaySince: number = NEVER;
  dropped = 0;
  protected abstract readonly codec: Codec;
  protected readonly driver: Driver;
  /** The error by which we ended it. */
  protected closedBy: ErrorCode | undefined;
  /** The close code of the loss that it did not survive. */
  protected lostBy = 0;
  /** Charged beside what the session holds. */
  protected extraBytes = 0;
  readonly #rates: RateLimiter | undefined;
  #policy: OverflowPolicy;
  #chargedBytes = 0;
  #isDraining = false;

  constructor(driver: Driver, visitor: Visitor) {
    const { options, platform } = driver;
    this.driver = driver;
    this.visitor = visitor;
    this.#policy = options.policy;
    this.#rates = options.maxRate && new RateLimiter(options.maxRate);
    this.account = new Account(options.maxPeerBytes, driver.account);
    this.auth = new Authentication(visitor, options, platform);
    driver.watch(this.auth.deadline);
  }

  get handshake(): Omit<Handshake, "auth"> {
    return this.visitor.handshake;
  }

  get identity(): unknown {
    return this.auth.current.identity;
  }

  get expiresAt(): number {
    return this.auth.current.expiresAt;
  }

  set expiresAt(expiresAt: number) {
    this.identify({ ...this.auth.current, expiresAt: readTime(expiresAt) });
  }

  get state(): string {
    return this.session.state;
  }

  /** When `tick` is due, in monotonic ms. */
  get deadline(): number {
    return Math.min(this.session.deadline, this.auth.deadline);
  }

  get bufferedBytes(): number {
    return this.session.outbox.queueBytes;
  }

  get isFull(): boolean {
    return this.session.isOverHighWater;
  }

  get policy(): OverflowPolicy {
    return this.#policy;
  }

  set policy(policy: OverflowPolicy) {
    this.#policy = policy;
    this.session.overflow = overflows[policy];
  }

  abstract pause(): void;
  abstract resume(): void;

  admits(packet: Packet): boolean {
    return this.session.hasRoomFor(costOf(this.codec.toMessage(packet)));
  }

  send(packet: Packet, isVolatile = false): boolean {
    const message = this.codec.toMessage(packet, isVolatile);
    if (messageOut.hasSubscribers) messageOut.publish(this.#describe(packet, message.data.length));
    this.input({ type: isVolatile ? "send-volatile" : "send", message });
    return !this.session.isOverHighWater;
  }

  close(code: ErrorCode): void {
    this.closedBy ??= code;
    this.input({ type: "close", code: errorTable[code].closeCode });
  }

  /** Our own code threw while it served this client. */
  fail(error: unknown): void {
    this.driver.platform.report(error);
    this.abandon();
  }

  /** Likewise: what state it is in nobody knows, so it ends. */
  abandon(): void {
    try {
      this.close("BW_INTERNAL");
    } catch (error) {
      this.driver.platform.report(error);
      this.leave(INTERNAL);
    }
  }

  /** A newer judgement of who this is. */
  identify(identity: Identity): void {
    this.auth.current = identity;
    this.driver.watch(this.auth.deadline);
  }

  async refreshAuth(token: unknown): Promise<void> {
    await this.auth.refresh(token);
    this.driver.watch(this.auth.deadline);
  }

  tick(now: number): void {
    if (this.auth.deadline <= now) this.#tickAuth();
    if (this.session.deadline <= now) this.input({ type: "tick" });
  }

  input(input: Input | PeerInput): void {
    this.session.handle(input, this.driver.platform.now());
    this.drain();
  }

  /** Carries out what the session wants. Does nothing while it is at it. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let output = this.session.take(); output; output = this.session.take()) this.carryOut(output);
    } finally {
      this.#isDraining = false;
    }
    this.settle();
    this.driver.watch(this.deadline);
  }

  /** Charges what waits by now. Who is over its limit goes; who is not may have to, where the process is over its own. */
  settle(): void {
    const { outbox, heldBytes, state } = this.session;
    const isOver = state === "closed";
    const bytes = this.extraBytes + (isOver ? 0 : outbox.queueBytes + outbox.windowBytes + heldBytes);
    if (bytes !== this.#chargedBytes) {
      this.account.charge(bytes - this.#chargedBytes);
      this.#chargedBytes = bytes;
    }
    if (isOver) return;
    if (this.account.isOver) this.close("BW_OVERFLOW");
    else if (this.driver.account.isOver) this.driver.relieve();
  }

  protected abstract carryOut(output: Output): void;

  /** Hands on what the client said, as far as `maxRate` allows. False where it is malformed. */
  protected deliver(data: Data, namespace = "/"): boolean {
    const packet = this.codec.toPacket(data, namespace);
    if (packet === undefined) return false;
    if (messageIn.hasSubscribers) messageIn.publish(this.#describe(packet, data.length));
    if (this.#rates && packet.type === EVENT) receiveLimited(this.#rates, packet, this, this.driver);
    else this.driver.hub.receive(this, packet);
    return true;
  }

  /** A policy dropped so many messages. */
  protected drop(count: number): void {
    this.dropped += count;
    this.driver.dropped += count;
    this.driver.hub.dropped(this, count);
  }

  /** The session is over. */
  protected leave(code: number): void {
    const reason = disconnectReason(code, this.closedBy, this.lostBy);
    this.driver.dismiss(this);
    if (closed.hasSubscribers) closed.publish({ session: this.id, code, reason });
    this.driver.hub.leave(this, reason);
  }

  #tickAuth(): void {
    const leftMs = this.auth.tick();
    this.driver.watch(this.auth.deadline);
    if (leftMs === undefined) return;
    if (leftMs <= 0) this.close("BW_AUTH_EXPIRED");
    else this.driver.hub.expiring(this, leftMs);
  }

  #describe({ type, namespace, data }: Packet, size: number): ObservedEvents["bothways:message:in"] {
    const event = type === EVENT ? String((data as unknown[])[0]) : "";
    return { session: this.id, namespace, event, size };
  }
}
