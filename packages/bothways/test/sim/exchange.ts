/** An HTTP request of the simulated network: it may be lost, repeated or late, and so may its answer. */
import type { Data } from "../../src/model/message.ts";
import type { Post } from "../../src/transport/client/exchanges.ts";
import type { Answer } from "../../src/transport/node/exchange-link.ts";
import { decodeBody, encodeBody } from "../../src/wire/native/body.ts";
import type { Network } from "./network.ts";

const encoder = new TextEncoder();

/** One request with its answer. */
export class Exchange {
  isSilent = false;
  stalledUntil = 0;
  readonly #network: Network;
  readonly #body: Uint8Array;
  readonly #answered: Parameters<Post>[2];
  readonly #answers: SimulatedAnswer[] = [];
  #isDone = false;

  constructor(network: Network, body: Uint8Array, answered: Parameters<Post>[2]) {
    this.#network = network;
    this.#body = body;
    this.#answered = answered;
  }

  begin(): void {
    const { world, outageUntil } = this.#network;
    const { random, schedule, observer } = world;
    const rates = world.plan.exchange;
    if (schedule.now < outageUntil) return this.fail(true);
    const arrival = this.#network.requestLatency();
    if (this.#network.strikes(rates.lostRequest)) {
      observer.struck("lost request");
      this.#failLater(arrival);
    } else if (this.#network.strikes(rates.lostAnswer)) {
      observer.struck("lost answer");
      this.#arrive(arrival, "lost");
    } else if (this.#network.strikes(rates.repeat)) {
      observer.struck("repeat");
      this.#arrive(arrival, "nobody");
      this.#arrive(arrival + random.between(0, 500), "client");
    } else {
      this.#arrive(arrival, "client");
      if (this.#network.strikes(rates.copy)) {
        observer.struck("copy");
        this.#arrive(arrival + random.between(0, random.pick([20, 500, 8000])), "nobody");
      }
    }
  }

  abort(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#leave();
  }

  /** The connection broke. */
  fail(isSlow: boolean): void {
    const { random } = this.#network.world;
    this.#failLater(isSlow ? random.pick([0, 50, 1000]) : 0);
    this.#leave();
  }

  /** The server sent an answer on one of the connections that this request took. */
  answer(status: number, frames: readonly Data[], to: "client" | "lost" | "nobody"): void {
    const { world } = this.#network;
    if (to !== "client" || this.isSilent || this.#isDone) {
      for (const frame of frames) world.observer.lostFrame(frame);
      if (to === "lost") this.#failLater(this.#network.latency());
      return;
    }
    const encoded = encodeBody(frames);
    const body = typeof encoded === "string" ? encoder.encode(encoded) : encoded;
    this.#deliver(world.schedule.now + this.#network.latency(), status, body);
  }

  #deliver(at: number, status: number, body: Uint8Array): void {
    const { schedule, observer } = this.#network.world;
    schedule.at(Math.max(at, this.stalledUntil), this.#network.process, () => {
      if (schedule.now < this.stalledUntil) return this.#deliver(this.stalledUntil, status, body);
      if (this.#isDone || this.isSilent) return;
      if (this.stalledUntil > 0) observer.mark("stall then resume");
      this.#finish();
      this.#answered(status, decodeBody(body));
    });
  }

  #arrive(delayMs: number, to: "client" | "lost" | "nobody"): void {
    const network = this.#network;
    const { schedule } = network.world;
    schedule.at(schedule.now + delayMs, network.host.process, () => {
      if (schedule.now < this.stalledUntil) return this.#arrive(this.stalledUntil - schedule.now, to);
      if (this.isSilent) return;
      const answer = new SimulatedAnswer(this, to);
      if (to === "nobody" || this.#isDone) answer.expectGone(network);
      this.#answers.push(answer);
      network.host.request(this.#body, answer, network);
    });
  }

  #failLater(delayMs: number): void {
    this.#network.world.schedule.after(delayMs, this.#network.process, () => {
      if (this.#isDone) return;
      this.#finish();
      this.#answered(0, undefined, "network");
    });
  }

  #finish(): void {
    this.#isDone = true;
    this.#network.forget(this);
  }

  /** The server may notice that nobody waits any more, or not. */
  #leave(): void {
    this.#network.forget(this);
    for (const answer of this.#answers) answer.expectGone(this.#network);
  }
}

class SimulatedAnswer implements Answer {
  isOver = false;
  onGone: (() => void) | undefined;
  readonly #exchange: Exchange;
  readonly #to: "client" | "lost" | "nobody";

  constructor(exchange: Exchange, to: "client" | "lost" | "nobody") {
    this.#exchange = exchange;
    this.#to = to;
  }

  send(status: number, frames: readonly Data[]): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#exchange.answer(status, frames, this.#to);
  }

  expectGone(network: Network): void {
    const { random, schedule } = network.world;
    if (!random.chance(0.7)) return;
    schedule.after(random.pick([0, 100, 2000]), network.host.process, () => {
      if (this.isOver) return;
      this.isOver = true;
      this.onGone?.();
    });
  }
}
