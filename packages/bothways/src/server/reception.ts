/**
 * Receives every request to our path, and leads those that may come in to their links.
 *
 * Invariant: each request is answered exactly once, and neither what a stranger sends nor a fault of ours while we
 * serve it is an error of the process.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Hub } from "../hub/hub.ts";
import { type ErrorCode, errorTable } from "../model/errors.ts";
import type { Data } from "../model/message.ts";
import { ExchangeLink } from "../transport/node/exchange-link.ts";
import { isAtPath } from "../transport/node/handshake.ts";
import { HttpAnswer } from "../transport/node/http.ts";
import { type ClaimedAnswer, Claims, JsonpLink } from "../transport/node/jsonp.ts";
import { PollingLink } from "../transport/node/long-polling.ts";
import type { OpenRequests } from "../transport/node/open-requests.ts";
import { corsHeaders, type OriginVerdict } from "../transport/node/origin.ts";
import { type BodyResult, readBody } from "../transport/node/request-body.ts";
import type { ResponseSink } from "../transport/node/response-sink.ts";
import { StreamLink } from "../transport/node/stream-link.ts";
import { guardSocket, refuseUpgrade } from "../transport/node/upgrade.ts";
import { type HttpRequest, WebRequest } from "../transport/node/web-request.ts";
import { WebResponse } from "../transport/node/web-response.ts";
import { decodeBody } from "../wire/native/body.ts";
import { isCallback } from "../wire/script/script.ts";
import { Admission, type Refusal } from "./admission.ts";
import type { Visitors } from "./attach.ts";
import { ClientFile } from "./client-file.ts";
import type { Driver, Visitor } from "./driver.ts";
import { defaults, type ServerOptions } from "./options.ts";
import { PlainReception } from "./plain-reception.ts";
import { createReporter } from "./platform.ts";
import { Publisher } from "./publisher.ts";
import type { ServerLink } from "./server-link.ts";
import { type CreateLink, createTechniques } from "./techniques.ts";
import { WebSocketReception } from "./websocket-reception.ts";

type RefusableAnswer = HttpAnswer | ClaimedAnswer;

const isClaim = /^[\w-]{22,128}$/;

const BODY_OVERHEAD_BYTES = 1024;

export class Reception implements Visitors {
  readonly openRequests: OpenRequests;
  readonly maxStreams: number;
  readonly #driver: Driver;
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #connectTimeoutMs: number;
  readonly #admission: Admission;
  readonly #webSockets: WebSocketReception;
  readonly #clientFile: ClientFile | undefined;
  readonly #techniques: ReadonlyMap<string, CreateLink>;
  readonly #claims: Claims;
  readonly #plain: PlainReception | undefined;
  readonly #publisher: Publisher | undefined;
  readonly #report: (error: unknown) => void;

  constructor(driver: Driver, path: string, options: ServerOptions, hub: Hub) {
    this.#driver = driver;
    this.#path = path;
    this.maxStreams = options.maxHttp2Streams ?? defaults.maxHttp2Streams;
    this.#maxBytes = options.maxHttpBufferSize ?? defaults.maxHttpBufferSize;
    this.#connectTimeoutMs = options.connectTimeout ?? defaults.connectTimeout;
    this.#report = createReporter(options.onError);
    this.#admission = new Admission(options);
    if (options.serveClient !== false) this.#clientFile = new ClientFile(path);
    this.openRequests = {
      count: 0,
      account: driver.strangers,
      writeTimeoutMs: options.writeTimeout ?? defaults.writeTimeout,
      report: this.#report,
    };
    this.#techniques = createTechniques(options);
    this.#claims = new Claims(driver.strangers, this.#connectTimeoutMs);
    if (options.dialects?.includes("plain")) this.#plain = new PlainReception(driver, hub, options);
    if (options.publishKeys) this.#publisher = new Publisher(hub, options, driver.strangers);
    const around = { driver, admission: this.#admission, plain: this.#plain, report: this.#report };
    this.#webSockets = new WebSocketReception(around, options);
  }

  owns(url: string | undefined): boolean {
    return isAtPath(url, this.#path) || this.#endpointOf(url) !== undefined || this.#isClientFile(url);
  }

  /** No session begins any more. */
  close(): void {
    this.#admission.isClosing = true;
    if (this.#publisher) this.#publisher.isClosing = true;
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    this.#guard(response, () => this.#request(request, response));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    guardSocket(socket);
    try {
      if (this.#endpointOf(request.url)) {
        const detail = `WebSockets connect to ${this.#path}`;
        this.#webSockets.refuse(request, socket, { code: "BW_NOT_FOUND", detail });
      } else this.#webSockets.take(request, socket, head);
    } catch (error) {
      this.#report(error);
      refuseUpgrade(socket, { code: "BW_INTERNAL" });
    }
  }

  crowded(request: IncomingMessage): void {
    const { ":protocol": tunnel } = request.headers;
    this.#admission.tellRefused(
      request,
      tunnel === undefined ? "long-polling" : "websocket",
      "BW_HTTP2_STREAMS",
    );
  }

  /** Answers a request that came by `io.fetch`, whatever it is and whatever becomes of it. */
  fetch(request: Request, address: string): Promise<Response> {
    const response = new WebResponse(request.signal);
    this.#guard(response, () => {
      const received = new WebRequest(request, address);
      received.on("error", () => response.destroy());
      const isUpgrade = received.headers.upgrade?.toLowerCase() === "websocket";
      if (!isUpgrade && this.owns(received.url)) return this.#request(received, response);
      const answer = new HttpAnswer(response, {}, this.openRequests);
      if (!isUpgrade) return this.#refuse(received, answer, "BW_NOT_FOUND");
      // RFC 9110 §15.5.22: such an answer names what it is about
      response.setHeader("Upgrade", "websocket");
      this.#refuse(received, answer, "BW_NO_UPGRADE", undefined, "websocket");
    });
    return response.answer;
  }

  #request(request: HttpRequest, response: ResponseSink): void {
    // what comes most often is told first
    const isSessions = isAtPath(request.url, this.#path);
    if (!isSessions && this.#isClientFile(request.url)) return this.#clientFile?.serve(response);
    const verdict = this.#admission.checkOrigin(request);
    const answer = new HttpAnswer(response, corsHeaders(verdict), this.openRequests);
    const endpoint = isSessions ? undefined : this.#endpointOf(request.url);
    if (endpoint) return this.#requestPlain(endpoint, request, answer, verdict);
    if (!verdict.isAllowed) return this.#refuse(request, answer, "BW_ORIGIN", verdict.reason);
    if (request.method === "OPTIONS") return answer.permit(request.headers["access-control-request-headers"]);
    if (request.method === "GET") return this.#get(request, answer);
    if (request.method !== "POST") return this.#refuse(request, answer, "BW_METHOD");
    // the longest message, and the frames around it
    const maxBytes = this.#maxBytes + BODY_OVERHEAD_BYTES;
    const { account } = this.openRequests;
    if (account.isOver) return this.#refuse(request, answer, "BW_OVERFLOW");
    const limits = { maxBytes, timeoutMs: this.#connectTimeoutMs, account };
    const take = (body: BodyResult): void => {
      if (!body.isRead) return this.#refuse(request, answer, body.error);
      const [first, ...rest] = decodeBody(body.bytes) ?? [];
      if (typeof first !== "string") return this.#refuse(request, answer, "BW_BAD_REQUEST");
      if (first[0] === "h") this.#hello(request, first, rest[0], verdict.xdomain, answer);
      else this.#exchange(request, first, rest, answer);
    };
    readBody(request, limits, (body) => this.#guard(response, () => take(body)));
  }

  /** Which of the plain clients' two URLs it is. */
  #endpointOf(url: string | undefined): "events" | "emit" | undefined {
    if (this.#plain && isAtPath(url, `${this.#path}events/`)) return "events";
    if (this.#publisher && isAtPath(url, `${this.#path}emit/`)) return "emit";
    return undefined;
  }

  #requestPlain(
    endpoint: "events" | "emit",
    request: HttpRequest,
    answer: HttpAnswer,
    verdict: OriginVerdict,
  ): void {
    const refuse = (code: ErrorCode, detail?: string): void => {
      this.#admission.tellRefused(request, endpoint === "events" ? "sse" : "http", code, detail);
      answer.refuseJson(code, detail);
    };
    const fail = (error: unknown): void => {
      this.#report(error);
      answer.refuseJson("BW_INTERNAL");
    };
    const method = endpoint === "events" ? "GET" : "POST";
    if (!verdict.isAllowed) return refuse("BW_ORIGIN", verdict.reason);
    if (request.method === "OPTIONS") return answer.permit(request.headers["access-control-request-headers"]);
    if (request.method !== method) return refuse("BW_METHOD", `the request method is not ${method}`);
    if (endpoint === "emit") return void this.#publisher?.take(request, answer, refuse).catch(fail);
    this.#admission
      .admit(request, verdict.xdomain)
      .then((visitor) => {
        if ("refusal" in visitor) refuse(visitor.refusal, visitor.reason);
        else this.#plain?.subscribe(answer, visitor, request);
      })
      .catch(fail);
  }

  /** A page can start some streams, and ask by a script, by a GET alone: the body stands in its query. */
  #get(request: HttpRequest, answer: HttpAnswer): void {
    if (isLostUpgrade(request)) return this.#refuse(request, answer, "BW_WS_UPGRADE", explainLoss(request));
    const [, search = ""] = /\?(.*)/.exec(request.url ?? "") ?? [];
    const query = new URLSearchParams(search);
    // ours are the last; the application's may have the same names
    const [first = "", ...rest] = (query.getAll("bothways").at(-1) ?? "").split("\n");
    if (first[0] === "q")
      return this.#script(request, first, rest, query.getAll("callback").at(-1) ?? "", answer);
    if (first[0] !== "s") return this.#refuse(request, answer, "BW_METHOD");
    this.#exchange(request, first, rest, answer);
  }

  /** A poll that is answered by a script. */
  #script(request: HttpRequest, first: string, rest: Data[], callback: string, answer: HttpAnswer): void {
    if (!this.#techniques.has("jsonp")) return this.#refuse(request, answer, "BW_TRANSPORT");
    if (!isCallback(callback)) return this.#refuse(request, answer, "BW_BAD_REQUEST");
    answer.callback = callback;
    const [, claim] = /^q([^,]+),0$/.exec(first) ?? [];
    if (claim === undefined) return this.#exchange(request, first, rest, answer);
    if (!this.#claims.collect(claim, answer)) this.#refuse(request, answer, "BW_SESSION_UNKNOWN");
  }

  #hello(
    request: HttpRequest,
    hello: string,
    technique: Data | undefined,
    xdomain: boolean,
    answer: HttpAnswer,
  ): void {
    const [name = "", claim = ""] = String(technique ?? "tlong-polling")
      .slice(1)
      .split(",");
    const link = this.#techniques.get(name)?.(request.headers.origin);
    if (link === undefined) return this.#refuse(request, answer, "BW_TRANSPORT");
    if (!(link instanceof JsonpLink)) return this.#begin(request, hello, link, xdomain, answer);
    if (!isClaim.test(claim)) return this.#refuse(request, answer, "BW_BAD_REQUEST");
    const kept = this.#claims.create(claim);
    answer.send(204, []);
    if (kept !== undefined) this.#begin(request, hello, link, xdomain, kept);
  }

  #begin(
    request: HttpRequest,
    hello: string,
    link: PollingLink | StreamLink,
    xdomain: boolean,
    answer: RefusableAnswer,
  ): void {
    const { transport } = link;
    const leave = this.#admission.enter(request);
    if (leave === undefined)
      return this.#refuse(request, answer, "BW_TOO_MANY_CONNECTIONS", undefined, transport);
    const begin = (visitor: Visitor | Refusal): void => {
      if ("refusal" in visitor) {
        leave();
        return this.#refuse(request, answer, visitor.refusal, visitor.reason, transport);
      }
      const handler = this.#driver.connect(link, { ...visitor, leave });
      link.bind(handler);
      const take = (): void => {
        link.open(answer);
        handler.receive(hello);
      };
      this.#serve(handler, take, answer);
    };
    this.#admission
      .admit(request, xdomain)
      .then(begin)
      .catch((error) => {
        leave();
        this.#report(error);
        answer.refuse("BW_INTERNAL");
      });
  }

  /** What is refused before it has named its technique is told as long polling, which is what it is until then. */
  #refuse(
    request: HttpRequest,
    answer: RefusableAnswer,
    code: ErrorCode,
    detail?: string,
    technique = "long-polling",
  ): void {
    const isUpgrade = answer instanceof HttpAnswer && isLostUpgrade(request);
    this.#admission.tellRefused(request, isUpgrade ? "websocket" : technique, code, detail);
    if (isUpgrade) answer.refuseUpgrade(code, detail);
    else answer.refuse(code, detail);
  }

  /** A fault of ours in what a request needs is that request's bad luck, and nobody else's. */
  #guard(response: ResponseSink, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#report(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(errorTable.BW_INTERNAL.httpStatus).end();
    }
  }

  /** A fault of ours in what a link needs ends that link, and the session it belongs to. */
  #serve(link: ServerLink, act: () => void, answer?: RefusableAnswer): void {
    try {
      act();
    } catch (error) {
      link.fail(error);
      answer?.refuse("BW_INTERNAL");
    }
  }

  /** `q<key>,<n>` is the n-th poll, `s<key>,<n>` starts the n-th stream, `k<key>,<n>` is the n-th batch. */
  #exchange(request: HttpRequest, first: string, rest: Data[], answer: HttpAnswer): void {
    const [, kind, key = "", sequence] = /^([qsk])([^,]{1,256}),(\d{1,15})$/.exec(first) ?? [];
    const found = this.#driver.find(key);
    if (!kind) return this.#refuse(request, answer, "BW_BAD_REQUEST");
    if (!(found?.link instanceof ExchangeLink)) return this.#refuse(request, answer, "BW_SESSION_UNKNOWN");
    const { link } = found;
    // no script gets at a link that was not meant for scripts
    const isOwnMethod = answer.callback === undefined || link instanceof JsonpLink;
    const take = (): void => {
      if (kind === "k") link.batch(Number(sequence), rest, answer);
      else if (kind === "q" && link instanceof PollingLink && isOwnMethod)
        link.poll(Number(sequence), rest, answer);
      else if (kind === "s" && link instanceof StreamLink) link.start(Number(sequence), rest, answer);
      else this.#refuse(request, answer, "BW_BAD_REQUEST");
    };
    this.#serve(found, take, answer);
  }

  #isClientFile(url: string | undefined): boolean {
    return this.#clientFile?.isAt(url) === true;
  }
}

/** It asked for a WebSocket when it set out: what asks for the upgrade is not passed on by proxies, the key is. */
function isLostUpgrade({ method, headers }: HttpRequest): boolean {
  return method === "GET" && headers["sec-websocket-key"] !== undefined;
}

/** `undefined`: the usual way, of which the error's own message speaks. */
function explainLoss({ headers }: HttpRequest): string | undefined {
  return headers.upgrade && "the Connection header lacks Upgrade: a proxy on the way has changed it";
}
