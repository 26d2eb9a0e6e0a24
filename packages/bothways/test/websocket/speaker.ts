/** One end of a WebSocket in a chaos run: it says what it likes, in every way there is, and writes down what it hears. */
import { Buffer } from "node:buffer";
import { setImmediate as endOfTurn, setTimeout as sleep } from "node:timers/promises";
import { PreparedMessage, type WebSocket } from "../../src/websocket/index.ts";
import type { Random } from "../sim/random.ts";
import type { Name } from "./pairs.ts";

export interface Said {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

export class Speaker {
  readonly name: Name;
  readonly socket: WebSocket;
  readonly said: Said[] = [];
  readonly heard: Said[] = [];
  /** Pings, as they were sent and as they came, and pongs as they came. */
  readonly pinged: string[] = [];
  readonly pings: string[] = [];
  readonly pongs: string[] = [];
  readonly errors: unknown[] = [];
  readonly closes: number[] = [];
  /** How many callbacks `send` was given, how many were called, and which of them without an error. */
  asked = 0;
  called = 0;
  readonly written: number[] = [];
  /** `send` has returned false, and no `drain` came since. */
  isAwaitingDrain = false;
  /** How many messages came after `close`. */
  late = 0;
  /** A loop over the messages takes them in its own time. */
  readonly hasHeardAll: Promise<void>;
  /** What it does with the next message, besides hearing it. */
  onHearing: (() => void) | undefined;
  readonly #random: Random;
  readonly #everybody: Iterable<Speaker>;
  /** The message it is saying is not at its end. */
  #isInParts = false;

  constructor(name: Name, socket: WebSocket, random: Random, everybody: Iterable<Speaker>) {
    this.name = name;
    this.socket = socket;
    this.#random = random;
    this.#everybody = everybody;
    socket.on("ping", (data) => this.pings.push(String(data)));
    socket.on("pong", (data) => this.pongs.push(String(data)));
    socket.on("error", (error) => this.errors.push(error));
    socket.on("close", (code) => this.closes.push(code));
    socket.on("drain", () => {
      this.isAwaitingDrain = false;
    });
    this.hasHeardAll = name === "ours" && random.chance(0.2) ? this.#iterate() : this.#listen();
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  get #mayBeTold(): boolean {
    return this.isOpen && !this.#isInParts && this.socket.bufferedAmount < 1_000_000;
  }

  /** All it asked to be told of has happened. */
  get isSettled(): boolean {
    return this.called === this.asked && this.socket.bufferedAmount === 0 && !this.isAwaitingDrain;
  }

  /** Says or does one thing. */
  async act(): Promise<void> {
    const random = this.#random;
    const { socket } = this;
    const kind = random.int(20);
    if (kind < 8) this.#say(this.#message(random.chance(0.9) ? 300 : 200_000));
    else if (kind < 10) for (let left = random.int(40); left > 0; left--) this.#say(this.#message(40));
    else if (kind < 12) await this.#sayInParts();
    else if (kind < 13) this.ping(`ping ${this.pinged.length}`);
    else if (kind < 14) this.#broadcast();
    else if (kind < 15) socket.pong("unasked");
    else if (kind < 16) socket.binaryType = random.pick(["nodebuffer", "arraybuffer", "fragments"]);
    else if (kind < 18) {
      socket.pause();
      setTimeout(() => socket.resume(), random.between(0, 30));
    } else await sleep(random.between(0, 10));
    if (random.chance(0.5)) await endOfTurn();
  }

  ping(text: string): void {
    this.pinged.push(text);
    this.socket.ping(text);
  }

  #message(most: number): Said {
    const random = this.#random;
    const length = random.int(most);
    const any = Array.from({ length: 40 }, () => 32 + random.int(5_000));
    // one that shrinks, and one that hardly does
    const letters = random.chance(0.5) ? "ab번" : String.fromCodePoint(...any);
    const text = letters.repeat(Math.ceil(length / letters.length)).slice(0, length);
    return { data: Buffer.from(text), isBinary: random.chance(0.5) };
  }

  #say(message: Said): void {
    const { data, isBinary } = message;
    const isPrepared = this.name === "ours" && this.#random.chance(0.1);
    const bytes = new Uint8Array(data);
    const shapes = [data, bytes, bytes.buffer, new Blob([bytes])];
    const given = isBinary ? (this.#random.pick(shapes) as Buffer) : String(data);
    if (isPrepared) this.#send(message, new PreparedMessage(isBinary ? data : given));
    else this.#send(message, given);
  }

  /** The same to some of all there are, whoever is on the other end. */
  #broadcast(): void {
    const message = this.#message(this.#random.chance(0.7) ? 3_000 : 100_000);
    const given = message.isBinary ? message.data : String(message.data);
    const prepared = this.#random.chance(0.5) ? new PreparedMessage(given) : undefined;
    for (const speaker of this.#everybody) {
      if (!speaker.#mayBeTold || this.#random.chance(0.3)) continue;
      speaker.#send(message, speaker.name === "ours" ? (prepared ?? given) : given);
    }
  }

  #send(message: Said, given: string | Buffer | PreparedMessage): void {
    const { socket } = this;
    this.said.push(message);
    const options = { binary: message.isBinary, compress: this.#random.chance(0.7) };
    // what is said too late is refused before what was said in time is given up
    const number = this.isOpen && this.#random.chance(0.4) ? this.asked++ : undefined;
    const isFlowing =
      number === undefined
        ? socket.send(given, options)
        : socket.send(given, options, (error) => {
            this.called++;
            if (!error) this.written.push(number);
          });
    if (isFlowing === false) this.isAwaitingDrain = true;
  }

  async #sayInParts(): Promise<void> {
    const random = this.#random;
    const message = this.#message(random.chance(0.8) ? 500 : 50_000);
    const { data, isBinary } = message;
    let at = 0;
    this.#isInParts = true;
    for (let left = random.int(5); left > 0 && this.isOpen; left--) {
      const end = at + random.int(data.length - at);
      this.socket.send(data.subarray(at, end), { binary: isBinary, fin: false });
      at = end;
      if (random.chance(0.3)) this.ping(`ping ${this.pinged.length}`);
      if (random.chance(0.3)) await endOfTurn();
    }
    this.#isInParts = false;
    if (!this.isOpen) return;
    this.said.push(message);
    this.socket.send(data.subarray(at), { binary: isBinary });
  }

  async #listen(): Promise<void> {
    this.socket.on("message", (data, isBinary) => {
      if (this.closes.length > 0) this.late++;
      this.#hear(data, isBinary);
    });
  }

  async #iterate(): Promise<void> {
    try {
      for await (const data of this.socket) {
        this.#hear(data, typeof data !== "string");
        if (this.#random.chance(0.02)) await sleep(10);
      }
    } catch {
      // That it broke is told by "close" as well.
    }
  }

  #hear(data: unknown, isBinary: boolean): void {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
    this.heard.push({ data: bytes, isBinary });
    this.onHearing?.();
  }
}
