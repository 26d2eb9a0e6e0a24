/**
 * A client of a chaos run, behind proxies of its own: it talks in numbers on one or both namespaces, and checks what it
 * hears. What it may miss is what docs/guide/delivery.md says: nothing, unless it was told of a gap or left by itself.
 */
import { io as connect, type Socket } from "../../src/client/index.node.ts";
import {
  longPolling,
  multipart,
  shortPolling,
  sse,
  stream,
  webSocket,
} from "../../src/client/transports.node.ts";
import { FaultProxy, PolicyProxy } from "../../src/testing/index.ts";
import type { Random } from "../sim/random.ts";
import { type Host, namespaces, rooms } from "./host.ts";
import { isPayload, payload } from "./payload.ts";
import { until } from "./until.ts";

const techniques = { webSocket, stream, sse, multipart, longPolling, shortPolling };

/** What a guest is in one namespace. */
export class Seat {
  readonly socket: Socket;
  /** The last number said and heard, and how many answers came. */
  said = 0;
  heard = 0;
  answers = 0;
  /** Questions that are not answered yet. */
  #waiting = 0;
  readonly #key: string;
  readonly #host: Host;
  readonly #random: Random;
  /** Changes whenever something may have been missed. */
  #life = 0;
  /** The last number of each room it is in. */
  readonly #rooms = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(socket: Socket, name: string, host: Host, random: Random) {
    this.socket = socket;
    this.#key = socket.nsp + name;
    this.#host = host;
    this.#random = random;
    this.#listen();
    this.#timer = setInterval(() => this.#talk(), random.between(20, 80));
  }

  /** Goes into a room, or out of it. */
  stroll(): void {
    const { socket } = this;
    const life = this.#life;
    const room = this.#random.pick(rooms);
    const isIn = this.#rooms.has(room);
    if (!socket.connected) return;
    socket.emit(isIn ? "leave" : "join", room, (position: number) => {
      if (life !== this.#life) return;
      if (isIn) this.#rooms.delete(room);
      else this.#rooms.set(room, position);
    });
  }

  /** Leaves, and comes back as somebody new. */
  leave(): void {
    this.#beginAnew();
    this.socket.disconnect();
    setTimeout(() => this.socket.connect(), this.#random.between(0, 300));
  }

  /** Says nothing more, and waits until both sides have heard all that was said. */
  async settle(): Promise<void> {
    clearInterval(this.#timer);
    const { socket } = this;
    const isConnected = await until(() => socket.connected, 30_000);
    if (!isConnected) return this.#complain("does not come back");
    await this.#ask(++this.said);
    const told = await socket.emitWithAck("told");
    const isSettled = (): boolean => this.heard === told && !this.#waiting && !socket.io.bufferedBytes;
    if (!(await until(isSettled, 30_000)))
      this.#complain(`heard ${this.heard} of ${told}, ${this.#waiting} unanswered`);
    const known = this.#host.of(this.#key);
    const { heard } = known;
    if (!heard.has(this.said)) this.#complain(`${this.said} was not heard`);
    // those of sessions that were given up are gone after a while
    if (!(await until(() => known.sockets === 1, 30_000))) this.#complain(`has ${known.sockets} sockets`);
    // some are lost with a session, and only then
    if (this.#life === 0 && heard.size !== this.said)
      this.#complain(`${heard.size} of ${this.said} were heard`);
  }

  #listen(): void {
    const { socket } = this;
    socket.on("gap", () => this.#beginAnew());
    socket.on("disconnect", (reason) => {
      if (reason !== "io server disconnect") return;
      this.#beginAnew();
      socket.connect();
    });
    socket.on("down", (number: number, data: unknown) => {
      if (number !== this.heard + 1) this.#complain(`heard ${number} after ${this.heard}`);
      if (!isPayload(number, data)) this.#complain(`${number} came down broken`);
      this.heard = number;
      return number;
    });
    socket.on("room", (room: string, number: number) => {
      const before = this.#rooms.get(room);
      if (before === undefined) return;
      if (number !== before + 1) this.#complain(`heard ${number} after ${before} in room ${room}`);
      this.#rooms.set(room, number);
    });
  }

  #talk(): Promise<void> | undefined {
    if (!this.socket.active) return undefined;
    const number = ++this.said;
    if (number % 4 === 0) return this.#ask(number);
    this.socket.emit("up", number, payload(number));
    return undefined;
  }

  async #ask(number: number): Promise<void> {
    const { socket } = this;
    const life = this.#life;
    this.#waiting++;
    try {
      const answer = await socket.emitWithAck("up", number, payload(number));
      this.answers++;
      if (answer !== number) this.#complain(`${number} was answered with ${answer}`);
    } catch (error) {
      if (life === this.#life) this.#complain(`no answer, though nothing was lost: ${error}`);
    }
    this.#waiting--;
  }

  #beginAnew(): void {
    this.#life++;
    this.heard = 0;
    this.#rooms.clear();
  }

  #complain(what: string): void {
    const { transport, attempts } = this.socket.report();
    this.#host.faults.push(`${this.#key} over ${transport}: ${what}; ${JSON.stringify(attempts.slice(-3))}`);
  }
}

export class Guest {
  readonly network: FaultProxy;
  readonly office: PolicyProxy;
  readonly seats: readonly Seat[];

  private constructor(network: FaultProxy, office: PolicyProxy, seats: readonly Seat[]) {
    this.network = network;
    this.office = office;
    this.seats = seats;
  }

  static async open(name: string, host: Host, random: Random): Promise<Guest> {
    const network = await FaultProxy.listen({
      target: { port: host.port },
      latencyMs: random.between(0, 20),
    });
    const office = await PolicyProxy.listen({ target: { port: network.port } });
    const { url } = random.chance(0.5) ? network : office;
    const some = Object.values(techniques).filter(() => random.chance(0.6));
    const transports = (some.length ? some : [webSocket]).map((create) => create());
    const options = {
      transports,
      auth: { name },
      hedgeDelay: 100,
      timeout: 3_000,
      reconnectionDelay: 50,
      reconnectionDelayMax: 500,
    };
    const chosen = namespaces.slice(0, random.chance(0.5) ? 1 : 2);
    const seats = chosen.map((namespace) => new Seat(connect(url + namespace, options), name, host, random));
    return new Guest(network, office, seats);
  }

  /** All its networks are well again. */
  heal(): void {
    this.network.admit("pass");
    this.network.resume();
    this.office.change({ upgrade: "pass", answer: undefined, bufferBytes: 0, idleTimeoutMs: Infinity });
  }

  async close(): Promise<void> {
    for (const seat of this.seats) seat.socket.disconnect();
    await this.office.close();
    await this.network.close();
  }
}
