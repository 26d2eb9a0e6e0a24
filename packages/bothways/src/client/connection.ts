/**
 * One connection to a server, shared by the namespaces of an origin: `socket.io`. It is the client's run loop, and it
 * chooses among transports: the best starts at once, the next beside it when it is slow, the first to open is used, and a
 * better one takes over live.
 *
 * Invariants: the session is drained after each input; nothing a socket handed over is lost while the session lives.
 */
import { ABNORMAL, BYE, PROTOCOL_ERROR, TAKEN_OVER, TIMEOUT } from "../model/close-code.ts";
import { Emitter } from "../model/emitter.ts";
import type { Message } from "../model/message.ts";
import { CONNECT } from "../model/packet.ts";
import type { DisconnectReason } from "../model/reasons.ts";
import type { Link } from "../model/transport.ts";
import { ClientSession } from "../session/client-session.ts";
import { type Input, NEVER, type Output, type State } from "../session/session.ts";
import { encodeFrame, parseFrame } from "../wire/native/frame.ts";
import { decodePacket, encodePacket } from "../wire/native/packet.ts";
import { createError } from "./error.ts";
import type { ClientPlatform, CoreOptions } from "./options.ts";
import type { Report, ReportAttempt } from "./report.ts";
import type { Socket, SocketMessage } from "./socket.ts";

export interface ConnectionEvents {
  /** The technique in use changed; `""` when there is none. */
  transport: (name: string) => void;
  /** The n-th try to reconnect begins, or succeeded. */
  reconnect_attempt: (attempt: number) => void;
  reconnect: (attempt: number) => void;
}

/** One try of one technique: what the session knows as a link. */
interface Attempt {
  readonly index: number;
  /** Namespaces its hello asked for. */
  readonly joins: readonly string[];
  readonly row: ReportAttempt;
  link?: Link;
  cancel(): void;
}

const sessionOptions = {
  windowMessages: 1024,
  windowBytes: 1_048_576,
  // the connection keeps its own limits, since most of what waits here waits in sockets
  highWaterMarkBytes: NEVER,
  maxQueueBytes: NEVER,
  overflow: () => undefined,
  ackDelayMs: 1000,
};

/** With a session to lose, an attempt to switch is given up sooner. */
const SWITCH_TIMEOUT_MS = 5000;
const MAX_REPORTED = 20;
const MEMORY_MS = 1_800_000;

const reasons: Record<number, DisconnectReason> = {
  [BYE]: "io server disconnect",
  [PROTOCOL_ERROR]: "parse error",
  [TIMEOUT]: "ping timeout",
  [TAKEN_OVER]: "taken over",
};

/** What opened last for a URL, how many ms it took, and until when that is believed. */
const memory = new Map<string, { index: number; ms: number; until: number }>();

