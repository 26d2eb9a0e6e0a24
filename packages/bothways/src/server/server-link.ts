/**
 * One link of a native client: reads its hello, and hands its frames to the session the hello led to.
 *
 * Invariant: a fault of our own code ends this link and its session, and nothing else.
 */
import { nestsDeeper } from "../dialect/native/json-depth.ts";
import type { Account } from "../model/account.ts";
import {
  ABNORMAL,
  BYE,
  DRAINING,
  GONE,
  INTERNAL,
  OVERFLOW,
  PROTOCOL_ERROR,
  SLOW_CONSUMER,
  TAKEN_OVER,
  TIMEOUT,
  TOO_LARGE,
} from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Data } from "../model/message.ts";
import type { Link, LinkHandler } from "../model/transport.ts";
import { channels } from "../observe/channels.ts";
import { tellLimit } from "../observe/limits.ts";
import { parseClientFrame } from "../wire/native/client-frame.ts";
import { encodeFrame } from "../wire/native/frame.ts";
import { parseHello, versions } from "../wire/native/hello.ts";
import type { Driver, Visitor } from "./driver.ts";
import type { NativePeer } from "./native-peer.ts";
import { toReason } from "./reason.ts";

const errorOf: Record<number, ErrorCode> = {
  [BYE]: "BW_CLOSED",
  [PROTOCOL_ERROR]: "BW_PROTOCOL",
  [errorTable.BW_IDENTITY.closeCode]: "BW_IDENTITY",
  [TIMEOUT]: "BW_SILENT",
  [TAKEN_OVER]: "BW_TAKEN_OVER",
  [GONE]: "BW_SESSION_UNKNOWN",
  [SLOW_CONSUMER]: "BW_SLOW_CONSUMER",
  [INTERNAL]: "BW_INTERNAL",
  [DRAINING]: "BW_SHUTDOWN",
  [OVERFLOW]: "BW_OVERFLOW",
};

const opened = channels["bothways:transport:opened"];
const closed = channels["bothways:transport:closed"];

export class ServerLink implements LinkHandler {
  readonly link: Link;
  readonly visitor: Visitor;
  /** Authorises the link's later requests. */
  key = "";
  readonly #driver: Driver;
  #peer: NativePeer | undefined;
  #isWritable: boolean;
  /** The exchange is a new one: what the one before carried may be lost. */
  #isFresh = true;
  #isOver = false;
  /** Where what waits in the link is charged, and how much that is. */
  #account: Account;
  #bufferedBytes = 0;
  #cancelTimeout: (() => void) | undefined;

  constructor(driver: Driver, link: Link, visitor: Visitor) {
    this.#driver = driver;
    this.link = link;
    this.visitor = visitor;
    this.#isWritable = !link.rewinds;
    if (opened.hasSubscribers)
      opened.publish({ transport: link.transport, address: visitor.handshake.address });
    this.#account = driver.strangers;
    this.#cancelTimeout = driver.platform.setTimer(() => this.end(TIMEOUT), driver.options.connectTimeoutMs);
  }

  receive(data: Data): void {
    if (this.#isOver) return;
    // strangers send these, and to parse one costs more than to send it
    if (!this.#peer && data.length > this.#driver.options.maxHelloSize)
      return this.#refuse("BW_HELLO_TOO_LARGE");
    if (nestsDeeper(data, this.#driver.options.maxJsonDepth)) return this.#refuse("BW_JSON_DEPTH");
    if (!this.#peer) return this.#hello(data);
    this.#peer.session.handle(
      { type: "frame", link: this, frame: parseClientFrame(data) },
      this.#driver.platform.now(),
    );
  }

  received(): void {
    this.#peer?.drain();
  }

  writable(goesOn = false): void {
    this.#isWritable = true;
    this.#isFresh ||= !goesOn;
    const now = this.#driver.platform.now();
    this.announce(now);
    this.#peer?.drain();
  }

  blocked(): void {
    this.#isWritable = false;
    this.#peer?.input({ type: "blocked", link: this });
  }

  position(): string {
    return this.#peer ? encodeFrame(this.#peer.session.position()) : "";
  }

  /** A client that said more than it may takes that for the end of its session, and so do we. */
  lost(code: ErrorCode, closeCode: number = code === "BW_MESSAGE_TOO_LARGE" ? TOO_LARGE : ABNORMAL): void {
    if (code === "BW_INTERNAL") return this.#abandon();
    this.#tellLimit(code);
    this.#stop(closeCode);
    this.#peer?.input({ type: "lost", link: this, code: closeCode });
  }

  buffered(bytes: number): void {
    this.#account.charge(bytes - this.#bufferedBytes);
    this.#bufferedBytes = bytes;
    if (this.#peer) this.#peer.settle();
    else if (this.#account.isOver) this.end(OVERFLOW);
  }

  /** Our own code threw while it served this link. */
  fail(error: unknown): void {
    this.#driver.platform.report(error);
    this.#abandon();
  }

  /** Lets what was given to the link go. */
  flush(): void {
    try {
      this.link.flush();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Tells the session that the link can send, as soon as it may. */
  announce(now: number): void {
    if (!this.#isWritable || !this.#peer?.isReady(this)) return;
    const rewinds = this.link.rewinds && this.#isFresh;
    this.#isFresh = false;
    this.#peer.session.handle({ type: "writable", link: this, rewinds }, now);
  }

  end(code: number, reason: string = errorTable[errorOf[code] ?? "BW_CLOSED"].message): void {
    if (this.#isOver) return;
    this.#tellLimit(errorOf[code] ?? "BW_CLOSED");
    this.#stop(code);
    // one that the client made up is not said back to it
    this.link.close(code < BYE || code > 4999 ? PROTOCOL_ERROR : code, toReason(reason));
  }

  #abandon(): void {
    this.#peer?.abandon();
    this.end(INTERNAL);
  }

  /** The peer broke a limit: the session ends, and is told which one. */
  #refuse(code: ErrorCode): void {
    const { closeCode, message } = errorTable[code];
    this.#tellLimit(code);
    this.end(closeCode, message);
    this.#peer?.input({ type: "close", code: closeCode });
  }

  #tellLimit(code: ErrorCode): void {
    tellLimit(code, this.#session, this.visitor.handshake.address);
  }

  get #session(): string {
    return this.#peer?.session.sid ?? "";
  }

  #stop(code: number): void {
    if (!this.#isOver && closed.hasSubscribers)
      closed.publish({ transport: this.link.transport, session: this.#session, code });
    this.#isOver = true;
    this.#cancelTimeout?.();
    this.visitor.leave?.();
  }

  #hello(data: Data): void {
    const hello =
      typeof data === "string" ? parseHello(data, this.#driver.options.maxNamespacesPerPeer) : undefined;
    if (hello === "version")
      return this.end(errorTable.BW_VERSION.closeCode, `versions ${versions.join(" ")}`);
    if (hello === "namespaces") return this.end(PROTOCOL_ERROR, errorTable.BW_NAMESPACE_LIMIT.message);
    if (!hello) return this.end(PROTOCOL_ERROR);
    const peer = this.#driver.attach(this, hello);
    if (typeof peer === "number") return this.end(peer);
    this.#cancelTimeout?.();
    // an idle link holds nothing it does not need
    this.#cancelTimeout = undefined;
    this.#peer = peer;
    this.#moveTo(peer.account);
    this.announce(this.#driver.platform.now());
    peer.drain();
  }

  #moveTo(account: Account): void {
    this.#account.charge(-this.#bufferedBytes);
    this.#account = account;
    account.charge(this.#bufferedBytes);
  }
}
