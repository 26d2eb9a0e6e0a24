/**
 * Takes what backends publish by POST. docs/protocol/plain.md §5.
 *
 * Invariants: nothing of a body is read before its key was found good; keys are compared in constant time, all of them;
 * each request is answered once.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Hub } from "../hub/hub.ts";
import type { Account } from "../model/account.ts";
import { BothwaysError } from "../model/bothways-error.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { HttpAnswer } from "../transport/node/http.ts";
import { readBody } from "../transport/node/request-body.ts";
import { type HttpRequest, shownOf } from "../transport/node/web-request.ts";
import { jsonNestsDeeper } from "../wire/json-depth.ts";
import { parsePublication } from "../wire/plain/message.ts";
import { inTime } from "./identity.ts";
import { defaults, type ServerOptions } from "./options.ts";
import { RateLimiter } from "./rate-limit.ts";

export class Publisher {
  /** Nothing is published any more. */
  isClosing = false;
  readonly #hub: Hub;
  readonly #options: ServerOptions;
  readonly #account: Account;
  readonly #digests: readonly Uint8Array[];
  readonly #rate: RateLimiter;

  /** What is being read is charged to `account`. */
  constructor(hub: Hub, options: ServerOptions, account: Account) {
    const { publishKeys = [], maxPublishRate = defaults.maxPublishRate } = options;
    if (typeof publishKeys !== "function" && !publishKeys.every(isKey))
      throw new RangeError("a publish key has at least a character, and no spaces");
    this.#hub = hub;
    this.#options = options;
    this.#account = account;
    this.#digests = typeof publishKeys === "function" ? [] : publishKeys.map(digestOf);
    this.#rate = new RateLimiter({ perClient: maxPublishRate });
  }

  /** Answers with what became of it; `refuse` answers with an error. Rejects where our own code or a handler threw. */
  async take(
    request: HttpRequest,
    answer: HttpAnswer,
    refuse: (code: ErrorCode, detail?: string) => void,
  ): Promise<void> {
    try {
      this.#publish(await this.#read(request));
      answer.sendJson(200, { ok: true });
    } catch (error) {
      if (!(error instanceof BothwaysError)) throw error;
      refuse(error.code, error.detail);
    }
  }

  /** The body of who may publish now. */
  async #read(request: HttpRequest): Promise<string> {
    const {
      connectTimeout: timeoutMs = defaults.connectTimeout,
      maxHttpBufferSize: maxBytes = defaults.maxHttpBufferSize,
    } = this.#options;
    const account = this.#account;
    if (!(await inTime(this.#admits(request), timeoutMs)))
      throw new BothwaysError("BW_UNAUTHORIZED", "no key, or a wrong one");
    if (this.isClosing) throw new BothwaysError("BW_SHUTDOWN");
    if (account.isOver) throw new BothwaysError("BW_OVERFLOW");
    if (this.#rate.judge("", performance.now()) !== "admit")
      throw new BothwaysError("BW_RATE_LIMIT", "more was published than maxPublishRate allows");
    const limits = { maxBytes, timeoutMs, account };
    // decoded before it is let go
    return new Promise((resolve, reject) =>
      readBody(request, limits, (body) => {
        if (body.isRead) resolve(new TextDecoder().decode(body.bytes));
        else reject(new BothwaysError(body.error));
      }),
    );
  }

  async #admits(request: HttpRequest): Promise<boolean> {
    const { publishKeys = [] } = this.#options;
    const [scheme, key, more] = request.headers.authorization?.split(" ") ?? [];
    if (scheme?.toLowerCase() !== "bearer" || !key || more !== undefined) return false;
    if (typeof publishKeys === "function") return (await publishKeys(key, shownOf(request))) === true;
    const digest = digestOf(key);
    return this.#digests.filter((known) => timingSafeEqual(known, digest)).length > 0;
  }

  #publish(text: string): void {
    const { maxJsonDepth = defaults.maxJsonDepth } = this.#options;
    if (jsonNestsDeeper(text, maxJsonDepth)) throw new BothwaysError("BW_JSON_DEPTH");
    const publication = parsePublication(text);
    if (typeof publication === "string") throw new BothwaysError("BW_BAD_REQUEST", publication);
    const { namespace, rooms, event, args } = publication;
    const found = this.#hub.find(namespace);
    if (found === undefined) throw new BothwaysError("BW_NAMESPACE");
    if (rooms === undefined) found.emit(event, ...args);
    else found.to(rooms).emit(event, ...args);
  }
}

/** Can a request say it? */
function isKey(key: string): boolean {
  return key !== "" && !/\s/.test(key);
}

/** Of one length for all keys, and told apart in constant time. */
function digestOf(key: string): Uint8Array {
  return createHash("sha256").update(key).digest();
}
