/**
 * A client that does what no sensible driver does: dials at any moment, hedges, races its own resumes, even inside a
 * handler. Session, codec and long polling are the product's; this loop is not.
 */
import { DRAINING, SLOW_CONSUMER, TAKEN_OVER, TIMEOUT } from "../../src/model/close-code.ts";
import type { Data, Message } from "../../src/model/message.ts";
import { ACK, CONNECT, EVENT, type Packet } from "../../src/model/packet.ts";
import type { ConnectRequest, Link, LinkHandler } from "../../src/model/transport.ts";
import { ClientSession } from "../../src/session/client-session.ts";
import { MESSAGE_OVERHEAD_BYTES } from "../../src/session/outbox.ts";
import { hasRoom, type Overflow, type QueueLimit } from "../../src/session/overflow.ts";
import { NEVER, type Output, type SessionOptions } from "../../src/session/session.ts";
import { encodeFrame, parseFrame } from "../../src/wire/native/frame.ts";
import { decodePacket, encodePacket } from "../../src/wire/native/packet.ts";
import { kindOf, toldBy } from "./entrance.ts";
import { Flow } from "./ledger.ts";
import type { Network } from "./network.ts";
import { describeFrame, type Mark } from "./observer.ts";
import type { Process } from "./schedule.ts";
import type { Account } from "./server.ts";
import type { World } from "./world.ts";

/** What the world does with a client, whichever loop it runs. */
export interface Client {
  readonly isOpen: boolean;
  /** Why it is not at rest, or `undefined`. */
  unrest(): string | undefined;
  send(): void;
  switch(): boolean;
  race(): boolean;
  /** The device woke, or the network came back. */
  wake(): boolean;
  /** The page goes away and is kept: its links end, and it comes back. */
  hide(): boolean;
  leave(): boolean;
  robbed(): string | undefined;
  check(): void;
  /** A session that this attempt began is nobody's: its client is gone. */
  isAbandoned(attempt: string): boolean;
}

interface SimulatedMessage extends Message {
  readonly id: number;
}

interface Attempt {
  readonly transport: string;
  readonly generation: number;
  readonly isHedge: boolean;
  link: Link | undefined;
  sid: string;
  isOver: boolean;
  isBlocked: boolean;
  cancel: () => void;
}

/** Why the client is in `current` and no more in `old`. */
export function lossOf(old: Account, current: Account): string {
  if (old.epoch !== current.epoch) return "server-lost";
  return old.wasOverflowed ? "overflow" : "expired";
}

const request: ConnectRequest = { url: "http://localhost/", maxMessageBytes: 1e9 };

type BoundedOptions = SessionOptions & QueueLimit;

/** Its queue is bounded as a server's is, so that the policies meet the faults on this side too. */
class BoundedSession extends ClientSession<Attempt, SimulatedMessage> {
  readonly #limit: QueueLimit;

  constructor(options: BoundedOptions, createSecret: () => string) {
    super(options, createSecret);
    this.#limit = options;
  }

  protected override push(message: SimulatedMessage): void {
    const { maxQueueBytes, overflow } = this.#limit;
    if (!hasRoom(this.outbox, message, maxQueueBytes)) {
      const messages = overflow(this.outbox, message, maxQueueBytes);
      if (messages?.length) this.emit({ type: "dropped", messages });
      if (!hasRoom(this.outbox, message, maxQueueBytes)) return this.close(SLOW_CONSUMER, false);
    }
    super.push(message);
  }
}

export class LooseClient implements Client {
  readonly world: World;
  readonly index: number;
  readonly process: Process;
  readonly #network: Network;
  readonly #options: BoundedOptions;
  #session: ClientSession<Attempt, SimulatedMessage>;
  #up = new Flow();
  #account: Account | undefined;
  /** Numbered messages that reached the application in this session. */
  #received = 0;
  #attempts = new Set<Attempt>();
  #current: Attempt | undefined;
  #gapReason = "";
  #isDialling = false;
  #isDraining = false;
  #lastLost = "";
  #tickAt = NEVER;
  #cancelTick: (() => void) | undefined;
  #unflushed = new Set<Link>();
  #secrets = 0;
  #abandonedSecrets = 0;
  #stolen = "";
  /** Why the session may end: what a test of the promise has to know. */
  #isRobbed = false;
  #isOverflowed = false;
  #isLeaving = false;
  /** The link in use was lost while another attempt was under way. */
  #isReplacing = false;
  #maxCost = 0;
  #granted = 0;
  /** Input of this link is being handled. */
  #source: Attempt | undefined;

