/**
 * One native client as the hub sees it: its session, and the links it is reached by.
 */
import type { Codec } from "../dialect/codec.ts";
import { nativeCodec } from "../dialect/native/codec.ts";
import { PROTOCOL_ERROR, SLOW_CONSUMER } from "../model/close-code.ts";
import { errorTable } from "../model/errors.ts";
import type { Hello } from "../model/frame.ts";
import type { Message } from "../model/message.ts";
import { CONNECT, CONNECT_ERROR, type Packet } from "../model/packet.ts";
import type { GapReason } from "../model/reasons.ts";
import { channels } from "../observe/channels.ts";
import { tellLimit } from "../observe/limits.ts";
import type { ServerSession } from "../session/server-session.ts";
import { type Input, NEVER, type Output, type State } from "../session/session.ts";
import { encodeFrame } from "../wire/native/frame.ts";
import { DrivenPeer } from "./driven-peer.ts";
import type { Driver, Visitor } from "./driver.ts";
import type { ServerLink } from "./server-link.ts";

const opened = channels["bothways:session:opened"];
const resumed = channels["bothways:session:resumed"];
const away = channels["bothways:session:away"];

/** A welcome over HTTP waits this long for the joins of its hello to be answered. */
const WELCOME_WAIT_MS = 1000;

/** What a session costs beside its messages while its client is away. */
const AWAY_BYTES = 8192;

export class NativePeer extends DrivenPeer<Input<ServerLink, Message>, Output<ServerLink, Message>> {
  readonly session: ServerSession<ServerLink>;
  protected readonly codec: Codec = nativeCodec;
  #links: ServerLink[] = [];
  /** Joins of the hello that the hub has not answered: over HTTP the welcome waits for them, to save a round trip. */
  #unanswered: number;

  constructor(driver: Driver, session: ServerSession<ServerLink>, visitor: Visitor, joins: number) {
    super(driver, visitor);
    this.session = session;
    this.#unanswered = joins;
  }

  get id(): string {
    return this.session.sid;
  }

  get transport(): string {
    return this.session.link?.link.transport ?? "";
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

  override send(packet: Packet, isVolatile = false): boolean {
    if (packet.type === CONNECT || packet.type === CONNECT_ERROR) this.#answered(1);
    return super.send(packet, isVolatile);
  }

  accept(link: ServerLink, hello: Hello, lost: GapReason | undefined, now: number): void {
    // `push` would make room for more than there will be
    this.#links = this.#links.concat(link);
    this.session.accept(link, hello, link.key, lost, now);
  }

  findLink(key: string): ServerLink | undefined {
    const { isEqual } = this.driver.platform.tokens;
    return this.#links.find((link) => isEqual(link.key, key));
  }

  protected carryOut(output: Output<ServerLink, Message>): void {
    const { hub } = this.driver;
    switch (output.type) {
      case "message":
        this.#give(output.link, output.message);
        break;
      case "frame":
        this.#give(output.link, { data: encodeFrame(output.frame) });
        break;
      case "deliver":
        if (!this.deliver(output.data))
          this.session.handle({ type: "close", code: PROTOCOL_ERROR }, this.driver.platform.now());
        break;
      case "open":
        this.awaySince = NEVER;
        this.extraBytes = 0;
        this.driver.unconfirmed.delete(this);
        this.#tellOpen(output.link, output.from);
        if (output.from === "waiting") hub.confirm(this);
        else if (output.from === "away") hub.back(this);
        break;
      case "away":
        this.lostBy = output.code;
        this.awaySince = this.driver.platform.now();
        this.extraBytes = AWAY_BYTES;
        if (away.hasSubscribers) away.publish({ session: this.id, code: output.code });
        hub.away(this);
        break;
      case "drain":
        hub.drain(this);
        break;
      case "dropped":
        this.drop(output.messages.length);
        break;
      case "drop":
        this.#links = this.#links.filter((link) => link !== output.link);
        output.link.end(output.code, this.closedBy && errorTable[this.closedBy].message);
        this.driver.remember(output.link);
        break;
      case "closed":
        this.leave(output.code);
    }
  }

  protected override leave(code: number): void {
    this.extraBytes = 0;
    this.driver.forget(this, code);
    if (code === SLOW_CONSUMER) tellLimit("BW_SLOW_CONSUMER", this.id, this.handshake.address);
    super.leave(code);
  }

  #tellOpen({ link: { transport } }: ServerLink, from: State): void {
    const session = this.id;
    if (from !== "waiting") {
      if (resumed.hasSubscribers) resumed.publish({ session, transport, wasAway: from === "away" });
    } else if (opened.hasSubscribers) opened.publish({ session, transport, address: this.handshake.address });
  }

  #give(to: ServerLink, message: Message): void {
    to.link.send(message);
    if (this.isReady(to)) this.driver.flushLater(to);
    else this.driver.platform.setTimer(() => this.#answered(this.#unanswered), WELCOME_WAIT_MS);
  }

  /** So many joins of the hello are waited for no more. */
  #answered(joins: number): void {
    if (this.#unanswered === 0) return;
    this.#unanswered -= joins;
    for (const link of this.#links) {
      link.announce(this.driver.platform.now());
      if (this.isReady(link)) this.driver.flushLater(link);
    }
    this.drain();
  }
}
