/** A client as applications have it: the product's own socket, connection and chooser, on a simulated platform. */
import { hedged } from "../../src/client/chooser.ts";
import { Connection } from "../../src/client/connection.ts";
import type { ClientPlatform } from "../../src/client/options.ts";
import { Socket } from "../../src/client/socket.ts";
import type { Data } from "../../src/model/message.ts";
import { ACK, EVENT, type Packet } from "../../src/model/packet.ts";
import type { ClientTransport, LinkHandler } from "../../src/model/transport.ts";
import { type Client, lossOf } from "./client.ts";
import { Flow } from "./ledger.ts";
import type { Network } from "./network.ts";
import { describeFrame, type Mark } from "./observer.ts";
import type { Process } from "./schedule.ts";
import type { Account } from "./server.ts";
import type { World } from "./world.ts";

/** The chooser remembers what worked for a URL, so no two worlds may share one. */
let worlds = 0;

type Answer = (...values: unknown[]) => void;

export class DriverClient implements Client {
  readonly world: World;
  readonly index: number;
  readonly process: Process;
  readonly #network: Network;
  readonly #socket: Socket;
  #up = new Flow();
  #account: Account | undefined;
  /** Emitted while the socket was not connected: never given to the session. */
  #held = new Set<number>();
  #gapReason = "";
  #gaps = 0;
  #wake: (isNetworkNew: boolean) => void = () => {};
  #hide: (isKept: boolean) => void = () => {};
  #secrets = 0;
  #abandonedSecrets = 0;
  #isRobbed = false;
  #isLeaving = false;
  #generation = 0;
  #stolen = "";

