/**
 * One plain client as the hub sees it, whichever of the two plain codecs it speaks: its conversation, over its one link.
 */
import type { PlainCodec } from "../dialect/plain/codec.ts";
import { greet, refuse } from "../dialect/plain/greeting.ts";
import { type PlainInput, type PlainOutput, PlainSession } from "../dialect/plain/session.ts";
import type { JoinedRoom } from "../hub/history.ts";
import { BothwaysError } from "../model/bothways-error.ts";
import { ABNORMAL, SLOW_CONSUMER, TIMEOUT } from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Data } from "../model/message.ts";
import { ACK_ERROR, CONNECT, CONNECT_ERROR, DISCONNECT, type Packet, type Refusal } from "../model/packet.ts";
import type { Link, LinkHandler } from "../model/transport.ts";
import { channels } from "../observe/channels.ts";
import { tellLimit } from "../observe/limits.ts";
import { jsonNestsDeeper } from "../wire/json-depth.ts";
import { parseAuth } from "../wire/plain/message.ts";
import { DrivenPeer } from "./driven-peer.ts";
import type { Driver, Visitor } from "./driver.ts";
import { toReason } from "./reason.ts";

const transportOpened = channels["bothways:transport:opened"];
const transportClosed = channels["bothways:transport:closed"];
const opened = channels["bothways:session:opened"];

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

export class PlainPeer extends DrivenPeer<PlainInput, PlainOutput> implements LinkHandler {
  readonly id: string;
  readonly session: PlainSession;
  protected readonly codec: PlainCodec;
  readonly #link: PlainLink;
  readonly #request: PlainRequest;
  #isAwaitingAuth: boolean;
  /** What a refusal says beside the table's words. */
  #detail: string | undefined;
  #isLinkLost = false;

  constructor(driver: Driver, link: PlainLink, codec: PlainCodec, visitor: Visitor, request: PlainRequest) {
    super(driver, visitor);
    this.#link = link;
    this.codec = codec;
    this.#request = request;
    this.#isAwaitingAuth = request.hasAuth;
    this.id = driver.platform.tokens.createSecret();
    this.session = new PlainSession(driver.options, codec.hears, driver.platform.now());
    if (transportOpened.hasSubscribers)
      transportOpened.publish({ transport: link.transport, address: visitor.handshake.address });
  }

  /** Asks the hub to take the client in, unless its first message is waited for. */
  begin(): void {
    this.driver.host(this);
    this.settle();
    if (!this.#isAwaitingAuth) this.#join({});
  }

  get transport(): string {
    return this.state === "closed" ? "" : this.#link.transport;
  }

  pause(): void {
    this.input({ type: "pause" });
  }

  resume(): void {
    this.input({ type: "resume" });
  }

  override send(packet: Packet, isVolatile = false): boolean {
    if (packet.type === CONNECT) void this.#welcome((packet.data as { sid: string }).sid);
    else if (packet.type === CONNECT_ERROR) this.#refuse(packet.data as Refusal);
    else if (packet.type === DISCONNECT) this.close("BW_CLOSED");
    else {
      super.send(packet, isVolatile);
      if (packet.id !== undefined && !this.codec.hears) this.#refuseAnswer(packet);
    }
    return !this.isFull;
  }

  flush(): void {
    this.#guard(() => {
      this.#link.flush();
      this.input({ type: "flushed" });
    });
  }

  // What the link tells.

  receive(data: Data): void {
    if (this.state === "closed") return;
    if (typeof data !== "string") return this.close("BW_BINARY");
    const { options, platform } = this.driver;
    if (this.#isAwaitingAuth && data.length > options.maxHelloSize) return this.#strike("BW_HELLO_TOO_LARGE");
    if (jsonNestsDeeper(data, options.maxJsonDepth)) return this.#strike("BW_JSON_DEPTH");
    if (!this.#isAwaitingAuth) return this.session.handle({ type: "message", data }, platform.now());
    this.#isAwaitingAuth = false;
    const first = parseAuth(data);
    if (first) this.#join(first.auth);
    else this.close("BW_PACKET");
  }

  received(): void {
    this.input({ type: "heard" });
  }

  writable(): void {
    this.input({ type: "writable" });
  }

  blocked(): void {
    this.input({ type: "blocked" });
  }

  position(): string {
    return "";
  }

  buffered(bytes: number): void {
    this.#guard(() => {
      this.extraBytes = bytes;
      this.settle();
    });
  }

  lost(code: ErrorCode): void {
    if (this.state === "closed") return;
    tellLimit(code, this.id, this.handshake.address);
    this.closedBy ??= code;
    this.#isLinkLost = true;
    const isOurs = code === "BW_SLOW_CONSUMER" || code === "BW_INTERNAL";
    this.#guard(() => this.input({ type: "close", code: isOurs ? errorTable[code].closeCode : ABNORMAL }));
  }

  protected carryOut(output: PlainOutput): void {
    const { hub } = this.driver;
    switch (output.type) {
      case "message":
        this.#link.send(output.message);
        this.driver.flushLater(this);
        break;
      case "open":
        this.#tellOpen();
        hub.confirm(this);
        break;
      case "probe":
        this.#link.probe();
        break;
      case "deliver":
        if (!this.deliver(output.data, this.#request.namespace)) this.close("BW_PACKET");
        break;
      case "hold":
        if (output.isHeld) this.#link.pause();
        else this.#link.resume();
        break;
      case "drain":
        hub.drain(this);
        break;
      case "dropped":
        this.drop(output.messages.length);
        break;
      case "closed":
        this.lostBy = output.code;
        this.#end(output.code);
        this.leave(output.code);
    }
  }

  /** A stream tells at times of its own, where nobody else would take a fault of ours. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fail(error);
    }
  }

  #join(auth: unknown): void {
    this.driver.hub.join(this, this.#request.namespace, auth);
  }

  /** The namespace has let the client in: its rooms, what it missed there, and then everything else. */
  async #welcome(sid: string): Promise<void> {
    try {
      const { namespace, since, enterRooms } = this.#request;
      const joined = await enterRooms(sid);
      this.input({ type: "open", greeting: greet(this.codec, { namespace, sid, since, ...joined }) });
    } catch (error) {
      if (!(error instanceof BothwaysError)) return this.fail(error);
      this.#detail = error.message;
      this.close(error.code);
    }
  }

  #refuse(refusal: Refusal): void {
    if (this.codec.hears) this.#link.send(refuse(this.codec, this.#request.namespace, refusal));
    this.#detail = refusal.message;
    this.close("BW_CONNECT_REFUSED");
  }

  /** Nobody can answer: who waits for it is told, as soon as it does wait. */
  #refuseAnswer({ namespace, id }: Packet): void {
    const { hub, platform } = this.driver;
    const data = { message: "an event stream cannot answer" };
    platform.defer(() => hub.receive(this, { type: ACK_ERROR, namespace, id, data }));
  }

  /** The client broke a limit. */
  #strike(code: ErrorCode): void {
    tellLimit(code, this.id, this.handshake.address);
    this.close(code);
  }

  #end(closeCode: number): void {
    const code = this.closedBy ?? (closeCode === TIMEOUT ? "BW_SILENT" : "BW_SLOW_CONSUMER");
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

  #tellOpen(): void {
    const { address } = this.handshake;
    if (opened.hasSubscribers) opened.publish({ session: this.id, transport: this.transport, address });
  }
}
