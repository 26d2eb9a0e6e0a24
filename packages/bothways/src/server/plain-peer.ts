/**
 * One plain client as the hub sees it, whichever of the two plain codecs it speaks: its conversation, and the loop that
 * drains it.
 *
 * Invariants: outputs are carried out in order and to the end before the next input's are. After each drain the account
 * holds what waits. A fault of our own code ends this client, and nothing else.
 */
import type { PlainCodec } from "../dialect/plain/codec.ts";
import { greet, refuse } from "../dialect/plain/greeting.ts";
import {
  type PlainInput,
  type PlainOutput,
  PlainSession,
  type PlainState,
} from "../dialect/plain/session.ts";
import type { JoinedRoom } from "../hub/history.ts";
import { Account } from "../model/account.ts";
import { BothwaysError } from "../model/bothways-error.ts";
import { ABNORMAL, INTERNAL, SLOW_CONSUMER, TIMEOUT } from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Handshake } from "../model/handshake.ts";
import type { Data, OverflowPolicy } from "../model/message.ts";
import {
  ACK_ERROR,
  CONNECT,
  CONNECT_ERROR,
  DISCONNECT,
  EVENT,
  type Packet,
  type Refusal,
} from "../model/packet.ts";
import type { Link, LinkHandler } from "../model/transport.ts";
import { channels, type ObservedEvents } from "../observe/channels.ts";
import { tellLimit } from "../observe/limits.ts";
import { costOf } from "../session/outbox.ts";
import { overflows } from "../session/overflow.ts";
import { jsonNestsDeeper } from "../wire/json-depth.ts";
import { parseAuth } from "../wire/plain/message.ts";
import { Authentication } from "./authentication.ts";
import type { DrivenPeer, Driver, Visitor } from "./driver.ts";
import { readTime } from "./identity.ts";
import { receiveLimited } from "./limited-events.ts";
import { RateLimiter } from "./rate-limit.ts";
import { disconnectReason, toReason } from "./reason.ts";

const transportOpened = channels["bothways:transport:opened"];
const transportClosed = channels["bothways:transport:closed"];
const opened = channels["bothways:session:opened"];
const closed = channels["bothways:session:closed"];
const messageIn = channels["bothways:message:in"];
const messageOut = channels["bothways:message:out"];

/** The one link of a plain client. */
export interface PlainLink extends Link {
  /** Shows the client that we are here. */
  probe(): void;
  /** Reads nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Refuses a client that has not joined; where it is missing, `close` does. */
  refuse?(code: ErrorCode, message: string): void;
}

/** What a plain client asked for with its request. */
export interface PlainRequest {
  readonly namespace: string;
  /** Puts the socket into the rooms it asked for, or throws. */
  enterRooms(socketId: string): Promise<JoinedRoom>;
  /** What it has reached; `undefined` where it begins. */
  readonly since: string | undefined;
  /** The first message brings the namespace's `auth`. */
  readonly hasAuth: boolean;
}

export class PlainPeer implements DrivenPeer, LinkHandler {
  readonly visitor: Visitor;
  readonly auth: Authentication;
  readonly account: Account;
  readonly awaySince: number = Number.POSITIVE_INFINITY;
  readonly id: string;
  dropped = 0;
  readonly #driver: Driver;
  readonly #link: PlainLink;
  readonly #codec: PlainCodec;
  readonly #request: PlainRequest;
  readonly #session: PlainSession;
  readonly #rates: RateLimiter | undefined;
  #policy: OverflowPolicy;
  #isAwaitingAuth: boolean;
  #closedBy: ErrorCode | undefined;
  /** What a refusal says beside the table's words. */
  #detail: string | undefined;
  #isDraining = false;
  #isLinkLost = false;
  #linkBytes = 0;
  #chargedBytes = 0;

  constructor(driver: Driver, link: PlainLink, codec: PlainCodec, visitor: Visitor, request: PlainRequest) {
    const { options, platform } = driver;
    this.#driver = driver;
    this.#link = link;
    this.#codec = codec;
    this.visitor = visitor;
    this.#request = request;
    this.#isAwaitingAuth = request.hasAuth;
    this.id = platform.tokens.createSecret();
    this.#session = new PlainSession(options, codec.hears, platform.now());
    this.#policy = options.policy;
    this.#rates = options.maxRate && new RateLimiter(options.maxRate);
    this.account = new Account(options.maxPeerBytes, driver.account);
    this.auth = new Authentication(visitor, options, platform);
    if (transportOpened.hasSubscribers)
      transportOpened.publish({ transport: link.transport, address: visitor.handshake.address });
  }

