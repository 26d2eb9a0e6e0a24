/**
 * Who may come in: judges the Origin of each request, counts the connections of its address, and asks the application who
 * it is.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import { channels } from "../observe/channels.ts";
import { tellLimit } from "../observe/limits.ts";
import { readAddress } from "../transport/node/address.ts";
import { AddressLimit } from "../transport/node/address-limit.ts";
import { describeRequest } from "../transport/node/handshake.ts";
import { checkOrigin, type OriginVerdict } from "../transport/node/origin.ts";
import { type HttpRequest, WebRequest } from "../transport/node/web-request.ts";
import type { Visitor } from "./driver.ts";
import { inTime, readIdentity } from "./identity.ts";
import { defaults, type ServerOptions } from "./options.ts";
import { toReason } from "./reason.ts";

export interface Refusal {
  readonly refusal: ErrorCode;
  readonly reason: string;
}

const refused = channels["bothways:transport:refused"];

export class Admission {
  /** Nobody comes in any more. */
  isClosing = false;
  readonly #options: ServerOptions;
  readonly #addresses: AddressLimit;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#addresses = new AddressLimit(options);
  }

  checkOrigin(request: HttpRequest): OriginVerdict {
    const { origins = "same-origin", trustProxy = false } = this.#options;
    return checkOrigin(request, { origins, trustProxy });
  }

  /** Counts a connection of the request's address; what is returned ends it. Undefined: it has as many as it may. */
  enter(request: HttpRequest): (() => void) | undefined {
    return this.#addresses.enter(request);
  }

  /** Who asks, or why they may not. */
  async admit(request: HttpRequest, xdomain: boolean): Promise<Visitor | Refusal> {
    const { trustProxy = false, connectTimeout = defaults.connectTimeout } = this.#options;
    const handshake = describeRequest(request, { trustProxy, xdomain, now: Date.now() });
    try {
      const judgement = this.#judge(request);
      const identity = judgement && (await inTime(judgement, connectTimeout));
      // asked last, since the answer may have taken a while
      if (this.isClosing) return { refusal: "BW_SHUTDOWN", reason: errorTable.BW_SHUTDOWN.message };
      return { handshake, ...readIdentity(identity) };
    } catch (error) {
      if (error instanceof BothwaysError && error.code === "BW_SILENT")
        return { refusal: "BW_SILENT", reason: error.detail ?? error.message };
      const reason = toReason(error instanceof Error ? error.message : String(error));
      return { refusal: "BW_UNAUTHORIZED", reason };
    }
  }

  /** Tells those who observe. */
  tellRefused(
    request: HttpRequest,
    transport: string,
    code: ErrorCode,
    detail: string = errorTable[code].message,
  ): void {
    const address = readAddress(request, this.#options.trustProxy ?? false);
    if (refused.hasSubscribers) refused.publish({ transport, address, code, detail });
    tellLimit(code, "", address);
  }

  #judge(request: HttpRequest): unknown {
    const { authenticate, authenticateFetch } = this.#options;
    if (request instanceof WebRequest) {
      if (authenticateFetch) return authenticateFetch(request.original);
    } else if (authenticate) return authenticate(request);
    // nobody comes in unjudged because the other way was forgotten
    if (authenticate || authenticateFetch)
      throw new Error("of authenticate and authenticateFetch, this server has set only the other one");
    return undefined;
  }
}
