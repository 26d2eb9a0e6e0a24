/**
 * The server: the product's own driver, registry, sessions and long-polling link, with an application that keeps books
 * in place of the hub, and a router in place of `node:http`.
 */
import type { Data } from "../../src/model/message.ts";
import { ACK, CONNECT, DISCONNECT, EVENT, type Packet } from "../../src/model/packet.ts";
import type { Peer, PeerHandler } from "../../src/model/peer.ts";
import type { LinkHandler } from "../../src/model/transport.ts";
import { Driver, type Visitor } from "../../src/server/driver.ts";
import type { NativePeer } from "../../src/server/native-peer.ts";
import { driverOptionsOf } from "../../src/server/options.ts";
import type { ServerLink } from "../../src/server/server-link.ts";
import { MESSAGE_OVERHEAD_BYTES, type Outbox } from "../../src/session/outbox.ts";
import { hasRoom, type Overflow } from "../../src/session/overflow.ts";
import type { Answer } from "../../src/transport/node/exchange-link.ts";
import { PollingLink } from "../../src/transport/node/long-polling.ts";
import { streamForm } from "../../src/transport/node/stream.ts";
import { type StreamAnswer, StreamLink } from "../../src/transport/node/stream-link.ts";
import { decodeBody } from "../../src/wire/native/body.ts";
import { decodePacket } from "../../src/wire/native/packet.ts";
import { Entrance, kindOf } from "./entrance.ts";
import { Flow } from "./ledger.ts";
import type { Host, Network } from "./network.ts";
import { never } from "./plan.ts";
import { Process } from "./schedule.ts";
import type { SocketEnd } from "./socket.ts";
import type { World } from "./world.ts";

/** One session as the server's application knows it. */
export interface Account {
  readonly peer: NativePeer;
  readonly sid: string;
  readonly client: number;
  readonly epoch: number;
  readonly createdAt: number;
  readonly down: Flow;
  /** The client's books for the other direction, from when it took the session. */
  up: Flow | undefined;
  /** Reliable packets that reached the application. */
  received: number;
  isLive: boolean;
  isConfirmed: boolean;
  /** The answer to its request to join was sent. */
  isJoined: boolean;
  /** The client is done with it: what happens to it now is nobody's loss. */
  isAbandoned: boolean;
  wasOverflowed: boolean;
  awaySince: number | undefined;
  /** The newest round that attached, and the one of its links that carries the session. */
  generation: number;
  winner: Entrance | undefined;
  lastSecret: string | undefined;
  maxCost: number;
}

export class Server implements Host, PeerHandler {
  process: Process;
  readonly world: World;
  readonly accounts: Map<string, Account> = new Map();
  /** Whose frames are handled right now. */
  entrance: Entrance | undefined;
  epoch = 0;
  driver: Driver;
  readonly #byOutbox = new Map<Outbox, Account>();
  readonly #newestPolls = new Map<string, number>();
  readonly #entrances = new Map<ServerLink, Entrance>();

  constructor(world: World) {
    this.world = world;
    this.process = new Process(world.schedule, world.plan.rates[0] ?? 1, world.plan.grainMs);
    this.driver = this.#start();
  }

  #start(): Driver {
    const { process } = this;
    const epoch = `epoch${++this.epoch}`;
    let secrets = 0;
    const tokens = {
      epoch,
      createSecret: () => `${epoch}-${++secrets}`,
      isEqual: (a: string, b: string) => a === b,
      sign: (text: string) => `s-${text.replaceAll(".", "-")}`,
    };
    const platform = {
      now: () => process.now(),
      wallClock: () => process.now(),
      setTimer: (run: () => void, delayMs: number) => process.setTimer(run, delayMs),
      defer: (run: () => void) => process.defer(run),
      tokens,
      report: (error: unknown) => {
        throw error;
      },
    };
    const limits = { maxPeerBytes: never, maxTotalBytes: never, overflow: this.#overflow };
    return new Driver(platform, { ...driverOptionsOf({}), ...this.world.plan.server, ...limits }, this);
  }

  /** The process dies and another starts: it knows nothing of the sessions there were. */
  restart(): void {
    this.process.kill();
    for (const network of this.world.networks) network.reset();
    for (const account of this.accounts.values()) account.isLive = false;
    this.process = new Process(this.world.schedule, this.process.rate, this.process.grainMs);
    this.driver = this.#start();
  }

  // what the network brings

  connect(link: SocketEnd, _hello: string, network: Network): LinkHandler {
    const entrance = new Entrance(this, network.client, link.transport);
    link.onSend = (data) => entrance.sent(data);
    entrance.inner = this.#connect(link, network, entrance);
    return entrance;
  }

