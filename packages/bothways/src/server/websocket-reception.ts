/** Receives requests to become a WebSocket: those that speak the native protocol, and plain ones. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { errorTable } from "../model/errors.ts";
import { nodePrimitives } from "../platform/node.ts";
import { DeflatedWebSocketLink } from "../transport/node/deflated-websocket.ts";
import { formatAnswer, PerMessageDeflate } from "../transport/node/per-message-deflate.ts";
import {
  acceptUpgrade,
  readUpgrade,
  refuseUpgrade,
  type Upgrade,
  type UpgradeRefusal,
} from "../transport/node/upgrade.ts";
import { createLinkOptions, WebSocketLink, type WebSocketLinkOptions } from "../transport/node/websocket.ts";
import type { DeflateAcceptance } from "../wire/websocket/permessage-deflate.ts";
import type { Admission, Refusal } from "./admission.ts";
import type { Driver, Visitor } from "./driver.ts";
import { defaults, type ServerOptions } from "./options.ts";
import type { PlainReception } from "./plain-reception.ts";

export interface WebSocketReceptionOptions {
  readonly driver: Driver;
  readonly admission: Admission;
  /** Takes those without a subprotocol. */
  readonly plain: PlainReception | undefined;
  readonly report: (error: unknown) => void;
}

export class WebSocketReception {
  readonly #driver: Driver;
  readonly #admission: Admission;
  readonly #plain: PlainReception | undefined;
  readonly #report: (error: unknown) => void;
  readonly #isOffered: boolean;
  readonly #linkOptions: WebSocketLinkOptions;
  readonly #deflate: PerMessageDeflate | undefined;

  constructor(around: WebSocketReceptionOptions, options: ServerOptions) {
    const { driver, admission, plain, report } = around;
    const { perMessageDeflate = false, transports = defaults.transports } = options;
    this.#driver = driver;
    this.#admission = admission;
    this.#plain = plain;
    this.#report = report;
    this.#isOffered = transports.includes("websocket");
    const maxBytes = options.maxHttpBufferSize ?? defaults.maxHttpBufferSize;
    this.#linkOptions = createLinkOptions(nodePrimitives, maxBytes, report);
    if (perMessageDeflate === false) return;
    const settings = perMessageDeflate === true ? {} : perMessageDeflate;
    this.#deflate = new PerMessageDeflate(settings, this.#linkOptions);
  }

  /** Throws where our own code does; the request is not answered then. */
  take(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const verdict = this.#admission.checkOrigin(request);
    if (!verdict.isAllowed)
      return this.refuse(request, socket, { code: "BW_ORIGIN", detail: verdict.reason });
    if (!this.#isOffered) return this.refuse(request, socket, { code: "BW_TRANSPORT" });
    const upgrade = readUpgrade(request, head, nodePrimitives, this.#plain !== undefined);
    if (!upgrade.ok) return this.refuse(request, socket, upgrade);
    const leave = this.#admission.enter(request);
    if (leave === undefined) return this.refuse(request, socket, { code: "BW_TOO_MANY_CONNECTIONS" });
    // `once` would hold some objects as long as the socket lives
    socket.on("close", leave);
    const accepted = this.#deflate?.accept(request.headers);
    // RFC6455-9.1-1
    if (accepted === null)
      return this.refuse(request, socket, {
        code: "BW_WS_HANDSHAKE",
        detail: "Sec-WebSocket-Extensions is malformed",
      });
    this.#admission
      .admit(request, verdict.xdomain)
      .then((visitor) => this.#begin(request, visitor, upgrade, this.#accept(socket, upgrade, accepted)))
      .catch((error) => {
        // a fault of ours is this visitor's bad luck and nobody else's
        this.#report(error);
        socket.destroy();
      });
  }

  refuse(request: IncomingMessage, socket: Duplex, refusal: UpgradeRefusal): void {
    this.#admission.tellRefused(request, "websocket", refusal.code, refusal.detail);
    refuseUpgrade(socket, refusal);
  }

  #accept(socket: Duplex, upgrade: Upgrade, accepted: DeflateAcceptance | undefined): WebSocketLink {
    const answer = acceptUpgrade(socket, upgrade, accepted && formatAnswer(accepted), nodePrimitives);
    const deflate = this.#deflate;
    return deflate && accepted
      ? new DeflatedWebSocketLink(socket, answer, this.#linkOptions, { deflate, accepted })
      : new WebSocketLink(socket, answer, this.#linkOptions);
  }

  #begin(request: IncomingMessage, visitor: Visitor | Refusal, upgrade: Upgrade, link: WebSocketLink): void {
    if ("refusal" in visitor) {
      this.#admission.tellRefused(request, link.transport, visitor.refusal, visitor.reason);
      // a browser cannot read the status of a refused handshake, so it is accepted and closed
      link.open();
      return link.close(errorTable[visitor.refusal].closeCode, visitor.reason);
    }
    if (upgrade.protocol === undefined) return this.#plain?.connect(link, visitor, request);
    const handler = this.#driver.connect(link, visitor);
    link.bind(handler);
    try {
      link.open();
      if (upgrade.hello) handler.receive(upgrade.hello);
      link.flush();
    } catch (error) {
      handler.fail(error);
    }
  }
}
