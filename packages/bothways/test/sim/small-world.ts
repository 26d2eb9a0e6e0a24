/**
 * A world small enough to try everything in: one client, one server, a few messages, a few faults, and no clock. What can
 * happen next is a list of actions; the order in which they happen is the only freedom there is.
 *
 * Invariant: either side is a function of the inputs it was given, in their order. So two worlds whose sides saw the
 * same, and whose networks hold the same, are one state, however they came to it.
 */
import type { Data, Message } from "../../src/model/message.ts";
import { CONNECT, EVENT, type Packet } from "../../src/model/packet.ts";
import type { Peer, PeerHandler } from "../../src/model/peer.ts";
import type { LinkHandler } from "../../src/model/transport.ts";
import { Driver, type Visitor } from "../../src/server/driver.ts";
import type { NativePeer } from "../../src/server/native-peer.ts";
import { driverOptionsOf } from "../../src/server/options.ts";
import { ClientSession } from "../../src/session/client-session.ts";
import { disconnect } from "../../src/session/overflow.ts";
import type { ServerSessionOptions } from "../../src/session/server-session.ts";
import type { Output } from "../../src/session/session.ts";
import type { Post } from "../../src/transport/client/exchanges.ts";
import { createLongPolling } from "../../src/transport/client/long-polling.ts";
import type { Answer } from "../../src/transport/node/exchange-link.ts";
import { PollingLink } from "../../src/transport/node/long-polling.ts";
import { decodeBody, encodeBody } from "../../src/wire/native/body.ts";
import { encodeFrame, parseFrame } from "../../src/wire/native/frame.ts";
import { decodePacket, encodePacket } from "../../src/wire/native/packet.ts";
import { Flow } from "./ledger.ts";
import { type Dial, History, SmallEnd, type SmallExchange } from "./small-network.ts";

export interface SmallPlan {
  readonly name: string;
  /** Techniques of the client's dials, in turn. */
  readonly dials: readonly ("websocket" | "long-polling")[];
  readonly up: number;
  readonly down: number;
  readonly faults: number;
  /** Dials while there is a link: live switches, and with `hedges` second attempts of one round. */
  readonly switches: number;
  readonly hedges: number;
  readonly restarts: number;
  readonly windowMessages: number;
}

const options: Omit<ServerSessionOptions, "windowMessages"> = {
  windowBytes: 1e6,
  highWaterMarkBytes: 1e6,
  maxQueueBytes: 1e9,
  overflow: disconnect,
  ackDelayMs: 0,
  pingIntervalMs: 1e9,
  pingTimeoutMs: 1e9,
  connectTimeoutMs: 1e9,
  resumeWindowMs: 1e9,
};

interface SmallMessage extends Message {
  readonly id: number;
}

/** One session as the server's application knows it. */
interface SmallAccount {
  readonly peer: NativePeer;
  readonly sid: string;
  isLive: boolean;
  isConfirmed: boolean;
  readonly down: Flow;
  received: number;
}

export class SmallWorld implements PeerHandler {
  failure: string | undefined;
  readonly plan: SmallPlan;
  readonly #clientHistory = new History();
  readonly #serverHistory = new History();
  readonly #dials: Dial[] = [];
  readonly #deferred: (() => void)[] = [];
  readonly #session: ClientSession<Dial, SmallMessage>;
  #driver: Driver;
  #epoch = 0;
  #peers: SmallAccount[] = [];
  #upFlow = new Flow();
  #ups = new Map<string, Flow>();
  #current: Dial | undefined;
  #sid = "";
  #received = 0;
  #gap = "";
  #ids = 0;
  #upLeft: number;
  #downLeft: number;
  #faultsLeft: number;
  #switchesLeft: number;
  #hedgesLeft: number;
  #restartsLeft: number;

