/**
 * One request on its way through a policy proxy, and its answer on the way back.
 *
 * Invariants: the request has a connection to the target of its own, which ends with its answer; request and answer pass
 * as they came but for what a policy changes and how a body is cut into chunks; once both sides have switched to another
 * protocol (101), bytes pass untouched.
 */
import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import {
  encodeChunk,
  encodeHead,
  type Head,
  headerOf,
  lastChunk,
  lengthOfResponse,
  MessageReader,
  statusOf,
  without,
} from "./http-message.ts";
import type {
  Policies,
  PolicyStats,
  ProxiedRequest,
  RequestFault,
  RequestFilter,
  RequestStrike,
} from "./policies.ts";

/** A request with its head. */
export interface HttpRequest extends ProxiedRequest {
  readonly head: Head;
}

/** A fault that waits for the request it is meant for. */
export interface ArmedFault {
  readonly fault: RequestFault;
  /** Bytes of the answer's body that pass before the cut. */
  readonly afterBytes: number;
  readonly filter: RequestFilter;
  readonly resolve: (strike: RequestStrike) => void;
  readonly reject: (error: Error) => void;
}

/** The connection a request came over. */
export interface ClientSide {
  readonly client: Socket;
  /** What follows from the client is no HTTP any more: stops reading, and gives what was read too far. */
  release(): Uint8Array;
}

/** What connections and exchanges need of their proxy. */
export interface PolicyHost {
  readonly policies: Readonly<Policies>;
  count(what: keyof PolicyStats["strikes"] | "requests" | "upgrades"): void;
  /** Gives the exchange a connection to the target, when it is its turn. */
  dial(exchange: PolicyExchange): void;
  /** Takes the fault that is armed for such a request. */
  disarm(request: ProxiedRequest): ArmedFault | undefined;
  /** Gives back one that could not strike. */
  rearm(armed: ArmedFault): void;
}

/** What the connection does next: go on, or answer with this status in the proxy's own name. */
type Reply = "next" | 502;

const maxHeldBytes = 16_777_216;
const connectionHeaders = ["connection", "keep-alive", "proxy-connection"];

export class PolicyExchange {
  readonly #request: HttpRequest;
  readonly #connection: ClientSide;
  readonly #client: Socket;
  readonly #host: PolicyHost;
  readonly #done: (reply: Reply) => void;
  readonly #reader: MessageReader;
  readonly #upstreams: Socket[] = [];
  #armed: ArmedFault | undefined;
  #state: "asked" | "answering" | "tunnel" | "over" = "asked";
  #isChunked = false;
  /** The connection to the client ends with this answer. */
  #isLast = false;
  /** Bytes of the body that may still pass. */
  #passBytes = Number.POSITIVE_INFINITY;
  /** Bytes of the body that have to come before anything leaves. */
  #holdBytes = 0;
  #held: Uint8Array[] = [];

