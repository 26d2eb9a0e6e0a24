/**
 * Receives every request to our path: judges its origin, authenticates who begins or resumes a session, and leads it to
 * its link.
 *
 * Invariant: each request is answered exactly once, and nothing a stranger sends is an error of the process.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { Duplex } from "node:stream";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Data } from "../model/message.ts";
import { nodePrimitives } from "../platform/node.ts";
import { DeflatedWebSocketLink } from "../transport/node/deflated-websocket.ts";
import { describeRequest, isAtPath } from "../transport/node/handshake.ts";
import { HttpAnswer, type OpenRequests, readBody } from "../transport/node/http.ts";
import { PollingLink } from "../transport/node/long-polling.ts";
import { checkOrigin, corsHeaders } from "../transport/node/origin.ts";
import { PerMessageDeflate } from "../transport/node/per-message-deflate.ts";
import { guardSocket, readUpgrade, refuseUpgrade } from "../transport/node/upgrade.ts";
import { createLinkOptions, WebSocketLink, type WebSocketLinkOptions } from "../transport/node/websocket.ts";
import { decodeBody } from "../wire/native/body.ts";
import type { Visitors } from "./attach.ts";
import type { Driver, Visitor } from "./driver.ts";
import type { ServerOptions } from "./options.ts";
import { createReporter } from "./platform.ts";
import { toReason } from "./reason.ts";

interface Refusal {
  readonly refusal: ErrorCode;
  readonly reason: string;
}

const tooSlow = new Error("authentication took too long");

const BODY_OVERHEAD_BYTES = 1024;

export class Reception implements Visitors {
  readonly openRequests: OpenRequests = { count: 0 };
  /** No session begins any more. */
  isClosing = false;
  readonly #driver: Driver;
  readonly #path: string;
  readonly #options: ServerOptions;
  readonly #maxBytes: number;
  readonly #linkOptions: WebSocketLinkOptions;
  readonly #deflate: PerMessageDeflate | undefined;
  readonly #report: (error: unknown) => void;
  #client: Uint8Array | undefined;

  constructor(driver: Driver, path: string, options: ServerOptions) {
    this.#driver = driver;
    this.#path = path;
    this.#options = options;
    this.#maxBytes = options.maxHttpBufferSize ?? 1_000_000;
    this.#report = createReporter(options.onError);
    this.#linkOptions = createLinkOptions(nodePrimitives, this.#maxBytes);
    const { perMessageDeflate = false } = options;
    if (perMessageDeflate !== false) {
      const settings = perMessageDeflate === true ? {} : perMessageDeflate;
      this.#deflate = new PerMessageDeflate(settings, this.#linkOptions);
    }
  }

  owns(url: string | undefined): boolean {
    return isAtPath(url, this.#path) || this.#isClientUrl(url);
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    if (this.#isClientUrl(request.url)) return this.#serveClient(response);
    const verdict = checkOrigin(request, this.#originOptions);
    const answer = new HttpAnswer(response, corsHeaders(verdict), this.openRequests);
    if (!verdict.isAllowed) return answer.refuse("BW_ORIGIN", verdict.reason);
    if (request.method === "OPTIONS") return answer.permit(request.headers["access-control-request-headers"]);
    if (request.method !== "POST") return answer.refuse("BW_METHOD");
    // the longest message, and the frames around it
    const limits = { maxBytes: this.#maxBytes + BODY_OVERHEAD_BYTES, timeoutMs: this.#connectTimeoutMs };
    readBody(request, limits, (body) => {
      if (!body.isRead) return answer.refuse(body.error);
      const [first, ...rest] = decodeBody(body.bytes) ?? [];
      if (typeof first !== "string") return answer.refuse("BW_BAD_REQUEST");
      if (first[0] === "h") {
        this.#hello(request, first, verdict.xdomain, answer).catch((error) => {
          this.#report(error);
          answer.refuse("BW_INTERNAL");
        });
      } else this.#exchange(first, rest, answer);
    });
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    guardSocket(socket);
    const verdict = checkOrigin(request, this.#originOptions);
    if (!verdict.isAllowed) return refuseUpgrade(socket, { code: "BW_ORIGIN", detail: verdict.reason });
    const upgrade = readUpgrade(request, head, nodePrimitives);
    if (!upgrade.ok) return refuseUpgrade(socket, upgrade);
    const deflate = this.#deflate;
    const accepted = deflate?.accept(request.headers);
    // RFC6455-9.1-1
    if (accepted === null)
      return refuseUpgrade(socket, {
        code: "BW_WS_HANDSHAKE",
        detail: "Sec-WebSocket-Extensions is malformed",
      });
    const begin = (visitor: Visitor | Refusal): void => {
      const link =
        deflate && accepted
          ? new DeflatedWebSocketLink(socket, upgrade, this.#linkOptions, { deflate, accepted })
          : new WebSocketLink(socket, upgrade, this.#linkOptions);
      if ("refusal" in visitor) {
        // a browser cannot read the status of a refused handshake, so it is accepted and closed
        link.open();
        return link.close(errorTable[visitor.refusal].closeCode, visitor.reason);
      }
      const handler = this.#driver.connect(link, visitor);
      link.bind(handler);
      link.open();
      if (upgrade.hello) handler.receive(upgrade.hello);
      link.flush();
    };
    this.#admit(request, verdict.xdomain)
      .then(begin)
      .catch((error) => {
        // a fault of ours is this visitor's bad luck and nobody else's
        this.#report(error);
        socket.destroy();
      });
  }

  async #hello(request: IncomingMessage, hello: string, xdomain: boolean, answer: HttpAnswer): Promise<void> {
    const visitor = await this.#admit(request, xdomain);
    if ("refusal" in visitor) return answer.refuse(visitor.refusal, visitor.reason);
    const link = new PollingLink();
    const handler = this.#driver.connect(link, visitor);
    link.bind(handler);
    link.open(answer);
    handler.receive(hello);
  }

  /** `q<key>,<n>` is the n-th poll, `k<key>,<n>` the n-th batch. */
  #exchange(first: string, rest: Data[], answer: HttpAnswer): void {
    const [, kind, key = "", sequence] = /^([qk])([^,]{1,256}),(\d{1,15})$/.exec(first) ?? [];
    const found = this.#driver.find(key);
    if (!kind) return answer.refuse("BW_BAD_REQUEST");
    if (!(found?.link instanceof PollingLink)) return answer.refuse("BW_SESSION_UNKNOWN");
    if (kind === "q") found.link.poll(Number(sequence), rest, answer);
    else found.link.batch(Number(sequence), rest, answer);
  }

  /** Who asks, or why they may not. */
  async #admit(request: IncomingMessage, xdomain: boolean): Promise<Visitor | Refusal> {
    const { authenticate, trustProxy = false } = this.#options;
    const handshake = describeRequest(request, { trustProxy, xdomain, now: Date.now() });
    try {
      const identity = authenticate && (await this.#inTime(authenticate(request)));
      // asked last, since the answer may have taken a while
      if (this.isClosing) return { refusal: "BW_SHUTDOWN", reason: errorTable.BW_SHUTDOWN.message };
      return { handshake, identity, user: userOf(identity) };
    } catch (error) {
      const reason = toReason(error instanceof Error ? error.message : String(error));
      return { refusal: error === tooSlow ? "BW_SILENT" : "BW_UNAUTHORIZED", reason };
    }
  }

  async #inTime<Value>(value: Value): Promise<Awaited<Value>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(reject, this.#connectTimeoutMs, tooSlow);
    });
    return Promise.race([value, late]).finally(() => clearTimeout(timer));
  }

  get #connectTimeoutMs(): number {
    return this.#options.connectTimeout ?? 10_000;
  }

  get #originOptions(): { origins: NonNullable<ServerOptions["origins"]>; trustProxy: boolean | number } {
    return { origins: this.#options.origins ?? "same-origin", trustProxy: this.#options.trustProxy ?? false };
  }

  #isClientUrl(url: string | undefined): boolean {
    return this.#options.serveClient !== false && url?.split("?")[0] === `${this.#path}client.js`;
  }

  #serveClient(response: ServerResponse): void {
    this.#client ??= readClient();
    if (!this.#client)
      return void response.writeHead(404).end("the client is not where the package puts it\n");
    response.writeHead(200, {
      "Content-Type": "text/javascript; charset=utf-8",
      "Content-Length": this.#client.length,
      "Cache-Control": "no-cache",
      "X-Content-Type-Options": "nosniff",
      // a module that a page of another origin imports
      "Access-Control-Allow-Origin": "*",
      "Cross-Origin-Resource-Policy": "cross-origin",
    });
    response.end(this.#client);
  }
}

/** `undefined` where it is not beside us, as in a server that was bundled into one file. */
function readClient(): Uint8Array | undefined {
  try {
    return readFileSync(createRequire(import.meta.url).resolve("bothways/client.min.js"));
  } catch {
    return undefined;
  }
}

function userOf(identity: unknown): string | undefined {
  const user =
    typeof identity === "object" && identity !== null && "user" in identity ? identity.user : identity;
  return typeof user === "string" || typeof user === "number" ? String(user) : undefined;
}