  constructor(plan: SmallPlan) {
    this.plan = plan;
    this.#upLeft = plan.up;
    this.#downLeft = plan.down;
    this.#faultsLeft = plan.faults;
    this.#switchesLeft = plan.switches;
    this.#hedgesLeft = plan.hedges;
    this.#restartsLeft = plan.restarts;
    let secrets = 0;
    const { windowMessages } = plan;
    this.#session = new ClientSession({ ...options, windowMessages }, () =>
      `client${++secrets}`.padEnd(22, "-"),
    );
    this.#driver = this.#start();
  }

  /** Everything that can happen now. What begins with `!` need not. */
  actions(): string[] {
    const actions: string[] = [];
    const isTrying = this.#dials.some((dial) => !dial.isOver && dial !== this.#current);
    const { state } = this.#session;
    if (state !== "open" && !isTrying) actions.push("dial");
    else if (state === "open" && !isTrying && this.#switchesLeft > 0) actions.push("!switch");
    else if (isTrying && this.#hedgesLeft > 0) actions.push("!hedge");
    if (this.#upLeft > 0) actions.push("say up");
    if (this.#downLeft > 0 && this.#latest?.isLive && this.#latest.isConfirmed) actions.push("say down");
    for (const dial of this.#dials) this.#actionsOf(dial, actions);
    if (this.#restartsLeft > 0 && this.#epoch > 0) actions.push("!restart");
    return actions;
  }

  #actionsOf(dial: Dial, actions: string[]): void {
    const { index } = dial;
    const hasFault = this.#faultsLeft > 0;
    if (dial.up.length > 0 || dial.upClosed !== undefined) actions.push(`up ${index}`);
    if (dial.down.length > 0) actions.push(`down ${index}`);
    if (dial.isCut && !dial.isOver && dial.down.length === 0) actions.push(`near ${index}`);
    if (dial.isCut && !dial.farIsTold && dial.up.length === 0) actions.push(`far ${index}`);
    const isWebSocket = dial.exchanges.length === 0;
    if (isWebSocket && hasFault && !dial.isCut && !dial.isOver) actions.push(`!cut ${index}`);
    for (const [number, exchange] of dial.exchanges.entries()) {
      if (exchange.requests > 0) actions.push(`request ${index}.${number}`);
      if (exchange.answer && !exchange.isDone) actions.push(`answer ${index}.${number}`);
      if (exchange.isFailed && !exchange.isDone) actions.push(`fail ${index}.${number}`);
      if (!hasFault || exchange.isDone || exchange.isFailed) continue;
      if (exchange.requests === 1) actions.push(`!lose ${index}.${number}`, `!copy ${index}.${number}`);
      else if (exchange.answer) actions.push(`!lose ${index}.${number}`);
    }
  }

  perform(action: string): void {
    const [verb = "", where = ""] = action.replace("!", "").split(" ");
    const [index = 0, number = 0] = where.split(".").map(Number);
    const dial = this.#dials[index] as Dial;
    const exchange = dial?.exchanges[number] as SmallExchange;
    switch (verb) {
      case "dial":
        this.#dial(false);
        break;
      case "switch":
        this.#switchesLeft--;
        this.#dial(false);
        break;
      case "hedge":
        this.#hedgesLeft--;
        this.#dial(true);
        break;
      case "say":
        if (where === "up") this.#sayUp();
        else this.#sayDown();
        break;
      case "up":
        this.#deliverUp(dial);
        break;
      case "down":
        this.#deliverDown(dial);
        break;
      case "near":
        this.#lost(dial, 1006);
        break;
      case "far":
        dial.farIsTold = true;
        this.#serverHistory.add(`lost ${index}`);
        if (dial.far && !dial.far.isOver) {
          dial.far.isOver = true;
          dial.farHandler?.lost("BW_LINK_LOST");
        }
        break;
      case "cut":
        this.#faultsLeft--;
        this.#cut(dial);
        break;
      case "request":
        this.#arrive(exchange, `${index}.${number}`);
        break;
      case "answer":
        this.#answered(exchange, `${index}.${number}`);
        break;
      case "fail":
        exchange.isDone = true;
        this.#clientHistory.add(`fail ${index}.${number}`);
        exchange.answered(0, undefined, "network");
        break;
      case "lose":
        this.#faultsLeft--;
        exchange.requests = 0;
        exchange.answer = undefined;
        exchange.isFailed = true;
        break;
      case "copy":
        this.#faultsLeft--;
        exchange.requests++;
        break;
      case "restart":
        this.#restartsLeft--;
        this.#restart();
    }
    for (let run = this.#deferred.shift(); run; run = this.#deferred.shift()) run();
  }

  /** The same for the same state. */
  key(): number {
    const all = new History();
    all.add(`${this.#clientHistory.value} ${this.#serverHistory.value}`);
    all.add(`${this.#faultsLeft} ${this.#switchesLeft} ${this.#hedgesLeft} ${this.#restartsLeft}`);
    for (const dial of this.#dials) {
      all.add(`${dial.up.length} ${dial.down.length} ${dial.isCut} ${dial.farIsTold} ${dial.upClosed}`);
      for (const frames of dial.up) all.add(frames.join());
      for (const item of dial.down) all.add(typeof item === "number" ? `c${item}` : item.join());
      for (const { requests, answer, isFailed, isDone } of dial.exchanges) {
        all.add(`${requests} ${isFailed} ${isDone} ${answer?.status} ${answer?.frames.join()}`);
      }
    }
    return all.value;
  }

  /** Nothing has to happen any more: is all well? */
  settled(): string | undefined {
    const { state, outbox } = this.#session;
    if (state !== "open") return `the client is ${state}`;
    const peer = this.#peers.find(({ sid }) => sid === this.#sid);
    if (!peer?.isLive) return "the server has no such session";
    if (this.#upFlow.owed + peer.down.owed > 0)
      return `owed: ${this.#upFlow.owed} up, ${peer.down.owed} down`;
    const bytes = outbox.windowBytes + outbox.queueBytes;
    if (bytes > 0) return `${bytes} bytes wait at the client`;
    const live = this.#peers.filter(({ isLive }) => isLive).length;
    if (this.plan.restarts === 0 && live !== 1) return `${live} sessions are live`;
  }

  get #latest(): SmallAccount | undefined {
    return this.#peers.at(-1);
  }

  #fail(reason: string): void {
    this.failure ??= reason;
  }

  // the server

  #start(): Driver {
    const epoch = `epoch${++this.#epoch}`;
    let secrets = 0;
    const tokens = {
      epoch,
      createSecret: () => `${epoch}-${++secrets}`,
      isEqual: (a: string, b: string) => a === b,
      sign: (text: string) => `s-${text.replaceAll(".", "-")}`,
    };
    const platform = {
      now: () => 0,
      wallClock: () => 0,
      setTimer: () => () => {},
      defer: (run: () => void) => void this.#deferred.push(run),
      tokens,
      report: (error: unknown) => {
        throw error;
      },
    };
    const { windowMessages } = this.plan;
    return new Driver(platform, { ...driverOptionsOf({}), ...options, windowMessages }, this);
  }

  #restart(): void {
    this.#serverHistory.add("restart");
    for (const dial of this.#dials) {
      if (!dial.isCut) this.#cut(dial);
      dial.farIsTold = true;
      for (const exchange of dial.exchanges) {
        exchange.requests = 0;
        exchange.answer = undefined;
        exchange.isFailed = true;
      }
    }
    for (const peer of this.#peers) peer.isLive = false;
    this.#driver = this.#start();
  }

  join(peer: Peer, _namespace: string, _auth: unknown): void {
    const native = peer as NativePeer;
    const { sid, attempt } = native.session;
    if (this.#peers.some((other) => other.isLive && other.peer.session.attempt === attempt)) {
      this.#fail("one attempt made two sessions");
    }
    this.#peers.push({ peer: native, sid, isLive: true, isConfirmed: false, down: new Flow(), received: 0 });
    native.send({ type: CONNECT, namespace: "/", data: { sid } });
  }

  confirm(peer: Peer): void {
    const record = this.#recordOf(peer);
    if (record) record.isConfirmed = true;
  }

  receive(peer: Peer, packet: Packet): void {
    const record = this.#recordOf(peer);
    if (!record) return this.#fail("a message for a session of another run");
    record.received++;
    const flow = this.#ups.get(record.sid);
    const [, id] = packet.data as [string, number];
    const problem = flow ? flow.deliver(id, false) : "a message before the client took the session";
    if (problem) this.#fail(`up: ${problem}`);
  }

  away(): void {}
  back(): void {}
  drain(): void {}

  dropped(): void {}

  expiring(): void {}

  leave(peer: Peer, reason: string): void {
    const record = this.#recordOf(peer);
    if (!record?.isLive) return;
    record.isLive = false;
    this.#fail(`the server ended the session: ${reason}`);
  }

  #recordOf(peer: Peer): SmallAccount | undefined {
    return this.#peers.find((record) => record.peer === peer && record.isLive);
  }

  #sayDown(): void {
    const record = this.#latest;
    if (!record) return;
    this.#downLeft--;
    const id = ++this.#ids;
    this.#serverHistory.add(`say ${id}`);
    record.down.accept(id, false);
    record.peer.send({ type: EVENT, namespace: "/", data: ["e", id] });
  }

  #watchServer(frames: readonly Data[]): void {
    for (const data of frames) {
      if (data[0] !== "a") continue;
      const told = Number.parseInt(String(data).slice(1), 10);
      const received = Math.max(0, ...this.#peers.map((record) => record.received));
      if (told > received) this.#fail(`the server acknowledged ${told} of ${received}`);
    }
  }

  readonly #visitor: Visitor = {
    handshake: {} as Visitor["handshake"],
    identity: 1,
    user: "user",
    expiresAt: Infinity,
  };

  #deliverUp(dial: Dial): void {
    const frames = dial.up.shift();
    if (!frames) {
      const code = dial.upClosed;
      dial.upClosed = undefined;
      dial.farIsTold = true;
      this.#serverHistory.add(`closed ${dial.index} ${code}`);
      if (!dial.far || dial.far.isOver) return;
      dial.far.isOver = true;
      return dial.farHandler?.lost("BW_LINK_LOST", code);
    }
    this.#serverHistory.add(`frames ${dial.index} ${frames.join()}`);
    if (!dial.far) {
      const far = new SmallEnd(
        (sent) => {
          this.#watchServer(sent);
          if (!dial.isCut) dial.down.push(sent);
        },
        (code) => {
          if (!dial.isCut) dial.down.push(code);
        },
      );
      dial.far = far;
      dial.farHandler = this.#driver.connect(far, this.#visitor);
    }
    if (dial.far.isOver) return;
    for (const frame of frames) dial.farHandler?.receive(frame);
    dial.farHandler?.received();
  }

  #arrive(exchange: SmallExchange, where: string): void {
    exchange.requests--;
    // the copy that arrives last has the connection that still lives
    const isHeard = exchange.requests === 0 && !exchange.isFailed;
    this.#serverHistory.add(`request ${where} ${isHeard}`);
    const answer: Answer = {
      isOver: false,
      onGone: undefined,
      send: (status, frames) => {
        if (answer.isOver) return;
        Object.assign(answer, { isOver: true });
        this.#watchServer(frames);
        if (isHeard && !exchange.isDone && !exchange.isFailed) exchange.answer = { status, frames };
      },
    };
    const [first = "", ...rest] = decodeBody(exchange.body) ?? [];
    if (String(first)[0] === "h") {
      const link = new PollingLink();
      const handler = this.#driver.connect(link, this.#visitor);
      link.bind(handler);
      link.open(answer);
      return handler.receive(first);
    }
    const [, kind, key = "", sequence] = /^([qk])([^,]+),(\d+)$/.exec(String(first)) ?? [];
    const link = this.#driver.find(key)?.link;
    if (!(link instanceof PollingLink)) return answer.send(410, ["c4410,unknown"]);
    if (kind === "q") link.poll(Number(sequence), rest, answer);
    else link.batch(Number(sequence), rest, answer);
  }

  #cut(dial: Dial): void {
    dial.isCut = true;
    dial.up = [];
    dial.down = [];
    dial.upClosed = undefined;
    if (dial.isOver && !dial.far) dial.farIsTold = true;
  }

  // the client

  #dial(isHedge: boolean): void {
    const index = this.#dials.length;
    const transport = this.plan.dials[index % this.plan.dials.length];
    this.#clientHistory.add(`dial ${isHedge}`);
    const dial: Dial = {
      index,
      isHedge,
      link: undefined,
      sid: "",
      isOver: false,
      up: [],
      down: [],
      isCut: false,
      farIsTold: false,
      far: undefined,
      farHandler: undefined,
      upClosed: undefined,
      exchanges: [],
    };
    this.#dials.push(dial);
    const hello = this.#session.dial(dial, isHedge, [["/"]]);
    if (hello.received > this.#received) this.#fail("a hello acknowledges what was not delivered");
    const text = String(encodeFrame(["h", hello]));
    if (transport === "websocket") {
      dial.up.push([text]);
      dial.link = new SmallEnd(
        (frames) => {
          if (!dial.isCut) dial.up.push(frames);
        },
        (code) => {
          if (!dial.isCut) dial.upClosed = code;
        },
      );
      // opened with the first that comes down; nothing is sent before
      this.#session.handle({ type: "writable", link: dial, rewinds: false }, 0);
    } else {
      dial.link = createLongPolling("long-polling", this.#postOf(dial)).open(
        { url: "http://localhost/", maxMessageBytes: 1e9 },
        text,
        this.#handlerOf(dial),
      );
    }
    this.#drainClient();
  }

  #postOf(dial: Dial): Post {
    return (_request, body, answered) => {
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      const exchange: SmallExchange = {
        body: bytes,
        answered,
        requests: 1,
        answer: undefined,
        isFailed: false,
        isDone: false,
      };
      dial.exchanges.push(exchange);
      return () => {
        exchange.isDone = true;
      };
    };
  }

  #handlerOf(dial: Dial): LinkHandler {
    return {
      receive: (data) => this.#receive(dial, data),
      received: () => this.#drainClient(),
      writable: () => {
        this.#session.handle({ type: "writable", link: dial, rewinds: dial.link?.rewinds === true }, 0);
        this.#drainClient();
      },
      blocked: () => {
        this.#session.handle({ type: "blocked", link: dial }, 0);
        this.#drainClient();
      },
      position: () => String(this.#sent(encodeFrame(this.#session.position()))),
      lost: (_error, code = 1006) => this.#lost(dial, code),
    };
  }

  #receive(dial: Dial, data: Data): void {
    if (dial.isOver) return;
    if (data[0] === "w" && dial.sid === "") dial.sid = JSON.parse(String(data).slice(1)).sid;
    this.#session.handle({ type: "frame", link: dial, frame: parseFrame(data) }, 0);
  }

  #deliverDown(dial: Dial): void {
    const item = dial.down.shift();
    if (item === undefined) return;
    this.#clientHistory.add(`down ${dial.index} ${typeof item === "number" ? `c${item}` : item.join()}`);
    if (typeof item === "number") return this.#lost(dial, item);
    for (const data of item) this.#receive(dial, data);
    this.#drainClient();
  }

  #answered(exchange: SmallExchange, where: string): void {
    const { status, frames } = exchange.answer ?? { status: 0, frames: [] };
    this.#clientHistory.add(`answer ${where} ${status} ${frames.join()}`);
    exchange.isDone = true;
    const body = encodeBody(frames);
    exchange.answered(status, decodeBody(typeof body === "string" ? new TextEncoder().encode(body) : body));
  }

  #lost(dial: Dial, code: number): void {
    this.#clientHistory.add(`lost ${dial.index} ${code}`);
    if (dial.isOver) return;
    dial.isOver = true;
    if (dial.link instanceof SmallEnd) dial.link.isOver = true;
    this.#session.handle({ type: "lost", link: dial, code }, 0);
    this.#drainClient();
  }

  #sayUp(): void {
    this.#upLeft--;
    const id = ++this.#ids;
    this.#clientHistory.add(`say ${id}`);
    this.#upFlow.accept(id, false);
    const data = encodePacket({ type: EVENT, namespace: "/", data: ["e", id] });
    this.#session.handle({ type: "send", message: { data, id } }, 0);
    this.#drainClient();
  }

  #drainClient(): void {
    for (let output = this.#session.take(); output; output = this.#session.take()) this.#carryOut(output);
  }

  #carryOut(output: Output<Dial, SmallMessage>): void {
    switch (output.type) {
      case "frame":
        return this.#give(output.link, this.#sent(encodeFrame(output.frame)));
      case "message":
        return this.#give(output.link, output.message.data);
      case "deliver":
        return this.#deliver(output.data, output.number);
      case "open":
        return this.#opened(output.link);
      case "gap":
        return this.#gapped(output.gap.from, output.unknown, output.unsent);
      case "away":
        this.#current = undefined;
        return;
      case "drop":
        output.link.isOver = true;
        return output.link.link?.close(output.code, "");
      case "closed":
        return this.#fail(`the client closed with ${output.code}`);
      default:
        return;
    }
  }

  #give({ link }: Dial, data: Data): void {
    link?.send({ data });
    this.#deferred.push(() => link?.flush());
  }

  #sent(data: Data): Data {
    const told = data[0] === "a" ? Number.parseInt(String(data).slice(1), 10) : 0;
    if (told > this.#received) this.#fail(`the client acknowledged ${told} of ${this.#received}`);
    return data;
  }

  #opened(dial: Dial): void {
    if (this.#sid !== "" && this.#sid !== dial.sid && this.#gap === "")
      this.#fail("a new session without a gap");
    this.#gap = "";
    this.#sid = dial.sid;
    this.#ups.set(dial.sid, this.#upFlow);
    this.#current = dial;
  }

  #gapped(from: number, unknown: readonly SmallMessage[], unsent: readonly SmallMessage[]): void {
    if (this.#peers.find(({ sid }) => sid === this.#sid)?.isLive)
      this.#fail("a gap, though the session lives");
    if (from !== this.#received + 1) this.#fail(`gap from ${from}, had ${this.#received}`);
    for (const { id } of unsent) if (this.#upFlow.forget(id)) this.#fail(`${id} said unsent was delivered`);
    for (const { id } of unknown) this.#upFlow.forget(id);
    if (this.#upFlow.owed > 0) this.#fail("messages lost without a word");
    this.#gap = "gap";
    this.#received = 0;
    this.#upFlow = new Flow();
    for (const message of unsent) {
      this.#upFlow.accept(message.id, false);
      this.#session.handle({ type: "send", message }, 0);
    }
  }

  #deliver(data: Data, number: number): void {
    this.#received++;
    if (number !== this.#received) this.#fail(`number ${number} after ${this.#received - 1}`);
    const packet = decodePacket(data);
    if (!packet) return this.#fail("an unreadable packet was delivered");
    if (packet.type === CONNECT) return;
    const [, id] = packet.data as [string, number];
    const flow = this.#peers.find(({ sid }) => sid === this.#sid)?.down;
    const problem = flow ? flow.deliver(id, false) : "a message before any session";
    if (problem) this.#fail(`down: ${problem}`);
  }
}
