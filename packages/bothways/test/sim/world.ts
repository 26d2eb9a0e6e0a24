/**
 * One seed: a server, its clients, a network between them, traffic, faults; then healing, and the question whether
 * everything that was accepted arrived.
 */
import type { Data } from "../../src/model/message.ts";
import { ACK, EVENT, type Packet } from "../../src/model/packet.ts";
import type { Outbox } from "../../src/session/outbox.ts";
import type { QueueLimit } from "../../src/session/overflow.ts";
import type { SessionOptions } from "../../src/session/session.ts";
import { type Client, LooseClient } from "./client.ts";
import { DriverClient } from "./driver-client.ts";
import type { Flow } from "./ledger.ts";
import { Network } from "./network.ts";
import { type Mark, Observer } from "./observer.ts";
import { drawPlan, type Plan, type StrikeName } from "./plan.ts";
import { Random } from "./random.ts";
import { Process, Schedule } from "./schedule.ts";
import { type Account, Server } from "./server.ts";

export interface Outcome {
  readonly seed: number;
  /** The first promise that was broken. */
  readonly failure: string | undefined;
  readonly delivered: number;
  readonly strikes: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly hash: number;
  readonly marks: ReadonlyMap<Mark, number>;
}

/** After the last fault, time enough for every timeout in a row. */
const healingMs = 90_000;
/** Links that died unseen are found out by then; after that nothing disturbs the peace. */
const settlingMs = 40_000;
const peaceMs = 25_000;
const maxEvents = 150_000;

export function runSeed(seed: number, trace?: (line: string) => void): Outcome {
  const world = new World(seed, trace);
  const { observer, schedule } = world;
  try {
    world.run();
  } catch (error) {
    observer.fail(`threw ${error instanceof Error ? error.stack : error}`);
  }
  return {
    seed,
    failure: observer.failure,
    delivered: observer.delivered,
    strikes: observer.strikes,
    events: schedule.count,
    virtualMs: schedule.now,
    hash: observer.hash >>> 0,
    marks: observer.marks as ReadonlyMap<Mark, number>,
  };
}

export class World {
  readonly random: Random;
  readonly plan: Plan;
  readonly schedule: Schedule = new Schedule();
  readonly observer: Observer;
  readonly server: Server;
  readonly networks: Network[] = [];
  readonly clients: Client[] = [];
  readonly #processes: Process[] = [];
  /** Faults are over. */
  isHealing = false;
  /** How often a client dialled or a server's session lost its link. */
  disturbances = 0;
  #ids = 0;

  constructor(seed: number, trace?: (line: string) => void) {
    this.random = new Random(seed);
    this.plan = drawPlan(this.random);
    const { schedule } = this;
    this.observer = new Observer(
      trace && ((line) => trace(`${schedule.now.toFixed(1).padStart(9)} ${line}`)),
    );
    this.server = new Server(this);
    for (let index = 0; index < this.plan.clients; index++) {
      const process = new Process(schedule, this.plan.rates[index + 1] ?? 1, this.plan.grainMs);
      const network = new Network(this, index, process, this.server);
      this.#processes.push(process);
      this.networks.push(network);
      const Kind = this.plan.hasDriver ? DriverClient : LooseClient;
      this.clients.push(new Kind(this, index, process, network));
    }
  }

