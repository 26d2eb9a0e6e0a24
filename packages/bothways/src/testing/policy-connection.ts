/**
 * A client's connection to a policy proxy: requests are read whole, one after the other, and each is an exchange.
 *
 * Invariants: requests are answered in their order; one of more than `maxRequestBytes`, or more that wait than
 * `maxWaitingRequests`, end the connection; when the client leaves, so does what was asked of the server for it.
 */
import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { encodeHead, type Head, headerOf, lengthOfRequest, MessageReader } from "./http-message.ts";
import type { Answer } from "./policies.ts";
import {
  type ClientSide,
  type HttpRequest,
  PolicyExchange,
  type PolicyHost,
  reset,
} from "./policy-exchange.ts";

const maxRequestBytes = 16_777_216;
/** That were sent before those in front of them were answered. */
const maxWaitingRequests = 100;

export class PolicyConnection implements ClientSide {
  readonly client: Socket;
  readonly #host: PolicyHost;
  readonly #reader: MessageReader;
  readonly #waiting: HttpRequest[] = [];
  readonly #read = (chunk: Buffer): void => {
    if (!this.#reader.push(chunk)) reset(this.client);
  };
  #exchange: PolicyExchange | undefined;
  #head: Head = { start: "", headers: [] };
  #body: Uint8Array[] = [];
  #bodyBytes = 0;
  #isServing = false;

  constructor(client: Socket, host: PolicyHost) {
    this.client = client;
    this.#host = host;
    this.#reader = new MessageReader(lengthOfRequest, {
      head: (head) => {
        this.#head = head;
      },
      body: (bytes) => {
        this.#body.push(bytes);
        this.#bodyBytes += bytes.length;
        if (this.#bodyBytes > maxRequestBytes) reset(client);
      },
      end: () => this.#accept(),
    });
    client.on("data", this.#read);
    client.on("error", () => {});
    client.on("timeout", () => {
      host.count("idleTimeoutMs");
      reset(client);
    });
    client.on("close", (hadError) => this.#exchange?.leave(hadError || !client.readableEnded));
    this.watchIdle();
  }

  /** Begins to count the time anew. */
  watchIdle(): void {
    const { idleTimeoutMs } = this.#host.policies;
    this.client.setTimeout(Number.isFinite(idleTimeoutMs) ? idleTimeoutMs : 0);
  }

  /** What follows from the client is no HTTP any more: stops reading, and gives what was read too far. */
  release(): Uint8Array {
    this.client.off("data", this.#read);
    return this.#reader.stop();
  }

  #accept(): void {
    const [method = "", path = ""] = this.#head.start.split(" ");
    const request = { head: this.#head, method, path, body: Buffer.concat(this.#body) };
    this.#body = [];
    this.#bodyBytes = 0;
    this.#waiting.push(request);
    this.#host.count("requests");
    if (this.#waiting.length > maxWaitingRequests) reset(this.client);
    if (!this.#isServing) this.#serve();
  }

  #serve(): void {
    const request = this.#waiting.shift();
    this.#isServing = request !== undefined;
    if (request === undefined) return;
    const host = this.#host;
    const { answer, upgrade, http10 } = host.policies;
    if (answer !== undefined) {
      host.count("answer");
      return this.#answer(answer);
    }
    if (upgrade !== "pass" && !http10 && headerOf(request.head, "upgrade") !== "") {
      host.count("upgrade");
      if (typeof upgrade === "number") return this.#answer(upgrade);
      if (upgrade === "hang") return;
    }
    this.#exchange = new PolicyExchange(request, this, host, (reply) => {
      this.#exchange = undefined;
      if (reply === "next") this.#serve();
      else this.#answer(reply);
    });
  }

  #answer(answer: number | Answer): void {
    const { status, headers = {}, body = "" } = typeof answer === "number" ? { status: answer } : answer;
    const version = this.#host.policies.http10 ? "1.0" : "1.1";
    const length = String(Buffer.byteLength(body));
    const head = {
      start: `HTTP/${version} ${status} ${STATUS_CODES[status] ?? ""}`,
      headers: Object.entries({ ...headers, "Content-Length": length, Connection: "close" }),
    };
    this.client.end(Buffer.concat([encodeHead(head), Buffer.from(body)]));
  }
}