  request(body: Uint8Array, answer: Answer | StreamAnswer, network: Network): void {
    const { observer } = this.world;
    const [first = "", ...rest] = decodeBody(body) ?? [];
    if (typeof first !== "string") return answer.send(400, ["c4400,"]);
    if (first[0] === "h") {
      const isStream = rest[0] === "tstream";
      const entrance = new Entrance(this, network.client, isStream ? "stream" : "long-polling");
      const link = isStream ? this.#createStreamLink(entrance) : new PollingLink();
      entrance.inner = this.#connect(link, network, entrance);
      link.bind(entrance);
      link.open(this.#watch(answer, entrance, undefined));
      return entrance.receive(first);
    }
    const [, kind = "", key = "", sequence] = /^([qsk])([^,]+),(\d+)$/.exec(first) ?? [];
    const found = this.driver.find(key);
    if (found === undefined) return answer.send(410, ["c4410,unknown"]);
    const { link } = found;
    if (!(link instanceof PollingLink || link instanceof StreamLink))
      return answer.send(409, ["c4409,taken over"]);
    const entrance = this.#entrances.get(found);
    const number = Number(sequence);
    if (entrance?.isFenced) {
      if (rest.some((data) => kindOf(data) === "m")) observer.mark("fenced frames ignored");
      observer.mark("fenced request refused");
    }
    if (kind === "s") {
      // what is written to it is watched where it is wrapped
      if (link instanceof StreamLink && "begin" in answer) link.start(number, rest, answer);
    } else if (kind === "q" && link instanceof PollingLink) {
      const newest = this.#newestPolls.get(key) ?? 0;
      const isLate = number <= newest;
      if (isLate) observer.mark("late poll");
      else this.#newestPolls.set(key, number);
      const isOld = (): boolean => isLate || number < (this.#newestPolls.get(key) ?? 0);
      link.poll(number, rest, this.#watch(answer, entrance, isOld));
    } else {
      if (entrance && number <= entrance.lastBatch) observer.mark("duplicate batch");
      if (entrance) entrance.lastBatch = Math.max(entrance.lastBatch, number);
      link.batch(number, rest, this.#watch(answer, entrance, undefined));
    }
  }

  /** Its frames are looked at where they are wrapped. */
  #createStreamLink(entrance: Entrance): StreamLink {
    const { streamBytes: maxBytes, streamAgeMs: maxAgeMs } = this.world.plan;
    const wrap = (frames: readonly Data[]): Data =>
      streamForm.wrap(frames.map((frame) => entrance.sent(frame)));
    const limits = { maxBytes, maxAgeMs, now: () => this.process.now() };
    return new StreamLink("stream", { ...streamForm, wrap }, limits);
  }

  #connect(link: SocketEnd | PollingLink | StreamLink, network: Network, entrance: Entrance): ServerLink {
    const visitor: Visitor = {
      handshake: {} as Visitor["handshake"],
      identity: network.client,
      user: `user${network.client}`,
      expiresAt: Infinity,
    };
    const inner = this.driver.connect(link, visitor);
    this.#entrances.set(inner, entrance);
    return inner;
  }

  /** Looks at what leaves in an answer. */
  #watch(answer: Answer, entrance: Entrance | undefined, isLate: (() => boolean) | undefined): Answer {
    const { observer } = this.world;
    return {
      get isOver() {
        return answer.isOver;
      },
      get onGone() {
        return answer.onGone;
      },
      set onGone(gone) {
        answer.onGone = gone;
      },
      send: (status, frames) => {
        if (isLate?.() && !answer.isOver && frames.some((data) => kindOf(data) === "m")) {
          observer.fail("a late poll was answered with messages");
        }
        answer.send(
          status,
          frames.map((data) => entrance?.sent(data) ?? data),
        );
      },
    };
  }

  /** The policy, and a look at what it does. */
  readonly #overflow: Overflow = (outbox, message, limitBytes) => {
    const { observer, plan } = this.world;
    const dropped = plan.server.overflow(outbox, message, limitBytes);
    const account = this.#byOutbox.get(outbox as unknown as Outbox);
    if (account && !hasRoom(outbox, message, limitBytes)) {
      account.wasOverflowed = true;
      observer.mark("overflow ended");
    }
    for (const { data } of dropped ?? []) {
      const { type, data: content } = decodePacket(data) as Packet;
      if (type !== EVENT) continue;
      const problem = account?.down.forget((content as [string, number])[1]);
      observer.mark("overflow dropped");
      if (problem) observer.fail(`overflow: ${problem}`);
    }
    return dropped;
  };

  // what the driver tells the application

  join(peer: Peer, _namespace: string, auth: unknown): void {
    const native = peer as NativePeer;
    const { world } = this;
    const { client } = auth as { client: number };
    const { sid, attempt } = native.session;
    for (const other of this.accounts.values()) {
      const isTwin = other.isLive && other.peer.session.attempt === attempt;
      world.observer.check(!isTwin, () => `client ${client}: one attempt made two sessions`);
    }
    const account: Account = {
      peer: native,
      sid,
      client,
      epoch: this.epoch,
      createdAt: this.process.now(),
      down: new Flow(),
      up: undefined,
      received: 0,
      isLive: true,
      isConfirmed: false,
      isJoined: false,
      isAbandoned: world.clients[client]?.isAbandoned(attempt) === true,
      wasOverflowed: false,
      awaySince: undefined,
      generation: 0,
      winner: undefined,
      lastSecret: undefined,
      maxCost: 0,
    };
    this.accounts.set(sid, account);
    this.#byOutbox.set(native.session.outbox, account);
    const answer = (): void => {
      if (!account.isLive) return;
      account.isJoined = true;
      peerSend(account, { type: CONNECT, namespace: "/", data: { sid } }, false);
    };
    if (world.plan.joinDelayMs > 0) this.process.setTimer(answer, world.plan.joinDelayMs);
    else answer();
  }