  /** Asks the hub to take the client in, unless its first message is waited for. */
  begin(): void {
    this.#driver.host(this);
    this.settle();
    if (!this.#isAwaitingAuth) this.#join({});
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
    this.auth.current = { ...this.auth.current, expiresAt: readTime(expiresAt) };
    this.#driver.watch(this.deadline);
  }

  get state(): PlainState {
    return this.#session.state;
  }

  get deadline(): number {
    return Math.min(this.#session.deadline, this.auth.deadline);
  }

  get transport(): string {
    return this.state === "closed" ? "" : this.#link.transport;
  }

  get bufferedBytes(): number {
    return this.#session.outbox.queueBytes;
  }

  get isFull(): boolean {
    return this.#session.isOverHighWater;
  }

  get policy(): OverflowPolicy {
    return this.#policy;
  }

  set policy(policy: OverflowPolicy) {
    this.#policy = policy;
    this.#session.overflow = overflows[policy];
  }

  admits(packet: Packet): boolean {
    return this.#session.hasRoomFor(costOf(this.#codec.toMessage(packet)));
  }

  pause(): void {
    this.#input({ type: "pause" });
  }

  resume(): void {
    this.#input({ type: "resume" });
  }

  async refreshAuth(token: unknown): Promise<void> {
    await this.auth.refresh(token);
    this.#driver.watch(this.deadline);
  }

  send(packet: Packet, isVolatile = false): boolean {
    if (packet.type === CONNECT) void this.#welcome((packet.data as { sid: string }).sid);
    else if (packet.type === CONNECT_ERROR) this.#refuse(packet.data as Refusal);
    else if (packet.type === DISCONNECT) this.close("BW_CLOSED");
    else {
      const message = this.#codec.toMessage(packet);
      if (messageOut.hasSubscribers) messageOut.publish(this.#describe(packet, message.data.length));
      this.#input({ type: isVolatile ? "send-volatile" : "send", message });
      if (packet.id !== undefined && !this.#codec.hears) this.#refuseAnswer(packet);
    }
    return !this.#session.isOverHighWater;
  }

  close(code: ErrorCode): void {
    this.#closedBy ??= code;
    this.#input({ type: "close", code: errorTable[code].closeCode });
  }

  tick(now: number): void {
    if (this.auth.deadline <= now) this.#tickAuth();
    if (this.#session.deadline <= now) this.#input({ type: "tick" });
  }

  abandon(): void {
    try {
      this.close("BW_INTERNAL");
    } catch (error) {
      this.#driver.platform.report(error);
      this.#leave(INTERNAL);
    }
  }

  /** Our own code threw while it served this client. */
  fail(error: unknown): void {
    this.#driver.platform.report(error);
    this.abandon();
  }

  flush(): void {
    try {
      this.#link.flush();
      this.#input({ type: "flushed" });
    } catch (error) {
      this.fail(error);
    }
  }

  // What the link tells.

  receive(data: Data): void {
    if (this.state === "closed") return;
    if (typeof data !== "string") return this.close("BW_BINARY");
    const { maxJsonDepth, maxHelloSize } = this.#driver.options;
    if (this.#isAwaitingAuth && data.length > maxHelloSize) return this.#strike("BW_HELLO_TOO_LARGE");
    if (jsonNestsDeeper(data, maxJsonDepth)) return this.#strike("BW_JSON_DEPTH");
    if (!this.#isAwaitingAuth) return this.#session.handle({ type: "message", data }, this.#now);
    this.#isAwaitingAuth = false;
    const first = parseAuth(data);
    if (first) this.#join(first.auth);
    else this.close("BW_PACKET");
  }

  received(): void {
    this.#input({ type: "heard" });
  }

  writable(): void {
    this.#input({ type: "writable" });
  }

  blocked(): void {
    this.#input({ type: "blocked" });
  }

  position(): string {
    return "";
  }

  buffered(bytes: number): void {
    this.#linkBytes = bytes;
    this.settle();
  }

  lost(code: ErrorCode): void {
    if (this.state === "closed") return;
    tellLimit(code, this.id, this.handshake.address);
    this.#closedBy ??= code;
    this.#isLinkLost = true;
    const isOurs = code === "BW_SLOW_CONSUMER" || code === "BW_INTERNAL";
    this.#input({ type: "close", code: isOurs ? errorTable[code].closeCode : ABNORMAL });
  }

  /** Charges what waits by now. */
  settle(): void {
    const { outbox, heldBytes } = this.#session;
    const isOver = this.state === "closed";
    const bytes = this.#linkBytes + (isOver ? 0 : outbox.queueBytes + heldBytes);
    this.account.charge(bytes - this.#chargedBytes);
    this.#chargedBytes = bytes;
    if (isOver) return;
    if (this.account.isOver) this.close("BW_OVERFLOW");
    else if (this.#driver.account.isOver) this.#driver.relieve();
  }

  get #now(): number {
    return this.#driver.platform.now();
  }

  #join(auth: unknown): void {
    this.#driver.hub.join(this, this.#request.namespace, auth);
  }

  /** The namespace has let the client in: its rooms, what it missed there, and then everything else. */
  async #welcome(sid: string): Promise<void> {
    try {
      const { namespace, since, enterRooms } = this.#request;
      const joined = await enterRooms(sid);
      this.#input({ type: "open", greeting: greet(this.#codec, { namespace, sid, since, ...joined }) });
    } catch (error) {
      if (!(error instanceof BothwaysError)) return this.fail(error);
      this.#detail = error.message;
      this.close(error.code);
    }
  }

  #refuse(refusal: Refusal): void {
    if (this.#codec.hears) this.#link.send(refuse(this.#codec, this.#request.namespace, refusal));
    this.#detail = refusal.message;
    this.close("BW_CONNECT_REFUSED");
  }

  /** Nobody can answer: who waits for it is told, as soon as it does wait. */
  #refuseAnswer({ namespace, id }: Packet): void {
    const data = { message: "an event stream cannot answer" };
    this.#driver.platform.defer(() =>
      this.#driver.hub.receive(this, { type: ACK_ERROR, namespace, id, data }),
    );
  }

  /** The client broke a limit. */
  #strike(code: ErrorCode): void {
    tellLimit(code, this.id, this.handshake.address);
    this.close(code);
  }

  #tickAuth(): void {
    const leftMs = this.auth.tick();
    this.#driver.watch(this.auth.deadline);
    if (leftMs === undefined) return;
    if (leftMs <= 0) this.close("BW_AUTH_EXPIRED");
    else this.#driver.hub.expiring(this, leftMs);
  }

  #input(input: PlainInput): void {
    this.#session.handle(input, this.#now);
    this.#drain();
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let output = this.#session.take(); output; output = this.#session.take()) this.#carryOut(output);
    } finally {
      this.#isDraining = false;
    }
    this.settle();
    this.#driver.watch(this.deadline);
  }

