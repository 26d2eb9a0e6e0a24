/**
 * The server of a chaos run: it talks with every guest in numbers, broadcasts numbers to rooms, and checks what it hears.
 * Guests are known by name, since their sockets come and go.
 */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "../../src/server/index.ts";
import type { Random } from "../sim/random.ts";
import { isPayload, payload } from "./payload.ts";

export const namespaces = ["/", "/second"] as const;
/** Short, so that some come back too late. */
export const resumeWindow = 5_000;
export const rooms = ["red", "green", "blue"] as const;

/** What is known of a guest. */
interface Acquaintance {
  /** How many sockets it has. */
  sockets: number;
  readonly heard: Set<number>;
}

export class Host {
  /** What a promise of the documentation does not allow. */
  readonly faults: string[] = [];
  /** Events that came from guests, and answers that guests gave. */
  heard = 0;
  answers = 0;
  readonly #known = new Map<string, Acquaintance>();
  #io: Server;
  #http: HttpServer;
  readonly #random: Random;
  /** How often was said something in each room of each namespace. */
  readonly #said = new Map<string, number>();
  #isTalking = true;

  private constructor(random: Random) {
    this.#random = random;
    [this.#io, this.#http] = this.#create();
  }

  static async open(random: Random): Promise<Host> {
    const host = new Host(random);
    await host.#listen(0);
    return host;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get io(): Server {
    return this.#io;
  }

  /** What it knows of a guest in one namespace; of a new one nothing yet. */
  of(guest: string): Acquaintance {
    const known = this.#known.get(guest) ?? { sockets: 0, heard: new Set() };
    this.#known.set(guest, known);
    return known;
  }

  /** All sessions are lost. */
  async restart(): Promise<void> {
    const { port } = this;
    await this.#io.close();
    [this.#io, this.#http] = this.#create();
    await this.#listen(port);
  }

  /** The next number, to everybody in one room. */
  broadcast(): void {
    const namespace = this.#random.pick(namespaces);
    const room = this.#random.pick(rooms);
    const number = this.#position(namespace, room) + 1;
    this.#said.set(namespace + room, number);
    this.#io.of(namespace).to(room).emit("room", room, number);
  }

  /** One guest is shown the door. */
  kick(): void {
    const [socket] = this.#io.of(this.#random.pick(namespaces)).sockets.values();
    socket?.disconnect();
  }

  hush(): void {
    this.#isTalking = false;
  }

  #create(): [Server, HttpServer] {
    const http = createServer();
    const io = new Server(http, {
      transports: ["websocket", "stream", "sse", "multipart", "long-polling", "short-polling"],
      pingInterval: 1_000,
      pingTimeout: 1_000,
      resumeWindow,
      onError: (error) => this.faults.push(`an error: ${error instanceof Error ? error.stack : error}`),
    });
    for (const namespace of namespaces) io.of(namespace).on("connection", (socket) => this.#welcome(socket));
    return [io, http];
  }

  async #listen(port: number): Promise<void> {
    this.#http.listen(port, "127.0.0.1");
    await once(this.#http, "listening");
  }

  #position(namespace: string, room: string): number {
    return this.#said.get(namespace + room) ?? 0;
  }

  #welcome(socket: Socket): void {
    const namespace = socket.nsp.name;
    const guest = namespace + socket.handshake.auth.name;
    const known = this.of(guest);
    known.sockets++;
    let last: number | undefined;
    let told = 0;
    socket.on("up", (number: number, data: unknown) => {
      this.heard++;
      if (number !== (last ?? number - 1) + 1)
        this.faults.push(`${guest}: the server heard ${number} after ${last}`);
      if (known.heard.has(number)) this.faults.push(`${guest}: the server heard ${number} twice`);
      if (!isPayload(number, data)) this.faults.push(`${guest}: ${number} came up broken`);
      last = number;
      known.heard.add(number);
      return number;
    });
    socket.on("join", (room: string) => {
      socket.join(room);
      return this.#position(namespace, room);
    });
    socket.on("leave", (room: string) => {
      socket.leave(room);
      return true;
    });
    socket.on("told", () => told);
    const tell = async (): Promise<void> => {
      if (!this.#isTalking) return;
      const number = ++told;
      if (number % 4) return void socket.emit("down", number, payload(number));
      try {
        const answer = await socket.emitWithAck("down", number, payload(number));
        this.answers++;
        if (answer !== number) this.faults.push(`${guest}: ${number} was answered with ${answer}`);
      } catch (error) {
        if (socket.connected) this.faults.push(`${guest}: no answer, though it is connected: ${error}`);
      }
    };
    const timer = setInterval(tell, this.#random.between(20, 80));
    socket.on("disconnect", () => {
      known.sockets--;
      clearInterval(timer);
    });
  }
}