  constructor(world: World, index: number, process: Process, network: Network) {
    this.world = world;
    this.index = index;
    this.process = process;
    this.#network = network;
    const options = {
      transports: this.#transports(),
      reconnectionDelay: 100,
      reconnectionDelayMax: 1000,
      timeout: 4000,
    };
    const connection = new Connection(`http://world${++worlds}/`, options, this.#platform(), hedged);
    this.#socket = new Socket(connection, () => connection, "/", { client: index });
    this.#listen();
    process.setTimer(() => void this.#socket.connect(), 0);
  }

  get isOpen(): boolean {
    return this.#socket.connected;
  }

  unrest(): string | undefined {
    const socket = this.#socket;
    if (!socket.connected) return `its socket is not connected (${socket.active})`;
    if (!this.#account?.isLive) return "its session is not live";
    const { down, peer } = this.#account;
    if (this.#up.owed > 0) return `${this.#up.owed} messages to the server are owed`;
    if (down.owed > 0) return `${down.owed} messages to the client are owed`;
    const { outbox } = peer.session;
    const waiting = [socket.io.bufferedBytes, outbox.queueBytes + outbox.windowBytes];
    if (waiting.some((bytes) => bytes !== 0)) return `bytes are still accounted for: ${waiting}`;
  }

  #platform(): ClientPlatform {
    const { process } = this;
    return {
      now: () => process.now(),
      setTimer: (run, delayMs) => process.setTimer(run, delayMs),
      defer: (run) => process.defer(run),
      random: () => this.world.random.float(),
      createSecret: () => `client${this.index}-${++this.#secrets}`.padEnd(22, "-"),
      watch: (woke, left) => {
        this.#wake = woke;
        this.#hide = left;
        return () => {
          this.#wake = this.#hide = () => {};
        };
      },
    };
  }

  #transports(): ClientTransport[] {
    const exchanges = ["stream", "long-polling"].map((name) => this.#network.createTransport(name));
    return [
      {
        name: "websocket",
        open: (_request, hello, handler) => {
          this.#dialled("websocket", hello);
          return this.#network.openSocket(hello, this.#watch("websocket", handler));
        },
      },
      ...exchanges.map(
        ({ name, open }): ClientTransport => ({
          name,
          open: (request, hello, handler) => {
            this.#dialled(name, hello);
            return open(request, hello, this.#watch(name, handler));
          },
        }),
      ),
    ];
  }

  #dialled(transport: string, hello: string): void {
    const { observer } = this.world;
    this.#generation = JSON.parse(hello.slice(1)).generation;
    observer.note(this.index + 48, hello);
    observer.trace?.(`client ${this.index} dials ${transport} ${hello}`);
  }

  #watch(transport: string, handler: LinkHandler): LinkHandler {
    const { observer } = this.world;
    return {
      receive: (data: Data) => {
        observer.note(this.index + 64, data);
        observer.trace?.(`client ${this.index} ${transport} < ${describeFrame(data)}`);
        if (data[0] === "w") {
          const { sid, secret } = JSON.parse(String(data).slice(1));
          this.#stolen = JSON.stringify({ sid, secret });
        }
        handler.receive(data);
      },
      received: () => handler.received(),
      writable: (goesOn) => handler.writable(goesOn),
      blocked: () => handler.blocked(),
      position: () => handler.position(),
      lost: (error, code, reason) => {
        observer.trace?.(`client ${this.index} ${transport} lost ${code}`);
        handler.lost(error, code, reason);
      },
    };
  }

  #listen(): void {
    const socket = this.#socket;
    const { observer } = this.world;
    socket.on("connect", () => this.#connected());
    socket.on("gap", (gap) => {
      observer.mark(`gap: ${gap.reason}` as Mark);
      observer.check(!this.#account?.isLive, () => `client ${this.index}: a gap, though its session lives`);
      this.#gapReason = gap.reason;
      this.#gaps++;
      this.#up.loosen((id) => this.#held.has(id));
    });
    socket.on("disconnect", (reason) => {
      this.world.disturbances++;
      observer.trace?.(`client ${this.index} disconnected: ${reason}`);
      if (!socket.active) this.#ended(reason);
    });
    socket.on("connect_error", () => {
      if (!socket.active) this.#ended("connect_error");
    });
    for (const name of ["e", "v"]) {
      socket.on(name, (id: number, ...rest: unknown[]) => {
        this.#take(name, id, false);
        const answer = rest.at(-1);
        if (typeof answer === "function") this.#answer(answer as Answer);
      });
    }
  }

  #connected(): void {
    const { observer, server } = this.world;
    const account = server.accounts.get(this.#socket.id ?? "");
    if (!account) return observer.fail(`client ${this.index}: connected to a session that never was`);
    observer.trace?.(`client ${this.index} connected, recovered: ${this.#socket.recovered}`);
    const old = this.#account;
    if (old !== account) {
      observer.mark("driver: began anew");
      // it may have lost more sessions on the way, before it had joined there
      const loss = old && this.#gaps < 2 ? lossOf(old, account) : this.#gapReason;
      observer.check(
        this.#gapReason === loss,
        () => `client ${this.index}: gap "${this.#gapReason}", was "${loss}"`,
      );
    } else observer.mark("driver: recovered");
    observer.check(
      this.#socket.recovered === (old === account),
      () => `client ${this.index}: recovered is not true`,
    );
    this.#gapReason = "";
    this.#gaps = 0;
    this.#account = account;
    account.up = this.#up;
    // what waited in the socket was given to the session before it told us
    this.#held.clear();
  }

  /** The socket is out of use for good. */
  #ended(reason: string): void {
    const { world } = this;
    const isAllowed = this.#isLeaving || this.#isRobbed;
    world.observer.check(isAllowed, () => `client ${this.index}: its socket ended: ${reason}`);
    if (this.#isRobbed && !this.#isLeaving) world.observer.mark("taken over");
    this.#forget();
    this.process.setTimer(() => void this.#socket.connect(), world.random.between(1, 500));
  }

  #forget(): void {
    this.#isRobbed = false;
    this.#isLeaving = false;
    this.#stolen = "";
    this.#abandonedSecrets = this.#secrets;
    this.#account = undefined;
    this.#gapReason = "";
    this.#gaps = 0;
    // what the socket holds goes to the session that comes; the one that was may still hear what it was sent
    this.#up = this.#up.createHeir((id) => this.#held.has(id));
    for (const account of this.world.server.accounts.values()) {
      if (account.client === this.index) account.isAbandoned = true;
    }
  }

  #take(name: string, id: number, isAnswer: boolean): void {
    const { world } = this;
    const packet: Packet = { type: isAnswer ? ACK : EVENT, namespace: "/", data: [name, id] };
    world.observer.mix(id);
    if (!this.#account) return world.observer.fail(`client ${this.index}: a message before any session`);
    world.took(this.#account.down, packet, `server to client ${this.index}`);
  }

  #answer(answer: Answer): void {
    const id = this.world.createId();
    this.#up.accept(id, true);
    answer("r", id, ...this.world.filler());
  }

  send(): void {
    const { random, plan } = this.world;
    const socket = this.#socket;
    const id = this.world.createId();
    if (random.chance(plan.volatileRate)) {
      this.#up.acceptVolatile(id);
      socket.volatile.emit("v", id);
      return;
    }
    this.world.observer.trace?.(`client ${this.index} says e ${id}`);
    this.#up.accept(id, false);
    if (!socket.connected) this.#held.add(id);
    const answered = (name: string, answerId: number): void => this.#take(name, answerId, true);
    if (random.chance(plan.askRate)) socket.emit("e", id, ...this.world.filler(), answered);
    else socket.emit("e", id, ...this.world.filler());
  }

  switch(): boolean {
    const { io, connected } = this.#socket;
    if (!connected) return false;
    this.world.observer.mark("driver: switched");
    const names = ["websocket", "stream", "long-polling"].filter((name) => name !== io.transport);
    io.switchTo(this.world.random.pick(names));
    return true;
  }

  race(): boolean {
    return this.switch() && this.switch();
  }

  wake(): boolean {
    this.world.observer.mark("driver: woke");
    this.#wake(false);
    return true;
  }

  hide(): boolean {
    if (!this.#socket.connected) return false;
    this.world.observer.mark("page hidden");
    this.#hide(true);
    this.process.setTimer(() => this.#wake(false), this.world.random.between(0, 3000));
    return true;
  }

  leave(): boolean {
    if (!this.#socket.active) return false;
    this.#isLeaving = true;
    const { connected } = this.#socket;
    this.#socket.disconnect();
    // one that was not connected is not told that it is not
    if (!connected) this.#ended("left");
    this.world.observer.mark("left and came back");
    return true;
  }

  robbed(): string | undefined {
    if (!this.#stolen || !this.#socket.connected) return undefined;
    this.#isRobbed = true;
    const { sid, secret } = JSON.parse(this.#stolen);
    const hello = {
      version: 1,
      attempt: "thief".padEnd(22, "-"),
      generation: this.#generation + 1,
      received: 0,
    };
    return `h${JSON.stringify({ ...hello, credit: [0, 0], join: [["/", { client: this.index }]], sid, secret })}`;
  }

  isAbandoned(attempt: string): boolean {
    return Number.parseInt(attempt.slice(attempt.indexOf("-") + 1), 10) <= this.#abandonedSecrets;
  }

  check(): void {}
}