  confirm(peer: Peer): void {
    const account = this.accountOf(peer);
    account.isConfirmed = true;
    for (const other of this.accounts.values()) {
      const isTwin =
        other !== account && other.client === account.client && other.isLive && other.isConfirmed;
      this.world.observer.check(
        !isTwin || other.isAbandoned || account.isAbandoned,
        () => `client ${account.client} has two sessions`,
      );
    }
  }

  receive(peer: Peer, packet: Packet): void {
    const account = this.accountOf(peer);
    const { observer } = this.world;
    const { entrance } = this;
    observer.check(entrance !== undefined && this.#carries(account, entrance), () => {
      return `client ${account.client}: the server took a message of a fenced link`;
    });
    if (packet.type === DISCONNECT) account.received++;
    if (packet.type === CONNECT) {
      account.received++;
      return peerSend(account, { type: CONNECT, namespace: "/", data: { sid: account.sid } }, false);
    }
    if (packet.type === DISCONNECT) return;
    const [name, id] = packet.data as [string, number];
    observer.trace?.(`  server ${account.client}: took ${name} ${id}`);
    observer.mix(id);
    const isVolatile = name === "v";
    if (!isVolatile) account.received++;
    const { up } = account;
    if (!up) return observer.fail(`client ${account.client}: a message before it took the session`);
    this.world.took(up, packet, `client ${account.client} to server`);
    if (packet.type === EVENT && packet.id !== undefined) this.say(account, ACK, packet.id);
  }

  /** Is this the link, of the newest round, that carries the session? */
  #carries(account: Account, entrance: Entrance): boolean {
    if (entrance.account !== account || entrance.generation !== account.generation) return false;
    account.winner ??= entrance;
    return account.winner === entrance;
  }

  away(peer: Peer): void {
    const account = this.accountOf(peer);
    account.awaySince = this.process.now();
    this.world.disturbances++;
    this.world.observer.trace?.(`  server ${account.client}: away`);
  }

  back(peer: Peer): void {
    const account = this.accountOf(peer);
    account.awaySince = undefined;
    this.world.observer.trace?.(`  server ${account.client}: back`);
  }

  drain(_peer: Peer): void {}

  dropped(_peer: Peer): void {}

  expiring(): void {}

  leave(peer: Peer, reason: string): void {
    const account = this.accountOf(peer);
    const { plan, observer } = this.world;
    account.isLive = false;
    observer.trace?.(`  server ${account.client}: left, ${reason}`);
    const now = this.process.now();
    const isExpired =
      account.awaySince !== undefined &&
      now - account.awaySince >= plan.server.resumeWindowMs - plan.grainMs - 0.001;
    const isUnconfirmed =
      !account.isConfirmed && now - account.createdAt >= plan.server.connectTimeoutMs - plan.grainMs - 0.001;
    const isRight = isExpired || isUnconfirmed || account.isAbandoned || account.wasOverflowed;
    observer.check(isRight, () => `client ${account.client}: the server ended the session: ${reason}`);
  }

  accountOf(peer: Peer): Account {
    return this.accounts.get((peer as NativePeer).session.sid) as Account;
  }

  /** The application sends: an event, an event that wants an answer, a volatile one, or an answer. */
  say(account: Account, type: typeof EVENT | typeof ACK, ackId?: number, isVolatile = false): void {
    if (!account.isLive) return;
    const { world } = this;
    const id = world.createId();
    const name = type === ACK ? "r" : isVolatile ? "v" : "e";
    const packet: Packet = { type, namespace: "/", id: ackId, data: [name, id, ...world.filler()] };
    if (isVolatile) account.down.acceptVolatile(id);
    else account.down.accept(id, type === ACK);
    world.observer.trace?.(`  server ${account.client}: says ${name} ${id}`);
    peerSend(account, packet, isVolatile);
    if (account.isLive) {
      const { outbox } = account.peer.session;
      if (outbox.queue.length > 0 && account.awaySince === undefined) world.observer.mark("credit exhausted");
    }
  }
}

function peerSend(account: Account, packet: Packet, isVolatile: boolean): void {
  const encoded: NonNullable<Packet["encoded"]> = {};
  account.peer.send({ ...packet, encoded }, isVolatile);
  const { data } = encoded.native ?? { data: "" };
  account.maxCost = Math.max(account.maxCost, data.length + MESSAGE_OVERHEAD_BYTES);
}
