/** The client of a cell, in Node or in a page: what it says, what it hears, what it tells of itself. */
import type { io as Io } from "../../src/client/index.ts";
import type { Socket } from "../../src/client/socket.ts";
import type { ClientTransport } from "../../src/model/transport.ts";
import { Ear, messageOf } from "./conversation.ts";
import type { Transport } from "./transports.ts";

/** What both kinds of client are given. */
export interface TalkerOptions {
  readonly url: string;
  /** Best first. */
  readonly ways: readonly Transport[];
  readonly maxBufferedBytes: number;
  readonly isHttp2: boolean;
  /** Certificates, in Node. */
  readonly tls?: { readonly ca: string };
  readonly hedgeDelay?: number;
}

/** What a client tells of itself; it crosses into Node as JSON. */
export interface Told {
  readonly isConnected: boolean;
  /** What it was connected by first. */
  readonly first: string;
  /** From the beginning to `connect`; 0 until then. */
  readonly connectMs: number;
  readonly heard: number;
  readonly wrong: readonly string[];
  /** Why attempts failed, as the client's report has it. */
  readonly reasons: readonly string[];
}

export type Factories = Readonly<Record<string, (options?: Transport["options"]) => ClientTransport>>;

export class Talker {
  readonly #socket: Socket;
  readonly #ear = new Ear("down");
  readonly #wrong: string[] = [];
  #begunAt = 0;
  #connectMs = 0;
  #first = "";

  constructor(
    io: typeof Io,
    factories: Factories,
    { url, ways, maxBufferedBytes, tls, hedgeDelay }: TalkerOptions,
  ) {
    const socket = io(url, {
      maxBufferedBytes,
      tls,
      transports: ways.map((way) => factories[way.factory]?.(way.options) ?? way.name),
      forceNew: true,
      autoConnect: false,
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
      timeout: 5_000,
      ...(hedgeDelay !== undefined && { hedgeDelay }),
    });
    socket.on("n", (number, message) => this.#ear.take(number, message));
    socket.on("gap", ({ reason }) => this.#wrong.push(`gap: ${reason}`));
    socket.once("connect", () => {
      this.#connectMs = performance.now() - this.#begunAt;
      this.#first = socket.io.transport;
    });
    this.#socket = socket;
  }

  connect(): Told {
    this.#begunAt = performance.now();
    this.#socket.connect();
    return this.tell();
  }

  /** Sends so many messages from this number on. */
  say(from: number, count: number): Told {
    for (let number = from; number < from + count; number++) {
      this.#socket.emit("n", number, messageOf(number));
    }
    return this.tell();
  }

  /** What came twice would come before the answer to this. */
  async echo(): Promise<Told> {
    await this.#socket.emitWithAck("echo");
    return this.tell();
  }

  tell(): Told {
    const { attempts } = this.#socket.report();
    const failures = attempts.filter(({ reason }) => reason !== "");
    return {
      isConnected: this.#socket.connected,
      first: this.#first,
      connectMs: this.#connectMs,
      heard: this.#ear.heard,
      wrong: [...this.#wrong, ...this.#ear.wrong],
      reasons: [...new Set(failures.map(({ transport, reason }) => `${transport}: ${reason}`))],
    };
  }

  close(): void {
    this.#socket.disconnect();
  }
}
