/**
 * An answer of the simulated network that goes on: what the server writes arrives in order, in pieces of any size, until
 * it breaks; whether either side is told of that is another matter. The request that starts it may be lost or repeated.
 */
import type { Data } from "../../src/model/message.ts";
import type { Stream, StreamAnswer } from "../../src/transport/node/stream-link.ts";
import { createBodyDecoder } from "../../src/wire/native/body-decoder.ts";
import type { Network } from "./network.ts";

/** A sender is told to wait when this many bytes of what it wrote have not arrived. */
const maxUnsentBytes = 400;

const encoder = new TextEncoder();

/** What flies down: bytes, or the end. */
interface Item {
  readonly at: number;
  readonly bytes: Uint8Array | undefined;
}

export class Flight {
  isSilent = false;
  stalledUntil = 0;
  readonly #network: Network;
  readonly #body: Uint8Array;
  readonly #take: (frames: Data[]) => void;
  readonly #ended: (failure: string) => void;
  readonly #decode = createBodyDecoder(1e9);
  #stream: FlightStream | undefined;
  #items: Item[] = [];
  #lastAt = 0;
  #isDone = false;

  constructor(
    network: Network,
    body: string,
    take: (frames: Data[]) => void,
    ended: (failure: string) => void,
  ) {
    this.#network = network;
    this.#body = encoder.encode(body);
    this.#take = take;
    this.#ended = ended;
  }

  begin(): void {
    const { world, outageUntil } = this.#network;
    const { random, schedule, observer } = world;
    const rates = world.plan.exchange;
    if (schedule.now < outageUntil) return this.fail(true);
    const arrival = this.#network.requestLatency();
    if (this.#network.strikes(rates.lostRequest)) {
      observer.struck("lost request");
      return this.#fly(undefined, arrival);
    }
    this.#arrive(arrival, false);
    if (!this.#network.strikes(rates.copy)) return;
    // an EventSource repeats its request by itself
    observer.struck("copy");
    this.#arrive(arrival + random.between(0, random.pick([20, 500, 8000])), true);
  }

  abort(): void {
    this.#isDone = true;
    this.#leave();
  }

  /** The connection broke: what is on its way gets through up to a part of it. */
  fail(isSlow: boolean): void {
    const { random } = this.#network.world;
    this.#items.splice(Math.ceil(this.#items.length * random.float()));
    this.#fly(undefined, isSlow ? random.pick([0, 50, 1000]) : 0);
    this.isSilent = true;
    this.#leave();
  }

  /** The server wrote; or it ended the answer. */
  write(chunk: Data | undefined): void {
    const { random, plan } = this.#network.world;
    let bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
    while (bytes !== undefined && bytes.length > 1 && random.chance(plan.splitRate)) {
      const cut = 1 + random.int(bytes.length - 1);
      this.#send(bytes.slice(0, cut));
      bytes = bytes.slice(cut);
    }
    this.#send(bytes?.slice());
  }

  /** The server refused it, or sent a repetition away. */
  refuse(status: number, frames: readonly Data[]): void {
    const { schedule } = this.#network.world;
    if (this.isSilent) return;
    schedule.after(this.#network.latency(), this.#network.process, () => {
      if (this.#isDone || this.isSilent) return;
      this.#finish();
      this.#take([...frames]);
      this.#ended(`status ${status}`);
    });
  }

  #send(bytes: Uint8Array | undefined): void {
    if (!this.isSilent) this.#fly(bytes, this.#network.latency());
  }

  #fly(bytes: Uint8Array | undefined, delayMs: number): void {
    const { schedule } = this.#network.world;
    const at = Math.max(schedule.now + delayMs, this.#lastAt, this.stalledUntil);
    this.#lastAt = at;
    this.#items.push({ at, bytes });
    schedule.at(at, this.#network.process, () => this.#pump());
  }

  #pump(): void {
    const { schedule, observer } = this.#network.world;
    if (schedule.now < this.stalledUntil) {
      schedule.at(this.stalledUntil, this.#network.process, () => this.#pump());
      return;
    }
    for (let item = this.#items[0]; item && item.at <= schedule.now; item = this.#items[0]) {
      this.#items.shift();
      if (this.#isDone) continue;
      if (this.stalledUntil > 0) observer.mark("stall then resume");
      this.#stream?.arrived(item.bytes?.length ?? 0);
      if (item.bytes !== undefined) {
        const frames = this.#decode(item.bytes) ?? [];
        if (frames.length > 0) this.#take(frames);
      } else {
        this.#finish();
        this.#ended("it ended");
      }
    }
  }

  #arrive(delayMs: number, isCopy: boolean): void {
    const network = this.#network;
    const { schedule } = network.world;
    schedule.at(schedule.now + delayMs, network.host.process, () => {
      if (schedule.now < this.stalledUntil) return this.#arrive(this.stalledUntil - schedule.now, isCopy);
      if (this.isSilent) return;
      const stream = new FlightStream(network, isCopy || this.#isDone ? undefined : this);
      if (!isCopy) this.#stream = stream;
      network.host.request(this.#body, stream, network);
      if (isCopy || this.#isDone) stream.leave();
    });
  }

  #finish(): void {
    this.#isDone = true;
    this.#network.forget(this);
  }

  #leave(): void {
    this.#network.forget(this);
    this.#stream?.leave();
  }
}

/** The server's end. */
class FlightStream implements Stream, StreamAnswer {
  isOver = false;
  onGone: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  unsentBytes = 0;
  readonly #network: Network;
  readonly #flight: Flight | undefined;

  /** Without a flight nobody reads it. */
  constructor(network: Network, flight: Flight | undefined) {
    this.#network = network;
    this.#flight = flight;
  }

  get isFull(): boolean {
    return this.unsentBytes > maxUnsentBytes;
  }

  send(status: number, frames: readonly Data[]): void {
    this.isOver = true;
    this.#flight?.refuse(status, frames);
  }

  begin(): Stream | undefined {
    return this.isOver ? undefined : this;
  }

  write(chunk: Data): void {
    if (this.isOver) return;
    this.unsentBytes += chunk.length;
    this.#flight?.write(chunk);
  }

  end(): void {
    if (!this.isOver) this.#flight?.write(undefined);
    this.isOver = true;
  }

  /** The client has read so many bytes. */
  arrived(bytes: number): void {
    const wasFull = this.isFull;
    this.unsentBytes -= bytes;
    if (!wasFull || this.isFull) return;
    this.#network.world.schedule.after(0, this.#network.host.process, () => {
      if (!this.isOver && !this.isFull) this.onDrain?.();
    });
  }

  /** The server may notice that nobody reads any more, or not. */
  leave(): void {
    const { random, schedule } = this.#network.world;
    if (!random.chance(0.7)) return;
    schedule.after(random.pick([0, 100, 2000]), this.#network.host.process, () => {
      if (this.isOver) return;
      this.isOver = true;
      this.onGone?.();
    });
  }
}
