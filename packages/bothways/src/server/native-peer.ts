/**
 * One native client as the hub sees it: its session, and the loop that drains it.
 *
 * Invariant: outputs are carried out in order and to the end before the next input's are; what the hub or an
 * application does meanwhile only appends. After each drain the account holds what the session holds.
 */
import { toMessage, toPacket } from "../dialect/native/codec.ts";
import { Account } from "../model/account.ts";
import { PROTOCOL_ERROR, SLOW_CONSUMER } from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Hello } from "../model/frame.ts";
import type { Handshake } from "../model/handshake.ts";
import type { Message, OverflowPolicy } from "../model/message.ts";
import { CONNECT, CONNECT_ERROR, EVENT, type Packet } from "../model/packet.ts";
import type { GapReason } from "../model/reasons.ts";
import { channels, type ObservedEvents } from "../observe/channels.ts";
import { tellLimit } from "../observe/limits.ts";
import { costOf } from "../session/outbox.ts";
import { overflows } from "../session/overflow.ts";
import type { ServerSession } from "../session/server-session.ts";
import { type Input, NEVER, type Output, type State } from "../session/session.ts";
import { encodeFrame } from "../wire/native/frame.ts";
import { Authentication } from "./authentication.ts";
import type { DrivenPeer, Driver, Visitor } from "./driver.ts";
import { type Identity, readTime } from "./identity.ts";
import { receiveLimited } from "./limited-events.ts";
import { RateLimiter } from "./rate-limit.ts";
import { disconnectReason } from "./reason.ts";
import type { ServerLink } from "./server-link.ts";

const opened = channels["bothways:session:opened"];
const resumed = channels["bothways:session:resumed"];
const away = channels["bothways:session:away"];
const closed = channels["bothways:session:closed"];
const messageIn = channels["bothways:message:in"];
const messageOut = channels["bothways:message:out"];

/** A welcome over HTTP waits this long for the joins of its hello to be answered. */
const WELCOME_WAIT_MS = 1000;

/** What a session costs beside its messages while its client is away. */
const AWAY_BYTES = 8192;

export class NativePeer implements DrivenPeer {
  readonly session: ServerSession<ServerLink>;
  /** Of the session's first request. */
  readonly visitor: Visitor;
  readonly auth: Authentication;
  /** All that waits for this client or came from it. */
  readonly account: Account;
  /** When its client was lost; Infinity while it is here. */
  awaySince: number = NEVER;
  dropped = 0;
  readonly #driver: Driver;
  readonly #rates: RateLimiter | undefined;
  #policy: OverflowPolicy;
  #sessionBytes = 0;
  #closedBy: ErrorCode | undefined;
  #links: ServerLink[] = [];
  /** Joins of the hello that the hub has not answered: over HTTP the welcome waits for them, to save a round trip. */
  #unanswered: number;
  #isDraining = false;
  #lostBy = 0;