  run(): void {
    const { schedule, observer, plan, random } = this;
    observer.trace?.(`plan ${JSON.stringify(plan)}`);
    this.#planTraffic();
    for (let count = 0; count < plan.strikeCount && plan.strikes.length > 0; count++) {
      schedule.at(random.between(0, plan.trafficMs), undefined, () =>
        this.#strike(random.pick(plan.strikes)),
      );
    }
    this.#runUntil(plan.trafficMs + 3000);
    this.#runUntil(
      Math.max(...[this.server.process, ...this.#processes].map(({ pausedUntil }) => pausedUntil)),
    );
    this.#heal();
    // as long as something arrives, nothing is lost
    for (let before = -1, healedBy = 0; schedule.now < healedBy || observer.delivered > before; ) {
      if (schedule.now >= healedBy) {
        before = observer.delivered;
        healedBy = schedule.now + healingMs;
      }
      if (observer.failure || this.#unrest() === undefined) break;
      this.#runUntil(schedule.now + 500);
    }
    const unrest = this.#unrest();
    if (unrest !== undefined) observer.fail(`after healing: ${unrest}`);
    if (random.chance(0.15)) this.#keepPeace();
    for (const { down, up } of this.server.accounts.values()) {
      for (const flow of [down, up]) if (flow && flow.volatileLost > 0) observer.mark("volatile dropped");
    }
  }

  /** Links that work are left alone. */
  #keepPeace(): void {
    const { schedule, observer } = this;
    this.#runUntil(schedule.now + settlingMs);
    this.disturbances = 0;
    this.#runUntil(schedule.now + peaceMs);
    observer.check(
      this.disturbances === 0,
      () => `in peace, links were lost or dialled ${this.disturbances} times`,
    );
  }

  createId(): number {
    return ++this.#ids;
  }

  /** What a message carries beside its id. */
  filler(): unknown[] {
    const { random, plan } = this;
    if (!random.chance(plan.bigRate)) return [];
    const size = random.int(1500);
    return [random.chance(0.5) ? "x".repeat(size) : new Uint8Array(size)];
  }

  /** Changes what a frame says of credit, where this world's peers are not honest. */
  tamper(data: Data): Data {
    const { credit, hasDriver } = this.plan;
    if (credit === "honest" || hasDriver || typeof data !== "string") return data;
    const kind = data[0];
    if (kind !== "a" && kind !== "h" && kind !== "w") return data;
    if (credit === "falling" && this.random.chance(0.5)) return data;
    this.observer.mark("hostile credit");
    const claim = credit === "huge" ? [1e14, 1e14] : [0, 0];
    if (kind === "a") return `${data.slice(0, data.indexOf(","))},${claim}`;
    return data.replace(/"credit":\[[^\]]*\]/, `"credit":${JSON.stringify(claim)}`);
  }

  /** A message reached an application. */
  took(flow: Flow, packet: Packet, where: string): void {
    const { observer } = this;
    const [name, id] = packet.data as [string, number];
    observer.trace?.(`${where}: took ${name} ${id}`);
    const isAnswer = packet.type === ACK;
    if (isAnswer && flow.isOvertaking(id)) observer.mark("answer overtook");
    const problem = name === "v" ? flow.deliverVolatile(id) : flow.deliver(id, isAnswer);
    if (problem) observer.fail(`${where}: ${problem}`);
    if (name !== "v") observer.delivered++;
  }

  checkAccounts(
    outbox: Outbox,
    options: SessionOptions & QueueLimit,
    peerWindow: number,
    maxCost: number,
    who: string,
  ): void {
    const { observer, plan } = this;
    const queueLimit = Math.max(options.maxQueueBytes, maxCost);
    if (plan.askRate > 0) return;
    observer.check(
      outbox.queueBytes <= queueLimit,
      () => `${who}: ${outbox.queueBytes} bytes wait, more than ${queueLimit}`,
    );
    const windowLimit = Math.max(options.windowBytes, maxCost);
    observer.check(
      outbox.windowBytes <= windowLimit,
      () => `${who}: window of ${outbox.windowBytes}, more than ${windowLimit}`,
    );
    if (plan.credit === "huge") return;
    const outstanding = outbox.last - outbox.acked;
    observer.check(
      outstanding <= Math.max(1, peerWindow),
      () => `${who}: ${outstanding} sent, ${peerWindow} granted`,
    );
  }