  #carryOut(output: PlainOutput): void {
    const { hub } = this.#driver;
    switch (output.type) {
      case "message":
        this.#link.send(output.message);
        this.#driver.flushLater(this);
        break;
      case "open":
        this.#tellOpen();
        hub.confirm(this);
        break;
      case "probe":
        this.#link.probe();
        break;
      case "deliver":
        this.#deliver(output.data);
        break;
      case "hold":
        if (output.isHeld) this.#link.pause();
        else this.#link.resume();
        break;
      case "drain":
        hub.drain(this);
        break;
      case "dropped":
        this.dropped += output.messages.length;
        this.#driver.dropped += output.messages.length;
        hub.dropped(this, output.messages.length);
        break;
      case "closed":
        this.#end(output.code);
        this.#leave(output.code);
    }
  }

  #deliver(data: Data): void {
    const packet = this.#codec.toPacket(data, this.#request.namespace);
    if (packet && messageIn.hasSubscribers) messageIn.publish(this.#describe(packet, data.length));
    if (packet === undefined) this.close("BW_PACKET");
    else if (this.#rates && packet.type === EVENT) receiveLimited(this.#rates, packet, this, this.#driver);
    else this.#driver.hub.receive(this, packet);
  }

  #end(closeCode: number): void {
    const code = this.#closedBy ?? (closeCode === TIMEOUT ? "BW_SILENT" : "BW_SLOW_CONSUMER");
    const message = this.#detail ?? errorTable[code].message;
    if (closeCode === SLOW_CONSUMER || closeCode === TIMEOUT)
      tellLimit(code, this.id, this.handshake.address);
    if (!this.#isLinkLost) {
      this.#link.refuse?.(code, message);
      this.#link.close(closeCode, toReason(message));
    }
    if (transportClosed.hasSubscribers)
      transportClosed.publish({ transport: this.#link.transport, session: this.id, code: closeCode });
  }

  #leave(closeCode: number): void {
    const reason = disconnectReason(closeCode, this.#closedBy, closeCode);
    this.#driver.dismiss(this);
    if (closed.hasSubscribers) closed.publish({ session: this.id, code: closeCode, reason });
    this.#driver.hub.leave(this, reason);
  }

  #tellOpen(): void {
    const { address } = this.handshake;
    if (opened.hasSubscribers) opened.publish({ session: this.id, transport: this.transport, address });
  }

  #describe({ type, namespace, data }: Packet, size: number): ObservedEvents["bothways:message:in"] {
    const event = type === EVENT ? String((data as unknown[])[0]) : "";
    return { session: this.id, namespace, event, size };
  }
}