  constructor(world: World, index: number, process: Process, network: Network) {
    this.world = world;
    this.index = index;
    this.process = process;
    this.#network = network;
    this.#options = { ...world.plan.client, overflow: this.#overflow };
    this.#session = this.#begin();
    process.setTimer(() => this.#dial(false), world.random.between(0, 50));
  }

  get isOpen(): boolean {
    return this.#session.state === "open";
  }

  unrest(): string | undefined {
    const { state, outbox } = this.#session;
    if (state !== "open") return `it is ${state}`;
    if (!this.#account?.isLive) return "its session is not live";
    const { down, up, peer } = this.#account;
    if (up !== this.#up) return "the books are of another session";
    if (this.#up.owed > 0) return `${this.#up.owed} messages to the server are owed`;
    if (down.owed > 0) return `${down.owed} messages to the client are owed`;
    const accounts = [outbox, peer.session.outbox].map(
      ({ queueBytes, windowBytes }) => queueBytes + windowBytes,
    );
    accounts.push(peer.account.bytes);
    if (accounts.some((bytes) => bytes !== 0)) return `bytes are still accounted for: ${accounts}`;
  }

  #begin(): ClientSession<Attempt, SimulatedMessage> {
    this.#up = new Flow();
    this.#account = undefined;
    this.#received = 0;
    this.#current = undefined;
    this.#gapReason = "";
    this.#isRobbed = false;
    this.#stolen = "";
    this.#maxCost = 0;
    this.#granted = 0;
    this.#session = new BoundedSession(this.#options, () =>
      `client${this.index}-${++this.#secrets}`.padEnd(22, "-"),
    );
    return this.#session;
  }

  // dialling

  #dial(isHedge: boolean): void {
    const { world } = this;
    const { random } = world;
    if (this.#session.state === "closed") return;
    world.disturbances++;
    const techniques = ["websocket", "long-polling", "stream"].filter((name) => name !== this.#lastLost);
    const transport = random.pick(techniques);
    const attempt: Attempt = {
      transport,
      generation: this.#session.generation + (isHedge ? 0 : 1),
      isHedge,
      link: undefined,
      sid: "",
      isOver: false,
      isBlocked: true,
      cancel: () => {},
    };
    const hello = this.#session.dial(attempt, isHedge, [["/", { client: this.index }]]);
    world.observer.check(hello.received <= this.#received, () => {
      return `client ${this.index}: its hello acknowledges ${hello.received} of ${this.#received}`;
    });
    const text = String(world.tamper(encodeFrame(["h", hello])));
    world.observer.note(this.index + 48, text);
    world.observer.trace?.(
      `client ${this.index} dials ${transport} g${hello.generation}${isHedge ? " (hedge)" : ""} ${text}`,
    );
    this.#attempts.add(attempt);
    const handler = this.#handlerOf(attempt);
    attempt.link =
      transport === "websocket"
        ? this.#network.openSocket(text, handler)
        : this.#network.createTransport(transport).open(request, text, handler);
    attempt.cancel = this.process.setTimer(
      () => {
        attempt.link?.close(TIMEOUT, "");
        this.#lost(attempt, TIMEOUT);
      },
      random.between(800, 5000),
    );
    if (!isHedge && random.chance(world.plan.hedgeRate)) {
      this.process.setTimer(
        () => {
          if (
            !attempt.isOver &&
            attempt !== this.#current &&
            attempt.generation === this.#session.generation
          ) {
            this.#dial(true);
          }
        },
        random.between(0, 400),
      );
    }
  }

  #handlerOf(attempt: Attempt): LinkHandler {
    const { observer, plan } = this.world;
    return {
      receive: (data) => {
        if (attempt.isOver) return;
        observer.note(this.index + 64, data);
        observer.trace?.(
          `client ${this.index} ${attempt.transport} g${attempt.generation} < ${describeFrame(data)}`,
        );
        if (kindOf(data) === "w" && attempt.sid === "") {
          const welcome = JSON.parse(String(data).slice(1));
          attempt.sid = welcome.sid;
          this.#grant(welcome.credit[0]);
          this.#stolen = JSON.stringify({ sid: welcome.sid, secret: welcome.secret });
        } else if (kindOf(data) === "a" && attempt === this.#current)
          this.#grant(Number(String(data).split(",")[1]));
        this.#source = attempt;
        this.#input({ type: "frame", link: attempt, frame: parseFrame(data) });
        if (!plan.isPatient) this.#drain();
        this.#source = undefined;
      },
      received: () => {
        this.#source = attempt;
        this.#drain();
        this.#source = undefined;
      },
      writable: () => {
        attempt.isBlocked = false;
        this.#input({ type: "writable", link: attempt, rewinds: attempt.link?.rewinds === true });
        this.#drain();
      },
      blocked: () => {
        attempt.isBlocked = true;
        this.#input({ type: "blocked", link: attempt });
        this.#drain();
      },
      position: () => String(this.#sent(encodeFrame(this.#session.position()))),
      lost: (_error, code = 1006) => this.#lost(attempt, code),
    };
  }

  #grant(messages: number): void {
    this.#granted = Math.max(this.#granted, messages);
  }

  #lost(attempt: Attempt, code: number): void {
    if (attempt.isOver) return;
    const { observer } = this.world;
    observer.trace?.(`client ${this.index} ${attempt.transport} g${attempt.generation} lost ${code}`);
    if (attempt !== this.#current && attempt.sid === "") this.#lastLost = attempt.transport;
    const isReplaceable = attempt === this.#current && this.#attempts.size > 1;
    this.#end(attempt);
    if (isReplaceable) this.#isReplacing = true;
    const session = this.#session;
    const isAlone = attempt === this.#current && this.#attempts.size === 0;
    const isTheft = code === TAKEN_OVER && isAlone && attempt.generation === session.generation;
    this.#input({ type: "lost", link: attempt, code });
    this.#drain();
    observer.check(
      !isTheft || this.#session !== session,
      () => `client ${this.index}: robbed, and it goes on`,
    );
  }

  #end(attempt: Attempt): void {
    attempt.isOver = true;
    attempt.cancel();
    this.#attempts.delete(attempt);
  }

  // the loop

  #input(input: Parameters<ClientSession<Attempt, SimulatedMessage>["handle"]>[0]): void {
    this.#session.handle(input, this.process.now());
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const session = this.#session;
    for (let output = session.take(); output; output = session.take()) {
      this.#carryOut(output);
    }
    this.#isDraining = false;
    if (session !== this.#session) return this.#drain();
    this.#watch();
    this.#redial();
  }

  #watch(): void {
    const { deadline } = this.#session;
    if (deadline >= this.#tickAt) return;
    this.#cancelTick?.();
    this.#tickAt = deadline;
    this.#cancelTick = this.process.setTimer(() => {
      this.#tickAt = NEVER;
      this.#input({ type: "tick" });
      this.#drain();
    }, deadline - this.process.now());
  }

  /** One that is neither attached nor about to be tries again after a while. */
  #redial(): void {
    const { state } = this.#session;
    const isTrying = [...this.#attempts].some((attempt) => attempt !== this.#current);
    if (this.#isDialling || state === "open" || state === "closed" || isTrying) return;
    this.#isDialling = true;
    this.process.setTimer(
      () => {
        this.#isDialling = false;
        if (this.#session.state !== "open") this.#dial(false);
      },
      this.world.random.between(10, 400),
    );
  }

  #carryOut(output: Output<Attempt, SimulatedMessage>): void {
    const { observer } = this.world;
    observer.mix(output.type.charCodeAt(1));
    switch (output.type) {
      case "frame":
        return this.#give(output.link, encodeFrame(output.frame));
      case "message":
        return this.#give(output.link, output.message.data);
      case "deliver":
        return this.#deliver(output.data, output.number);
      case "open":
        return this.#opened(output.link, output.from);
      case "gap":
        return this.#gap(output);
      case "away":
        observer.trace?.(`client ${this.index} away ${output.code}`);
        if (output.code === TIMEOUT) observer.mark("half-open detected");
        this.#current = undefined;
        return;
      case "dropped":
        for (const { id } of output.messages) {
          observer.mark("overflow dropped");
          const problem = this.#up.forget(id);
          if (problem) observer.fail(`client ${this.index}: dropped: ${problem}`);
        }
        return;
      case "drop":
        observer.trace?.(
          `client ${this.index} drops ${output.link.transport} g${output.link.generation} ${output.code}`,
        );
        if (output.link.isHedge && output.code === TAKEN_OVER && output.link !== this.#current)
          observer.mark("hedge lost");
        this.#end(output.link);
        return output.link.link?.close(output.code, "");
      case "closed":
        return this.#closed(output.code);
      default:
        return;
    }
  }

  #give({ link }: Attempt, data: Data): void {
    if (!link) return;
    link.send({ data: this.#sent(data) });
    if (this.#unflushed.size === 0) {
      this.process.defer(() => {
        const links = [...this.#unflushed];
        this.#unflushed.clear();
        for (const each of links) each.flush();
      });
    }
    this.#unflushed.add(link);
  }

  #sent(data: Data): Data {
    const { observer } = this.world;
    observer.note(this.index + 80, data);
    observer.trace?.(`client ${this.index} > ${describeFrame(data)}`);
    const told = toldBy(data);
    observer.check(
      told <= this.#received,
      () => `client ${this.index}: acknowledged ${told} of ${this.#received}`,
    );
    return this.world.tamper(data);
  }

  // what the session tells the application

  #opened(attempt: Attempt, from: string): void {
    const { world } = this;
    const { observer, server } = world;
    observer.trace?.(`client ${this.index} open ${attempt.transport} g${attempt.generation} from ${from}`);
    attempt.cancel();
    if (from !== "waiting" && this.#isReplacing) observer.mark("resumed during a switch");
    else if (from === "away" && !this.#gapReason) observer.mark("resumed");
    if (from === "open") observer.mark("switched live");
    if (attempt.isHedge) observer.mark("hedge won");
    this.#isReplacing = false;
    const account = server.accounts.get(attempt.sid);
    if (!account) return observer.fail(`client ${this.index}: opened with a session that never was`);
    const isAnother = this.#account !== undefined && this.#account !== account;
    const loss = isAnother && this.#account ? lossOf(this.#account, account) : "";
    observer.check(
      this.#gapReason === loss,
      () => `client ${this.index}: gap "${this.#gapReason}", it was "${loss}"`,
    );
    this.#gapReason = "";
    this.#account = account;
    account.up = this.#up;
    this.#current = attempt;
    if (this.#session.outbox.replayed > 0) observer.mark("replayed");
    if (this.#session.duplicates > 0) observer.mark("duplicate message");
  }

  #gap({ gap, unknown, unsent }: Output<Attempt, SimulatedMessage> & { type: "gap" }): void {
    const { world } = this;
    const { observer } = world;
    const old = this.#account;
    observer.trace?.(`client ${this.index} gap ${gap.from} ${gap.reason} ${unknown.length}+${unsent.length}`);
    observer.check(
      old !== undefined && !old.isLive,
      () => `client ${this.index}: a gap, though its session lives`,
    );
    observer.check(
      gap.from === this.#received + 1,
      () => `client ${this.index}: gap from ${gap.from}, had ${this.#received}`,
    );
    observer.mark(`gap: ${gap.reason}` as Mark);
    const up = this.#up;
    for (const { id } of unsent) {
      observer.check(up.isOwed(id), () => `client ${this.index}: ${id} said unsent was delivered`);
      up.forget(id);
    }
    for (const { id } of unknown) {
      observer.mark("unknown fate reported");
      if (up.isOwed(id)) up.forget(id);
    }
    observer.check(up.owed === 0, () => `client ${this.index}: ${up.owed} messages lost without a word`);
    this.#gapReason = gap.reason;
    this.#received = 0;
    this.#granted = 0;
    this.#up = new Flow();
    for (const message of unsent) {
      observer.mark("unsent sent in the new session");
      this.#up.accept(message.id, message.isAnswer === true);
      this.#input({ type: "send", message });
    }
  }

  #deliver(data: Data, number: number): void {
    const { world } = this;
    const { observer } = world;
    const packet = decodePacket(data);
    if (!packet) return observer.fail(`client ${this.index}: an unreadable packet was delivered`);
    if (number > 0) {
      this.#received++;
      observer.check(
        number === this.#received,
        () => `client ${this.index}: number ${number} after ${this.#received - 1}`,
      );
    }
    if (this.#source) {
      observer.check(this.#source === this.#current, () => {
        return `client ${this.index}: took a message of a link it does not use`;
      });
    }
    if (packet.type === CONNECT) return;
    const [, id] = packet.data as [string, number];
    observer.mix(id);
    if (!this.#account) return observer.fail(`client ${this.index}: a message before any session`);
    world.took(this.#account.down, packet, `server to client ${this.index}`);
    if (packet.type === EVENT && packet.id !== undefined) this.#say(ACK, packet.id);
    if (!world.isHealing && world.random.chance(0.01)) {
      observer.mark("dialled inside a handler");
      this.#dial(false);
    }
  }

  #closed(code: number): void {
    const { observer } = this.world;
    observer.trace?.(`client ${this.index} closed ${code}`);
    const isAllowed = (code === TAKEN_OVER && this.#isRobbed) || this.#isOverflowed || this.#isLeaving;
    observer.check(isAllowed, () => `client ${this.index} closed with ${code}`);
    if (code === TAKEN_OVER) observer.mark("taken over");
    if (this.#isLeaving) observer.mark("left and came back");
    this.#isOverflowed = false;
    this.#isLeaving = false;
    for (const account of this.world.server.accounts.values()) {
      if (account.client === this.index) account.isAbandoned = true;
    }
    for (const attempt of [...this.#attempts]) this.#end(attempt);
    this.#abandonedSecrets = this.#secrets;
    this.#begin();
  }

  readonly #overflow: Overflow = (outbox, message, limitBytes) => {
    const dropped = this.world.plan.client.overflow(outbox, message, limitBytes);
    if (!hasRoom(outbox, message, limitBytes)) {
      this.#isOverflowed = true;
      this.world.observer.mark("overflow ended");
    }
    return dropped;
  };

  // what the world asks for

  send(): void {
    const { random, plan } = this.world;
    if (random.chance(plan.volatileRate)) this.#say(EVENT, undefined, true);
    else this.#say(EVENT, random.chance(plan.askRate) ? this.world.createId() : undefined);
    this.#drain();
  }

  #say(type: typeof EVENT | typeof ACK, ackId?: number, isVolatile = false): void {
    const { world } = this;
    const session = this.#session;
    const id = world.createId();
    const name = type === ACK ? "r" : isVolatile ? "v" : "e";
    const packet: Packet = { type, namespace: "/", id: ackId, data: [name, id, ...world.filler()] };
    const data = encodePacket(packet, isVolatile);
    const isAnswer = type === ACK;
    world.observer.trace?.(`client ${this.index} says ${name} ${id}`);
    if (isVolatile) {
      this.#up.acceptVolatile(id);
      return this.#input({ type: "send-volatile", message: { data, id } as SimulatedMessage });
    }
    this.#up.accept(id, isAnswer);
    this.#maxCost = Math.max(this.#maxCost, data.length + MESSAGE_OVERHEAD_BYTES);
    this.#input({
      type: "send",
      message: { data, isAnswer, id, key: isAnswer ? undefined : `key${id % 5}` },
    });
    if (session.outbox.queue.length > 0 && session.state === "open") world.observer.mark("credit exhausted");
  }

  switch(): boolean {
    if (!this.isOpen) return false;
    this.#dial(false);
    return true;
  }

  race(): boolean {
    if (this.#session.state === "closed") return false;
    this.#dial(false);
    this.#dial(false);
    return true;
  }

  hide(): boolean {
    if (this.#session.state !== "open") return false;
    this.world.observer.mark("page hidden");
    this.#session.leave(DRAINING);
    this.#drain();
    return true;
  }

  leave(): boolean {
    if (this.#session.state === "closed") return false;
    this.#isLeaving = true;
    this.#input({ type: "close", code: 4000 });
    this.#drain();
    return true;
  }

  /** What a thief of the secret would say, where there is something to steal. */
  robbed(): string | undefined {
    if (!this.#stolen || this.#session.state !== "open" || this.#attempts.size > 1) return undefined;
    this.#isRobbed = true;
    const { sid, secret } = JSON.parse(this.#stolen);
    const generation = this.#session.generation + 1;
    const hello = { version: 1, attempt: "thief".padEnd(22, "-"), generation, received: this.#received };
    return `h${JSON.stringify({ ...hello, credit: [0, 0], join: [["/", { client: this.index }]], sid, secret })}`;
  }

  isAbandoned(attempt: string): boolean {
    return Number.parseInt(attempt.slice(attempt.indexOf("-") + 1), 10) <= this.#abandonedSecrets;
  }

  wake(): boolean {
    this.#session.probe(this.process.now());
    this.#drain();
    return true;
  }

  check(): void {
    const { observer, plan } = this.world;
    const { outbox, state } = this.#session;
    this.world.checkAccounts(
      outbox,
      plan.client,
      plan.server.windowMessages,
      this.#maxCost,
      `client ${this.index}`,
    );
    const current = this.#current;
    const [head] = outbox.queue;
    const isFree =
      head &&
      state === "open" &&
      current &&
      !current.isOver &&
      !current.isBlocked &&
      this.#attempts.size === 1;
    if (isFree && plan.askRate > 0 && outbox.queue.some(({ isAnswer }) => isAnswer)) {
      observer.fail(`client ${this.index}: an answer waits for credit`);
    }
    if (!isFree || plan.server.windowBytes < 1e6 || (plan.credit !== "honest" && plan.credit !== "falling"))
      return;
    const hasRoom = outbox.windowBytes + head.data.length + MESSAGE_OVERHEAD_BYTES <= plan.client.windowBytes;
    observer.check(!(hasRoom && outbox.last < this.#granted), () => {
      return `client ${this.index}: messages wait though ${this.#granted} are granted and ${outbox.last} were sent`;
    });
  }
}
