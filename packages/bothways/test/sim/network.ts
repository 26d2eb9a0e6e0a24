/**
 * The network between one client and the server. It keeps the promises of its techniques and no others: a WebSocket
 * carries frames in order until it breaks, and an HTTP exchange may be lost, repeated or late, each on its own.
 */
import type { ClientTransport, LinkHandler } from "../../src/model/transport.ts";
import type { Post, SetTimer } from "../../src/transport/client/exchanges.ts";
import { createLongPolling } from "../../src/transport/client/long-polling.ts";
import { createStreaming, type OpenStream } from "../../src/transport/client/streaming.ts";
import type { Answer } from "../../src/transport/node/exchange-link.ts";
import type { StreamAnswer } from "../../src/transport/node/stream-link.ts";
import { Exchange } from "./exchange.ts";
import { Flight } from "./flight.ts";
import type { Process } from "./schedule.ts";
import { Socket, type SocketEnd } from "./socket.ts";
import type { World } from "./world.ts";

/** The server as the network sees it. */
export interface Host {
  readonly process: Process;
  /** A WebSocket's upgrade request came. Returns who gets what else comes. */
  connect(link: SocketEnd, hello: string, network: Network): LinkHandler;
  request(body: Uint8Array, answer: Answer | StreamAnswer, network: Network): void;
}

/** Longer than the slowest way there and back. */
const firstFrameTimeout = 4000;

const encoder = new TextEncoder();

export class Network {
  readonly world: World;
  readonly client: number;
  readonly process: Process;
  /** Until then connections are refused and requests fail. */
  outageUntil = 0;
  /** Until then whatever leaves is held back. */
  slowUntil = 0;
  readonly #host: Host;
  #sockets: Socket[] = [];
  #exchanges = new Set<Exchange | Flight>();

  constructor(world: World, client: number, process: Process, host: Host) {
    this.world = world;
    this.client = client;
    this.process = process;
    this.#host = host;
  }

  get host(): Host {
    return this.#host;
  }

  latency(): number {
    const { random, plan, schedule, isHealing } = this.world;
    const jitter = random.float();
    const ms = plan.latencyMs + plan.jitterMs * jitter * jitter;
    return !isHealing && schedule.now < this.slowUntil ? ms + random.between(0, 2000) : ms;
  }

  /** How long a request takes to arrive. */
  requestLatency(): number {
    const { random, plan } = this.world;
    return this.latency() + (this.strikes(plan.exchange.slow) ? random.between(100, 3000) : 0);
  }

  /** Does a fault of this rate strike now? */
  strikes(rate: number): boolean {
    const { isHealing, random } = this.world;
    return !isHealing && rate > 0 && random.chance(rate);
  }

  openSocket(hello: string, handler: LinkHandler): SocketEnd {
    const { world } = this;
    const socket = new Socket(this, handler);
    const { random, plan, schedule } = world;
    const isRefused = schedule.now < this.outageUntil || random.chance(world.isHealing ? 0 : plan.refuseRate);
    if (!isRefused) {
      this.#sockets = this.#sockets.filter(({ isDead }) => !isDead);
      this.#sockets.push(socket);
      socket.open(hello);
    } else if (random.chance(0.7)) {
      schedule.after(this.latency(), this.process, () => socket.near.lose(undefined));
    }
    return socket.near;
  }

  readonly post: Post = (_request, body, answered) => {
    const exchange = new Exchange(this, typeof body === "string" ? encoder.encode(body) : body, answered);
    this.#exchanges.add(exchange);
    exchange.begin();
    return () => exchange.abort();
  };

  readonly openStream: OpenStream = (_request, body, take, ended) => {
    const flight = new Flight(this, body, take, ended);
    this.#exchanges.add(flight);
    flight.begin();
    return () => flight.abort();
  };

  /** A technique of HTTP. */
  createTransport(name: string): ClientTransport {
    if (name === "long-polling") return createLongPolling(name, this.post);
    const setTimer: SetTimer = (run, delayMs) => this.process.setTimer(run, delayMs);
    return createStreaming(name, this.post, this.openStream, setTimer, { firstFrameTimeout });
  }

  forget(exchange: Exchange | Flight): void {
    this.#exchanges.delete(exchange);
  }

  /** Every connection breaks. True where there was one. */
  cut(): boolean {
    const sockets = this.#sockets.filter(({ isDead }) => !isDead);
    const exchanges = [...this.#exchanges];
    for (const socket of sockets) socket.cut();
    for (const exchange of exchanges) exchange.fail(true);
    return sockets.length + exchanges.length > 0;
  }

  /** Nothing passes any more and nobody is told. */
  halfOpen(up: boolean, down: boolean): boolean {
    const sockets = this.#sockets.filter(({ isDead }) => !isDead);
    const exchanges = [...this.#exchanges];
    for (const socket of sockets) socket.halfOpen(up, down);
    for (const exchange of exchanges) exchange.isSilent = true;
    return sockets.length + exchanges.length > 0;
  }

  /** What is on its way, and what follows it, waits; then it comes, even where nobody expects it any more. */
  stall(untilMs: number, up: boolean, down: boolean): boolean {
    const sockets = this.#sockets.filter(({ isDead }) => !isDead);
    for (const socket of sockets) socket.stall(untilMs, up, down);
    for (const exchange of this.#exchanges) exchange.stalledUntil = untilMs;
    return sockets.length + this.#exchanges.size > 0;
  }

  /** The server's process died: its kernel resets whatever was open. */
  reset(): void {
    for (const socket of this.#sockets) socket.reset();
    for (const exchange of [...this.#exchanges]) exchange.fail(false);
  }
}