  constructor(driver: Driver, session: ServerSession<ServerLink>, visitor: Visitor, joins: number) {
    this.#driver = driver;
    this.session = session;
    this.visitor = visitor;
    this.#unanswered = joins;
    this.account = new Account(driver.options.maxPeerBytes, driver.account);
    const { maxRate, policy } = driver.options;
    this.#policy = policy;
    this.#rates = maxRate && new RateLimiter(maxRate);
    this.auth = new Authentication(visitor, driver.options, driver.platform);
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

  /** When `tick` is due, in monotonic ms. */
  get deadline(): number {
    return Math.min(this.session.deadline, this.auth.deadline);
  }

  get state(): State {
    return this.session.state;
  }

  get transport(): string {
    return this.session.link?.link.transport ?? "";
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

  admits(packet: Packet): boolean {
    return this.session.hasRoomFor(costOf(toMessage(packet, false)));
  }

  pause(): void {
    this.session.pause();
  }

  resume(): void {
    this.session.resume();
    this.drain();
  }

  /** May this link send by now? */
  isReady(link: ServerLink): boolean {
    return this.#unanswered === 0 || !link.link.rewinds || link.link.streams === true;
  }

  send(packet: Packet, isVolatile = false): boolean {
    const message = toMessage(packet, isVolatile);
    if (messageOut.hasSubscribers) messageOut.publish(this.#describe(packet, message.data.length));
    const now = this.#driver.platform.now();
    this.session.handle({ type: isVolatile ? "send-volatile" : "send", message }, now);
    if (packet.type === CONNECT || packet.type === CONNECT_ERROR) this.#answered(1);
    this.drain();
    return !this.session.isOverHighWater;
  }

  close(code: ErrorCode): void {
    this.#closedBy ??= code;
    this.input({ type: "close", code: errorTable[code].closeCode }, this.#driver.platform.now());
  }

  abandon(): void {
    this.#driver.abandon(this);
  }

  /** A newer judgement of who this is. */
  identify(identity: Identity): void {
    this.auth.current = identity;
    this.#driver.watch(this.auth.deadline);
  }

  async refreshAuth(token: unknown): Promise<void> {
    await this.auth.refresh(token);
    this.#driver.watch(this.auth.deadline);
  }

  tick(now: number): void {
    if (this.auth.deadline <= now) this.#tickAuth();
    if (this.session.deadline <= now) this.input({ type: "tick" }, now);
  }

  accept(link: ServerLink, hello: Hello, lost: GapReason | undefined, now: number): void {
    this.#links.push(link);
    this.session.accept(link, hello, link.key, lost, now);
  }

  findLink(key: string): ServerLink | undefined {
    const { isEqual } = this.#driver.platform.tokens;
    return this.#links.find((link) => isEqual(link.key, key));
  }

  input(input: Input<ServerLink, Message>, now: number): void {
    this.session.handle(input, now);
    this.drain();
  }

  /** Carries out what the session wants. Does nothing while it is at it. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let output = this.session.take(); output; output = this.session.take()) this.#carryOut(output);
    } finally {
      this.#isDraining = false;
    }
    this.settle();
    this.#driver.watch(this.deadline);
  }

  /** Charges what waits by now. Who is over its limit goes; who is not may have to, where the process is over its own. */
  settle(): void {
    const { outbox, heldBytes, state } = this.session;
    const waitingBytes = outbox.queueBytes + outbox.windowBytes + heldBytes;
    const bytes = state === "closed" ? 0 : state === "away" ? waitingBytes + AWAY_BYTES : waitingBytes;
    if (bytes !== this.#sessionBytes) {
      this.account.charge(bytes - this.#sessionBytes);
      this.#sessionBytes = bytes;
    }
    if (state === "closed") return;
    if (this.account.isOver) this.close("BW_OVERFLOW");
    else if (this.#driver.account.isOver) this.#driver.relieve();
  }

  #tickAuth(): void {
    const leftMs = this.auth.tick();
    this.#driver.watch(this.auth.deadline);
    if (leftMs === undefined) return;
    if (leftMs <= 0) this.close("BW_AUTH_EXPIRED");
    else this.#driver.hub.expiring(this, leftMs);
  }

  #carryOut(output: Output<ServerLink, Message>): void {
    const { hub } = this.#driver;
    switch (output.type) {
      case "message":
        this.#give(output.link, output.message);
        break;
      case "frame":
        this.#give(output.link, { data: encodeFrame(output.frame) });
        break;
      case "deliver": {
        const packet = toPacket(output.data);
        if (packet && messageIn.hasSubscribers) messageIn.publish(this.#describe(packet, output.data.length));
        if (packet && this.#rates && packet.type === EVENT)
          receiveLimited(this.#rates, packet, this, this.#driver);
        else if (packet) hub.receive(this, packet);
        else this.session.handle({ type: "close", code: PROTOCOL_ERROR }, this.#driver.platform.now());
        break;
      }
      case "open":
        this.awaySince = NEVER;
        this.#driver.unconfirmed.delete(this);
        this.#tellOpen(output.link, output.from);
        if (output.from === "waiting") hub.confirm(this);
        else if (output.from === "away") hub.back(this);
        break;
      case "away":
        this.#lostBy = output.code;
        this.awaySince = this.#driver.platform.now();
        if (away.hasSubscribers) away.publish({ session: this.session.sid, code: output.code });
        hub.away(this);
        break;
      case "drain":
        hub.drain(this);
        break;
      case "dropped":
        this.dropped += output.messages.length;
        this.#driver.dropped += output.messages.length;
        hub.dropped(this, output.messages.length);
        break;
      case "drop":
        this.#links = this.#links.filter((link) => link !== output.link);
        output.link.end(output.code, this.#closedBy && errorTable[this.#closedBy].message);
        this.#driver.remember(output.link);
        break;
      case "closed":
        this.#driver.forget(this, output.code);
        this.#tellClosed(output.code);
        hub.leave(this, disconnectReason(output.code, this.#closedBy, this.#lostBy));
    }
  }

  #tellOpen({ link: { transport } }: ServerLink, from: State): void {
    const { handshake } = this;
    const session = this.session.sid;
    if (from !== "waiting") {
      if (resumed.hasSubscribers) resumed.publish({ session, transport, wasAway: from === "away" });
    } else if (opened.hasSubscribers) opened.publish({ session, transport, address: handshake.address });
  }

  #tellClosed(code: number): void {
    const session = this.session.sid;
    if (closed.hasSubscribers)
      closed.publish({ session, code, reason: disconnectReason(code, this.#closedBy, this.#lostBy) });
    if (code === SLOW_CONSUMER) tellLimit("BW_SLOW_CONSUMER", session, this.handshake.address);
  }

  #describe({ type, namespace, data }: Packet, size: number): ObservedEvents["bothways:message:in"] {
    const event = type === EVENT ? String((data as unknown[])[0]) : "";
    return { session: this.session.sid, namespace, event, size };
  }

  #give(to: ServerLink, message: Message): void {
    to.link.send(message);
    if (this.isReady(to)) this.#driver.flushLater(to);
    else this.#driver.platform.setTimer(() => this.#answered(this.#unanswered), WELCOME_WAIT_MS);
  }

  /** So many joins of the hello are waited for no more. */
  #answered(joins: number): void {
    if (this.#unanswered === 0) return;
    this.#unanswered -= joins;
    for (const link of this.#links) {
      link.announce(this.#driver.platform.now());
      if (this.isReady(link)) this.#driver.flushLater(link);
    }
    this.drain();
  }
}