export class Connection extends Emitter<Record<never, never>, ConnectionEvents> {
  readonly platform: ClientPlatform;
  /** @internal Bytes that sockets hold back. */
  heldBytes = 0;
  readonly #url: string;
  readonly #options: CoreOptions;
  readonly #sockets = new Map<string, Socket>();
  readonly #pending = new Set<Attempt>();
  readonly #unflushed = new Set<Link>();
  #rows: ReportAttempt[] = [];
  #session: ClientSession<Attempt, SocketMessage> | undefined;
  /** Transports left to try in this round, the one to end up with, and how often that was tried. */
  #round: number[] = [];
  #goal = 0;
  #upgrades = 0;
  #tries = 0;
  /** Waits for the next hedge, try or upgrade: never for two of them. */
  #cancelStep: (() => void) | undefined;
  #cancelTick: (() => void) | undefined;
  #tickAt = NEVER;
  #isDraining = false;
  #wasLost = false;
  #wasFull = false;
  #received = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(url: string, options: CoreOptions, platform: ClientPlatform) {
    super();
    this.#url = url;
    this.#options = options;
    this.platform = platform;
    platform.onWake(() => {
      if (!this.isOpen) return this.#start();
      this.#session?.probe(platform.now());
      this.#drain();
    });
  }

  /** Name of the technique in use, or `""`. */
  get transport(): string {
    return this.#session?.link?.link?.transport ?? "";
  }

  /** The server is within reach. */
  get isOpen(): boolean {
    return this.#session?.state === "open";
  }

  /** What waits to be sent, in bytes. */
  get bufferedBytes(): number {
    return this.heldBytes + (this.#session?.outbox.queueBytes ?? 0);
  }

  /** More waits than the high-water mark. */
  get isFull(): boolean {
    return this.bufferedBytes > (this.#options.highWaterMark ?? 262_144);
  }

  /** Moves to this technique, live where there is a session, and stays with it. Ignores a name it does not have. */
  switchTo(name: string): void {
    const index = this.#options.transports.findIndex((transport) => transport.name === name);
    if (index < 0) return;
    this.#goal = index;
    memory.delete(this.#url);
    if (this.isOpen && this.transport !== name) this.#dial(index);
  }

  report(): Report {
    return {
      transport: this.transport,
      attempts: this.#rows,
      sent: this.#session?.outbox.last ?? 0,
      received: this.#received,
      replayed: this.#session?.outbox.replayed ?? 0,
      duplicates: this.#session?.duplicates ?? 0,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      bufferedBytes: this.bufferedBytes,
    };
  }

  /** @internal */
  has(namespace: string): boolean {
    return this.#sockets.has(namespace);
  }

  /** @internal Throws where there is no room for what a socket wants to send. */
  admit(bytes: number): void {
    if (this.bufferedBytes + bytes > (this.#options.maxBufferedBytes ?? 1_048_576)) {
      throw createError("BW_BACKPRESSURE", "too much waits to be sent");
    }
  }

  /** @internal */
  join(socket: Socket): void {
    this.#sockets.set(socket.nsp, socket);
    if (this.isOpen) socket.authorize(() => this.#ask(socket));
    // so that all sockets made in one go travel in one hello
    else this.platform.defer(() => this.#start());
  }

  /** @internal */
  leave(socket: Socket): void {
    this.#sockets.delete(socket.nsp);
    if (!this.#sockets.size) this.run({ type: "close", code: BYE });
  }

  /** @internal */
  run(input: Input<Attempt, SocketMessage>): void {
    this.#session?.handle(input, this.platform.now());
    this.#drain();
  }

  #ask({ nsp: namespace, authorized: data }: Socket): void {
    this.run({ type: "send", message: { data: encodePacket({ type: CONNECT, namespace, data }) } });
  }

  #step(action?: () => void, delayMs = 0): void {
    this.#cancelStep?.();
    this.#cancelStep = action && this.platform.setTimer(action, delayMs);
  }

  /** Begins a round: asks every socket for its auth, then tries the transports, the one that worked last first. */
  #start(): void {
    if (this.isOpen || this.#pending.size) return;
    this.#step();
    let waiting = this.#sockets.size;
    const authorized = (): void => {
      if (--waiting) return;
      const known = memory.get(this.#url);
      const first = known && known.until > this.platform.now() ? known.index : this.#goal;
      this.#round = [...this.#options.transports.keys()].filter((index) => index !== first);
      this.#dial(first);
    };
    for (const socket of this.#sockets.values()) socket.authorize(authorized);
  }

  #dial(index: number): void {
    const { platform } = this;
    const transport = this.#options.transports[index];
    if (!transport) return;
    this.#session ??= new ClientSession(sessionOptions, platform.createSecret);
    const sockets = [...this.#sockets.values()];
    const row: ReportAttempt = {
      transport: transport.name,
      startedAt: platform.now(),
      ms: 0,
      outcome: "pending",
      code: 0,
      reason: "",
    };
    const expire = (): void => {
      attempt.link?.close(TIMEOUT, "");
      this.#ended(attempt, TIMEOUT, "timeout");
    };
    const attempt: Attempt = {
      index,
      joins: sockets.map(({ nsp }) => nsp),
      row,
      cancel: platform.setTimer(expire, this.isOpen ? SWITCH_TIMEOUT_MS : (this.#options.timeout ?? 20_000)),
    };
    const hello = this.#session.dial(
      attempt,
      this.#pending.size > 0,
      sockets.map(({ nsp, authorized }) => [nsp, authorized]),
    );
    this.#pending.add(attempt);
    this.#rows = [...this.#rows.slice(1 - MAX_REPORTED), row];
    attempt.link = transport.open(
      { ...this.#options, url: this.#url, maxMessageBytes: NEVER },
      encodeFrame({ kind: "h", hello }) as string,
      {
        receive: (data) => {
          this.#bytesReceived += data.length;
          this.run({ type: "frame", link: attempt, frame: parseFrame(data) });
        },
        received() {},
        writable: () => this.run({ type: "writable", link: attempt, rewinds: !!attempt.link?.rewinds }),
        blocked: () => this.run({ type: "blocked", link: attempt }),
        position: () => (this.#session ? (encodeFrame(this.#session.position()) as string) : ""),
        lost: (_error, code = ABNORMAL, reason = "") => this.#ended(attempt, code, reason),
      },
    );
    if (this.#round.length) this.#step(() => this.#next(""), this.#hedgeDelay());
  }

  /** The next transport of the round; after the last one has failed, the next round. */
  #next(reason: string): void {
    const index = this.#round.shift();
    if (index !== undefined) this.#dial(index);
    else if (!this.#pending.size) {
      const error = createError("BW_LINK_LOST", reason || "no transport could be opened");
      for (const socket of this.#sockets.values()) socket.fire("connect_error", error);
      this.#retry();
    }
  }

  #retry(): void {
    const options = this.#options;
    const { reconnectionDelay = 1000, reconnectionDelayMax = 5000, randomizationFactor = 0.5 } = options;
    if (options.reconnection === false || this.#tries >= (options.reconnectionAttempts ?? NEVER)) return;
    const delayMs = Math.min(reconnectionDelayMax, reconnectionDelay * 2 ** this.#tries++);
    this.#step(
      () => {
        this.#fire("reconnect_attempt", this.#tries);
        this.#start();
      },
      delayMs * (1 + randomizationFactor * (2 * this.platform.random() - 1)),
    );
  }

  /** A link ended by itself or ran out of time. */
  #ended(attempt: Attempt, code: number, reason: string): void {
    const wasOpen = attempt.row.outcome === "open";
    this.#settle(attempt, wasOpen ? "closed" : "failed", code, reason);
    this.run({ type: "lost", link: attempt, code });
    if (wasOpen || !this.#session) return;
    if (this.isOpen) this.#upgrade(this.#goal);
    else this.#next(reason);
  }

  #settle({ row, cancel }: Attempt, outcome: ReportAttempt["outcome"], code: number, reason: string): void {
    if (row.outcome === "pending") row.ms = this.platform.now() - row.startedAt;
    Object.assign(row, { outcome, code, reason });
    cancel();
    for (const other of this.#pending) if (other.row === row) this.#pending.delete(other);
  }

  /** Tries a better transport after a while, and less and less often. */
  #upgrade(index: number): void {
    if (this.#options.upgrade !== false) this.#step(() => this.#dial(index), Math.min(300_000, 1000 * 4 ** this.#upgrades++));
  }

  #hedgeDelay(): number {
    const known = memory.get(this.#url);
    return this.#options.hedgeDelay ?? (known ? Math.max(400, 2 * known.ms) : 700);
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let output = this.#session?.take(); output; output = this.#session?.take()) this.#carryOut(output);
    this.#isDraining = false;
    this.#watch(this.#session?.deadline ?? NEVER);
    const { isFull } = this;
    if (this.#wasFull && !isFull) for (const socket of this.#sockets.values()) socket.fire("drain");
    this.#wasFull = isFull;
  }

  #watch(deadline: number): void {
    if (deadline >= this.#tickAt) return;
    this.#cancelTick?.();
    this.#tickAt = deadline;
    this.#cancelTick = this.platform.setTimer(() => {
      this.#tickAt = NEVER;
      this.run({ type: "tick" });
    }, deadline - this.platform.now());
  }

  #carryOut(output: Output<Attempt, SocketMessage>): void {
    switch (output.type) {
      case "message":
        this.#give(output.link, output.message);
        break;
      case "frame":
        this.#give(output.link, { data: encodeFrame(output.frame) });
        break;
      case "deliver": {
        const packet = decodePacket(output.data);
        this.#received++;
        if (packet) this.#sockets.get(packet.namespace)?.receive(packet);
        break;
      }
      case "open":
        this.#opened(output.link, output.from);
        break;
      case "gap":
        this.#wasLost = true;
        for (const socket of this.#sockets.values()) {
          socket.forget(output.unsent);
          socket.fire("gap", output.gap);
        }
        break;
      case "away":
        this.#fire("transport", "");
        for (const socket of this.#sockets.values()) socket.closed(reasons[output.code] ?? "transport close");
        this.#retry();
        break;
      case "drop":
        this.#settle(output.link, "closed", output.code, "");
        output.link.link?.close(output.code, "");
        break;
      case "closed":
        this.#closed(output.code);
    }
  }

  #give({ link }: Attempt, message: Message): void {
    if (!link) return;
    this.#bytesSent += message.data.length;
    link.send(message);
    if (!this.#unflushed.size) {
      this.platform.defer(() => {
        for (const each of this.#unflushed) each.flush();
        this.#unflushed.clear();
      });
    }
    this.#unflushed.add(link);
  }

  #opened(attempt: Attempt, from: State): void {
    const { index, joins, row } = attempt;
    // of a session that goes on, the server does not join what a hello asks for
    const isNew = from === "waiting" || this.#wasLost;
    this.#wasLost = false;
    this.#settle(attempt, "open", 0, "");
    memory.set(this.#url, { index, ms: row.ms, until: this.platform.now() + MEMORY_MS });
    this.#round = [];
    this.#step();
    if (index !== this.#goal) this.#upgrade(this.#goal);
    else this.#upgrades = 0;
    this.#fire("transport", row.transport);
    if (this.#tries) this.#fire("reconnect", this.#tries);
    this.#tries = 0;
    if (from === "open") return;
    for (const socket of this.#sockets.values()) {
      if (socket.id) socket.opened();
      else if (!isNew || !joins.includes(socket.nsp)) this.#ask(socket);
    }
  }

  /** The session is over, and so is every socket until it is told to connect. */
  #closed(code: number): void {
    this.#session = undefined;
    this.#step();
    this.#cancelTick?.();
    this.#tickAt = NEVER;
    const reason = reasons[code] ?? "transport close";
    const error = createError(code, this.#rows.at(-1)?.reason || reason);
    for (const socket of [...this.#sockets.values()]) {
      const wasConnected = socket.connected;
      socket.leave(reason);
      if (!wasConnected) socket.fire("connect_error", error);
    }
  }

  #fire(event: keyof ConnectionEvents, value: string | number): void {
    for (const { listener } of this.take(event)) listener(value);
  }
}