  constructor(request: HttpRequest, connection: ClientSide, host: PolicyHost, done: (reply: Reply) => void) {
    this.#request = request;
    this.#connection = connection;
    this.#client = connection.client;
    this.#host = host;
    this.#done = done;
    this.#armed = host.disarm(request);
    this.#reader = new MessageReader((head) => lengthOfResponse(head, request.method), {
      head: (head) => this.#passHead(head),
      body: (bytes) => this.#passBody(bytes),
      end: () => this.#passEnd(),
    });
    host.dial(this);
  }

  /** Answered, or nobody waits for the answer. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Sends the request on this connection to the target. */
  open(upstream: Socket): void {
    const { head, body } = this.#request;
    this.#upstreams.push(upstream);
    upstream.on("error", () => {});
    upstream.write(encodeHead(this.#changeRequest(head)));
    if (this.#armed?.fault === "duplicate") {
      // The server gets the same again behind it, and what it says to the first is thrown away.
      upstream.resume();
      this.#strike();
      upstream.write(body, () => this.isOver || this.#host.dial(this));
      return;
    }
    upstream.on("data", (chunk: Buffer) => this.#read(upstream, chunk));
    upstream.on("close", (hadError) => this.#lose(hadError || !upstream.readableEnded));
    upstream.write(body);
  }

  /** The client has gone. */
  leave(isAbrupt: boolean): void {
    // what it said last still passes
    if (this.#state === "tunnel" && !isAbrupt) return;
    this.#finish();
  }

  #read(upstream: Socket, chunk: Buffer): void {
    if (this.#state === "tunnel") return;
    if (!this.#reader.push(chunk)) upstream.destroy();
    if (!this.#client.writableNeedDrain) return;
    upstream.pause();
    this.#client.once("drain", () => upstream.resume());
  }

  /** The target has closed its connection. */
  #lose(isAbrupt: boolean): void {
    if (this.#state === "tunnel") {
      if (isAbrupt) reset(this.#client);
      return;
    }
    if (!isAbrupt) this.#reader.end();
    if (this.#state === "answering") reset(this.#client);
    if (this.#state !== "asked") return;
    this.#finish();
    this.#done(502);
  }

  #changeRequest(head: Head): Head {
    const { stripConnection, http10, upgrade } = this.#host.policies;
    let { start, headers } = head;
    if (headerOf(head, "transfer-encoding") !== "") {
      const length = String(this.#request.body.length);
      headers = [...without(headers, "transfer-encoding"), ["Content-Length", length]];
    }
    if (upgrade === "strip" && headerOf(head, "upgrade") !== "") {
      headers = without(headers, "upgrade", "connection");
    }
    if (stripConnection) headers = without(headers, ...connectionHeaders);
    if (http10) {
      start = start.replace(/ HTTP\/1\.\d$/, " HTTP/1.0");
      headers = without(headers, "upgrade", ...connectionHeaders);
    }
    if (stripConnection) this.#host.count("stripConnection");
    if (http10) this.#host.count("http10");
    return { start, headers };
  }

  #changeAnswer(head: Head): Head {
    const { stripConnection, http10 } = this.#host.policies;
    const headers = stripConnection || http10 ? without(head.headers, ...connectionHeaders) : head.headers;
    if (!http10) return { start: head.start, headers };
    return {
      start: head.start.replace(/^HTTP\/1\.\d/, "HTTP/1.0"),
      headers: [...without(headers, "transfer-encoding"), ["Connection", "close"]],
    };
  }

  #passHead(head: Head): void {
    const status = statusOf(head);
    // RFC 9110 §15.2: those that go before the answer are of no use to it
    if (status < 200 && status !== 101) return;
    if (this.#armed?.fault === "lose") {
      this.#strike();
      return reset(this.#client);
    }
    if (status === 101) return this.#switch(head);
    const answer = this.#changeAnswer(head);
    const length = lengthOfResponse(answer, this.#request.method);
    const { bufferBytes } = this.#host.policies;
    this.#state = "answering";
    this.#isChunked = length === "chunked";
    this.#isLast = length === "until-end" || headerOf(answer, "connection") === "close";
    this.#holdBytes = Math.min(bufferBytes, maxHeldBytes);
    if (bufferBytes > 0) this.#host.count("bufferBytes");
    if (this.#armed?.fault === "cut") {
      // never the whole of it
      const most = typeof length === "number" ? length - 1 : Number.POSITIVE_INFINITY;
      this.#passBytes = Math.max(0, Math.min(this.#armed.afterBytes, most));
    }
    this.#write(encodeHead(answer), 0);
  }

  #passBody(bytes: Uint8Array): void {
    if (this.#state !== "answering") return;
    const framed = this.#isChunked ? encodeChunk(bytes) : bytes;
    const extra = bytes.length - this.#passBytes;
    // the part that passes, without the line end behind a chunk
    if (extra > 0) return this.#cut(framed.subarray(0, framed.length - extra - (this.#isChunked ? 2 : 0)));
    this.#passBytes -= bytes.length;
    this.#write(framed, bytes.length);
  }

  #passEnd(): void {
    if (this.#state !== "answering") return;
    if (this.#armed?.fault === "cut") return this.#cut(new Uint8Array(0));
    if (this.#isChunked) this.#write(lastChunk, 0);
    this.#release();
    this.#finish();
    if (this.#isLast) this.#client.end();
    else this.#done("next");
  }

  #cut(part: Uint8Array): void {
    this.#release();
    this.#strike();
    this.#finish();
    this.#client.end(part);
  }

  /** From here on the connection belongs to another protocol. */
  #switch(head: Head): void {
    const upstream = this.#upstreams.at(-1);
    if (upstream === undefined) return;
    this.#state = "tunnel";
    this.#host.count("upgrades");
    this.#client.write(encodeHead(this.#changeAnswer(head)));
    this.#client.write(this.#reader.stop());
    upstream.write(this.#connection.release());
    upstream.pipe(this.#client);
    this.#client.pipe(upstream);
  }

  #write(bytes: Uint8Array, bodyBytes: number): void {
    if (this.#holdBytes <= 0) {
      this.#client.write(bytes);
      return;
    }
    this.#held.push(bytes);
    this.#holdBytes -= bodyBytes;
    if (this.#holdBytes <= 0) this.#release();
  }

  #release(): void {
    this.#holdBytes = 0;
    for (const bytes of this.#held) this.#client.write(bytes);
    this.#held = [];
  }

  #strike(): void {
    const armed = this.#armed;
    this.#armed = undefined;
    if (armed === undefined) return;
    this.#host.count(armed.fault);
    armed.resolve({ atMs: performance.now(), request: this.#request });
  }

  #finish(): void {
    this.#state = "over";
    if (this.#armed !== undefined) this.#host.rearm(this.#armed);
    this.#armed = undefined;
    for (const upstream of this.#upstreams) upstream.destroy();
  }
}

/** Ends a socket by RST, or as abruptly as it can be ended. */
export function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
