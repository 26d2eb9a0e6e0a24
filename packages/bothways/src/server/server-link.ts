/**
 * One link of a native client: reads its hello, and hands its frames to the session the hello led to.
 */
import type { Account } from "../model/account.ts";
import {
  ABNORMAL,
  BYE,
  DRAINING,
  GONE,
  OVERFLOW,
  PROTOCOL_ERROR,
  SLOW_CONSUMER,
  TAKEN_OVER,
  TIMEOUT,
} from "../model/close-code.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Data } from "../model/message.ts";
import type { Link, LinkHandler } from "../model/transport.ts";
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
  [DRAINING]: "BW_SHUTDOWN",
  [OVERFLOW]: "BW_OVERFLOW",
};

export class ServerLink implements LinkHandler {
  readonly link: Link;
  readonly visitor: Visitor;
  /** Authorises the link's later requests. */
  key = "";
  readonly #driver: Driver;
  #peer: NativePeer | undefined;
  #isWritable: boolean;
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
    this.#account = driver.strangers;
    this.#cancelTimeout = driver.platform.setTimer(() => this.end(TIMEOUT), driver.options.connectTimeoutMs);
  }

  receive(data: Data): void {
    if (this.#isOver) return;
    if (!this.#peer) return this.#hello(data);
    this.#peer.session.handle(
      { type: "frame", link: this, frame: parseClientFrame(data) },
      this.#driver.platform.now(),
    );
  }

  received(): void {
    this.#peer?.drain();
  }

  writable(): void {
    this.#isWritable = true;
    const now = this.#driver.platform.now();
    this.announce(now);
    this.#peer?.drain();
  }

  blocked(): void {
    this.#isWritable = false;
    this.#peer?.input({ type: "blocked", link: this }, this.#driver.platform.now());
  }

  position(): string {
    return this.#peer ? String(encodeFrame(this.#peer.session.position())) : "";
  }

  lost(_code: ErrorCode, closeCode: number = ABNORMAL): void {
    this.#stop();
    this.#peer?.input({ type: "lost", link: this, code: closeCode }, this.#driver.platform.now());
  }

  buffered(bytes: number): void {
    this.#account.charge(bytes - this.#bufferedBytes);
    this.#bufferedBytes = bytes;
    if (this.#peer) this.#peer.settle();
    else if (this.#account.isOver) this.end(OVERFLOW);
  }

  /** Tells the session that the link can send, as soon as it may. */
  announce(now: number): void {
    if (!this.#isWritable || !this.#peer?.isReady(this)) return;
    this.#peer.session.handle({ type: "writable", link: this, rewinds: this.link.rewinds }, now);
  }

  end(code: number, reason: string = errorTable[errorOf[code] ?? "BW_CLOSED"].message): void {
    if (this.#isOver) return;
    this.#stop();
    this.link.close(code, toReason(reason));
  }

  #stop(): void {
    this.#isOver = true;
    this.#cancelTimeout?.();
  }

  #hello(data: Data): void {
    const hello =
      typeof data === "string" ? parseHello(data, this.#driver.options.maxNamespacesPerPeer) : undefined;
    if (hello === "version")
      return this.end(errorTable.BW_VERSION.closeCode, `versions ${versions.join(" ")}`);
    if (!hello) return this.end(PROTOCOL_ERROR);
    const peer = this.#driver.attach(this, hello);
    if (typeof peer === "number") return this.end(peer);
    this.#cancelTimeout?.();
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