  #runUntil(limit: number): void {
    const { schedule, observer, clients } = this;
    while (!observer.failure && schedule.step(limit)) {
      for (const client of clients) client.check();
      if (schedule.count % 16 === 0) this.#checkServer();
      if (schedule.count > maxEvents) observer.fail("it never comes to rest");
    }
    if (schedule.now < limit) schedule.now = limit;
  }

  #checkServer(): void {
    const { plan, server } = this;
    for (const account of server.accounts.values()) {
      if (!account.isLive) continue;
      const who = `server, client ${account.client}`;
      this.checkAccounts(
        account.peer.session.outbox,
        plan.server,
        plan.client.windowMessages,
        account.maxCost,
        who,
      );
    }
  }

  #unrest(): string | undefined {
    for (const [index, client] of this.clients.entries()) {
      const unrest = client.unrest();
      if (unrest !== undefined) return `client ${index}: ${unrest}`;
    }
    const live = [...this.server.accounts.values()].filter(({ isLive }) => isLive);
    if (live.length > this.clients.length) return `the server keeps ${live.length} sessions`;
    const { sessions } = this.server.driver.stats;
    if (sessions !== live.length) return `the driver keeps ${sessions} sessions`;
  }

  #planTraffic(): void {
    const { random, plan, schedule } = this;
    for (let left = plan.messages; left > 0; ) {
      const burst = Math.min(left, 1 + random.int(random.chance(0.1) ? 25 : 6));
      left -= burst;
      const index = random.int(plan.clients);
      const isUp = random.chance(0.5);
      const at = random.between(0, plan.trafficMs);
      if (isUp) {
        schedule.at(at, this.#processes[index], () => {
          for (let count = 0; count < burst; count++) this.clients[index]?.send();
        });
      } else {
        schedule.at(at, undefined, () =>
          this.server.process.happen(() => this.#sayDown(index, burst), false),
        );
      }
    }
  }

  #sayDown(client: number, burst: number): void {
    const { random, plan, server } = this;
    const account = [...server.accounts.values()].findLast((each: Account) => each.client === client);
    if (!account?.isLive || !account.isConfirmed || !account.isJoined || account.isAbandoned) return;
    for (let count = 0; count < burst; count++) {
      if (random.chance(plan.volatileRate)) server.say(account, EVENT, undefined, true);
      else server.say(account, EVENT, random.chance(plan.askRate) ? this.createId() : undefined);
    }
  }

  #strike(name: StrikeName): void {
    const { random, schedule, observer, plan } = this;
    const index = random.int(plan.clients);
    const network = this.networks[index] as Network;
    const client = this.clients[index] as Client;
    const process = this.#processes[index] as Process;
    const { now } = schedule;
    observer.trace?.(`STRIKE ${name} ${index}`);
    const has = (isMet: boolean): void => {
      if (isMet) observer.struck(name);
    };
    const within = (run: () => boolean): void => process.happen(() => has(run()), false);
    switch (name) {
      case "cut":
        return has(network.cut());
      case "half-open": {
        const which = random.int(3);
        return has(network.halfOpen(which !== 1, which !== 0));
      }
      case "stall": {
        const which = random.int(3);
        return has(
          network.stall(now + random.between(200, random.pick([1000, 10_000])), which !== 1, which !== 0),
        );
      }
      case "slow":
        network.slowUntil = now + random.between(500, 5000);
        return has(true);
      case "outage":
        network.outageUntil =
          now + random.between(100, random.pick([2000, plan.server.resumeWindowMs * 1.6]));
        network.cut();
        return has(true);
      case "pause client":
        observer.mark("pause");
        process.pause(random.between(100, random.pick([2000, 10_000, 60_000])));
        return has(true);
      case "pause server":
        observer.mark("pause");
        this.server.process.pause(random.between(100, random.pick([2000, 10_000, 60_000])));
        return has(true);
      case "jump":
        observer.mark("clock jump");
        (random.chance(0.5) ? process : this.server.process).jump(random.pick([100, 3000, 60_000]));
        return has(true);
      case "switch":
        if (random.chance(0.4)) schedule.after(random.between(0, 400), undefined, () => network.cut());
        return within(() => client.switch());
      case "race":
        return within(() => client.race());
      case "wake":
        return within(() => client.wake());
      case "hide":
        return within(() => client.hide());
      case "restart":
        // a swarm of restarts would leave nothing to watch
        if (random.chance(0.5)) return;
        this.server.restart();
        return has(true);
      case "leave":
        if (random.chance(0.5)) return;
        return within(() => client.leave());
      case "steal":
        if (random.chance(0.6)) return;
        return within(() => this.#steal(network, client));
    }
  }

  /** Somebody else shows the client's secret: it must end, and not come back by itself. */
  #steal(network: Network, client: Client): boolean {
    const hello = client.robbed();
    if (hello === undefined) return false;
    const ignore = (): void => {};
    network.openSocket(hello, {
      receive: ignore,
      received: ignore,
      writable: ignore,
      blocked: ignore,
      position: () => "",
      lost: ignore,
    });
    return true;
  }

  #heal(): void {
    this.isHealing = true;
    this.observer.trace?.("HEALING");
    for (const network of this.networks) {
      network.outageUntil = 0;
      network.slowUntil = 0;
    }
  }
}
