/**
 * One connection to a server, shared by the namespaces of an origin: `socket.io`. It is the client's run loop: what links
 * say goes into the session, and what the session says goes to links and sockets. Which transport is tried when is the
 * chooser's to say.
 *
 * Invariants: the session is drained after each input; nothing a socket handed over is lost while the session lives.
 */
import { ABNORMAL, BYE, DRAINING, PROTOCOL_ERROR, TAKEN_OVER, TIMEOUT } from "../model/close-code.ts";
import type { Message } from "../model/message.ts";
import { ACK, CONNECT, DISCONNECT, type Packet } from "../model/packet.ts";
import type { DisconnectReason } from "../model/reasons.ts";
import type { ClientTransport, Link, LinkHandler } from "../model/transport.ts";
import { ClientSession } from "../session/client-session.ts";
import { type Input, NEVER, type Output } from "../session/session.ts";
import { encodeFrame, parseFrame } from "../wire/native/frame.ts";
import { decodePacket, encodePacket } from "../wire/native/packet.ts";
import type { Chooser, CreateChooser, Try } from "./chooser.ts";
import { ClientEmitter } from "./client-emitter.ts";
import { createError } from "./error.ts";
import type { ClientPlatform, CoreOptions } from "./options.ts";
import type { Report, ReportAttempt } from "./report.ts";
import type { Socket, SocketMessage } from "./socket.ts";
import { findTransport } from "./transport-name.ts";

/** What a connection raises. */
export interface ConnectionEvents {
  /** The technique in use changed; `""` when there is none. */
  transport: (name: string) => void;
  /** The session moved live to a technique that stands before the one it was on in `transports`. */
  upgrade: (name: string) => void;
  /** The session moved live to one that stands behind it. */
  downgrade: (name: string) => void;
  /** The n-th try to reconnect begins. */
  reconnect_attempt: (attempt: number) => void;
  /** The n-th try succeeded. */
  reconnect: (attempt: number) => void;
  /** As many tries as `reconnectionAttempts` allows have failed; it tries no more until `connect` is called. */
  reconnect_failed: () => void;
}

/** One try of one technique: what the session knows as a link. */
interface Attempt extends Try {
  /** What its hello asked the server to join. */
  readonly joins: readonly Socket[];
  /** Takes back the timer that gives it up. */
  readonly cancel: () => void;
  /** There when it says anything. */
  link: Link;
}

type SessionOutput = Output<Attempt, SocketMessage>;

/** What becomes of each output of the session. A client's drops nothing, and leaves it to us to say when there is room. */
type Carriers = {
  readonly [Type in Exclude<SessionOutput["type"], "drain" | "dropped">]: (
    output: Extract<SessionOutput, { type: Type }>,
  ) => void;
};

/** Of ends that are final. */
const reasons: Record<number, DisconnectReason> = {
  [PROTOCOL_ERROR]: "parse error",
  [TAKEN_OVER]: "taken over",
};

/** The connection to one server, shared by the sockets of its namespaces: `socket.io`. */
export class Connection extends ClientEmitter<Record<never, never>, ConnectionEvents> {
  /** @internal */
  declare readonly platform: ClientPlatform;
  /** @internal Bytes that sockets hold back. */
  heldBytes = 0;
  /** While there are sockets. */
  #unwatch: (() => void) | undefined;
  readonly #url: string;
  readonly #options: CoreOptions;
  readonly #chooser: Chooser;
  readonly #sockets = new Map<string, Socket>();
  #session: ClientSession<Attempt, SocketMessage>;
  #rows: ReportAttempt[] = [];
  /** Of the transport in use, or of the last one. */
  #index = 0;
  #tries = 0;
  /** Takes back the one timer for what is to be tried next, and the one for the session's deadline. */
  #cancelStep: (() => void) | undefined;
  #cancelTick: (() => void) | undefined;
  #tickAt = NEVER;
  #isDraining = false;
  #isLeaving = false;
  #wasFull = false;
  readonly #counts = { received: 0, bytesSent: 0, bytesReceived: 0 };

  readonly #carriers: Carriers = {
    message: ({ link, message }) => this.#give(link, message),
    frame: ({ link, frame }) => this.#give(link, { data: encodeFrame(frame) }),
    // what does not make sense ends the session
    deliver: ({ data }) => {
      this.#counts.received++;
      try {
        const packet = decodePacket(data);
        const { type, namespace } = packet;
        const socket = this.#sockets.get(namespace);
        if (socket) socket.receive(packet);
        // it left before it was let in
        else if (type === CONNECT) this.say({ type: DISCONNECT, namespace });
      } catch {
        this.run({ type: "close", code: PROTOCOL_ERROR });
      }
    },
    open: ({ link: attempt, from }) => {
      const { index, joins, row } = attempt;
      const { transport } = row;
      const before = this.#index;
      this.#settle(attempt, "open", 0);
      row.verdict = "ok";
      this.#index = index;
      this.#cancelStep?.();
      this.#chooser.opened(attempt, this.#rows);
      this.fire("transport", transport);
      if (from === "open" && index !== before) this.fire(index < before ? "upgrade" : "downgrade", transport);
      if (this.#tries) this.fire("reconnect", this.#tries);
      this.#tries = 0;
      if (from === "open") return;
      for (const socket of this.#sockets.values()) {
        if (socket.id) socket.opened();
        // a session that goes on joins nothing by its hello
        else if (from === "away" || !joins.includes(socket)) socket.ask();
      }
    },
    gap: ({ gap, unsent }) => {
      for (const socket of this.#sockets.values()) {
        // where another server has answered a switch, they are connected still
        socket.closed("transport close");
        socket.forget(unsent);
        socket.fire("gap", gap);
      }
    },
    away: ({ code }) => {
      this.fire("transport", "");
      const reason = code === TIMEOUT ? "ping timeout" : "transport close";
      for (const socket of this.#sockets.values()) socket.closed(reason);
      this.#retry();
    },
    drop: ({ link: attempt, code }) => {
      const { index, row, link } = attempt;
      const { isOpen } = this;
      // one that lost against another did not fail, and one that was given up with the page did not either
      const hasFailed = row.outcome === "pending" && !this.#isLeaving && !(isOpen && code === TAKEN_OVER);
      this.#settle(attempt, hasFailed ? "failed" : "closed", code);
      this.#chooser.judge(attempt, this.#session.link);
      // one that broke has nobody to tell, and none of the codes of RFC 6455 may be sent
      link.close(Math.max(BYE, code), "", this.#isLeaving);
      if (!hasFailed || this.#session.state === "closed") return;
      if (this.#chooser.failed(index, isOpen) || this.#isPending) return;
      const error = createError("BW_LINK_LOST", row.reason || "no transport opened");
      for (const socket of this.#sockets.values()) socket.fire("connect_error", error);
      this.#retry();
    },
    // the session is over, and so is every socket until it is told to connect
    closed: ({ code, isRemote }) => {
      this.#session = new ClientSession({}, this.platform.createSecret);
      this.#cancelStep?.();
      // we said bye when the last socket had left: those that are here came since, and begin anew
      if (code === BYE && !isRemote) return;
      const reason = reasons[code] ?? "io server disconnect";
      const row = this.#rows.findLast((each) => each.code === code && each.reason);
      const error = createError(code, row?.reason ?? reason);
      for (const socket of this.#sockets.values()) {
        const { connected } = socket;
        socket.leave(reason);
        if (!connected) socket.fire("connect_error", error);
      }
    },
  };

  constructor(url: string, options: CoreOptions, platform: ClientPlatform, createChooser: CreateChooser) {
    super();
    this.#url = url;
    this.#options = options;
    this.platform = platform;
    this.#session = new ClientSession({}, platform.createSecret);
    this.#chooser = createChooser(url, options, this);
  }

  /** Name of the technique in use, or `""`. */
  get transport(): string {
    return this.#session.link?.row.transport ?? "";
  }

  /** The server is within reach. */
  get isOpen(): boolean {
    return this.#session.state === "open";
  }

  /** What waits to be sent, in bytes. */
  get bufferedBytes(): number {
    return this.heldBytes + this.#session.outbox.queueBytes;
  }

  /** More waits than the high-water mark. */
  get isFull(): boolean {
    return this.bufferedBytes > (this.#options.highWaterMark ?? 262_144);
  }

  get #isPending(): boolean {
    return this.#rows.some(({ outcome }) => outcome === "pending");
  }

  /**
   * Moves to this technique, live where there is a session, and stays with it. Throws BW_TRANSPORT_NAME where it is not
   * one of the `transports`.
   */
  switchTo(name: string): void {
    const index = findTransport(this.#options.transports, name);
    this.#chooser.prefer(index);
    if (this.isOpen && this.transport !== name) this.dial(index);
  }

  /** How the connection came to be, and what went over it. */
  report(): Report {
    const { outbox, duplicates } = this.#session;
    const { transport } = this;
    return {
      transport,
      summary: this.#chooser.explain(transport, this.#rows),
      attempts: this.#rows,
      sent: outbox.last,
      replayed: outbox.replayed,
      duplicates,
      ...this.#counts,
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
      throw createError("BW_BACKPRESSURE", "too much waits");
    }
  }

  /** @internal */
  join(socket: Socket): void {
    this.#sockets.set(socket.nsp, socket);
    this.#unwatch ??= this.#watch();
    if (this.isOpen) socket.ask();
    // so that all sockets made in one go travel in one hello
    else this.platform.defer(() => this.#start());
  }

  /** @internal */
  leave({ nsp }: Socket): void {
    this.#sockets.delete(nsp);
    if (this.#sockets.size) return;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.run({ type: "close", code: BYE });
  }

  /** A connection that nobody uses is held by nothing. */
  #watch(): () => void {
    const { platform } = this;
    return platform.watch(
      (isNetworkNew) => {
        if (isNetworkNew) this.#chooser.forget(this.isOpen);
        if (!this.isOpen) return this.#start();
        this.#session.probe(platform.now());
        this.#drain();
      },
      // nothing stays open, or a browser would not keep the page; one that is not kept cannot resume
      (isKept) => {
        this.#isLeaving = true;
        this.#session.leave(isKept ? DRAINING : BYE);
        this.#drain();
        this.#cancelStep?.();
        this.#isLeaving = false;
      },
    );
  }

  /** @internal Sends a packet that is no event. */
  say(packet: Packet): void {
    this.run({ type: "send", message: { data: encodePacket(packet), isAnswer: packet.type >= ACK } });
  }

  /** @internal */
  run(input: Input<Attempt, SocketMessage>): void {
    this.#session.handle(input, this.platform.now());
    this.#drain();
  }

  /** @internal Calls `action`, unless something is opened or another action is asked for meanwhile. */
  later(action: () => void, delayMs: number): void {
    this.#cancelStep?.();
    this.#cancelStep = this.platform.setTimer(action, delayMs);
  }

  /** Begins a round, when every socket has said how it is to be let in. */
  #start(): void {
    for (const asked of this.#sockets.values()) {
      asked.authorize(() => {
        const sockets = [...this.#sockets.values()];
        if (!sockets[0] || sockets.some(({ authorized }) => authorized === undefined)) return;
        if (this.isOpen || this.#isPending) return;
        this.#cancelStep?.();
        this.#chooser.begin();
      });
    }
  }

  /** @internal Begins an attempt, beside those that are under way. */
  dial(index: number): void {
    const options = this.#options;
    const { platform } = this;
    const transport = options.transports[index] as ClientTransport;
    const joins = [...this.#sockets.values()];
    const row: ReportAttempt = {
      transport: transport.name,
      startedAt: platform.now(),
      ms: 0,
      outcome: "pending",
      verdict: "pending",
      code: 0,
      status: 0,
      reason: "",
    };
    const lost: LinkHandler["lost"] = (_error, code = ABNORMAL, reason = "", status = 0): void => {
      row.reason = reason;
      row.status = status;
      this.run({ type: "lost", link: attempt, code });
    };
    const cancel = platform.setTimer(
      () => lost("BW_LINK_LOST", TIMEOUT, "timeout"),
      // with a session to lose, an attempt to switch is given up sooner
      this.isOpen ? 5000 : (options.timeout ?? 20_000),
    );
    const attempt = { index, joins, row, cancel } as Partial<Attempt> as Attempt;
    const hello = this.#session.dial(
      attempt,
      this.#isPending,
      joins.map(({ nsp, authorized }) => [nsp, authorized]),
    );
    // the last 20
    this.#rows = [...this.#rows.slice(-19), row];
    attempt.link = transport.open(
      { ...options, url: this.#url, maxMessageBytes: NEVER },
      encodeFrame(["h", hello]),
      {
        receive: (data) => {
          this.#counts.bytesReceived += data.length;
          this.run({ type: "frame", link: attempt, frame: parseFrame(data) });
        },
        blocked: () => this.run({ type: "blocked", link: attempt }),
        writable: () => this.run({ type: "writable", link: attempt, rewinds: attempt.link.rewinds }),
        received() {},
        position: () => encodeFrame(this.#session.position()),
        lost,
      },
    );
  }

  #retry(): void {
    const {
      reconnection = true,
      reconnectionAttempts = NEVER,
      reconnectionDelay = 1000,
      reconnectionDelayMax = 5000,
      randomizationFactor = 0.5,
    } = this.#options;
    if (!reconnection) return;
    if (this.#tries >= reconnectionAttempts) {
      this.#tries = 0;
      return this.fire("reconnect_failed");
    }
    this.later(
      () => {
        this.fire("reconnect_attempt", this.#tries);
        this.#start();
      },
      Math.min(reconnectionDelayMax, reconnectionDelay * 2 ** this.#tries++) *
        (1 + randomizationFactor * (2 * this.platform.random() - 1)),
    );
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let output = this.#session.take(); output; output = this.#session.take()) {
      this.#carriers[output.type as keyof Carriers](output as never);
    }
    this.#isDraining = false;
    const { isFull } = this;
    if (this.#wasFull && !isFull) for (const socket of this.#sockets.values()) socket.fire("drain");
    this.#wasFull = isFull;
    const { deadline } = this.#session;
    // a tick that is under way is left alone, or what is sent all the time would put it off for ever
    if (deadline < NEVER && deadline >= this.#tickAt) return;
    this.#tickAt = deadline;
    this.#cancelTick?.();
    // one that nobody waits for would keep a program from ending
    if (deadline < NEVER)
      this.#cancelTick = this.platform.setTimer(() => {
        this.#tickAt = NEVER;
        this.run({ type: "tick" });
      }, deadline - this.platform.now());
  }

  #give({ link }: Attempt, message: Message): void {
    this.#counts.bytesSent += message.data.length;
    link.send(message);
    this.platform.defer(() => link.flush());
  }

  #settle({ row, cancel }: Attempt, outcome: ReportAttempt["outcome"], code: number): void {
    cancel();
    if (row.outcome === "pending") row.ms = this.platform.now() - row.startedAt;
    row.outcome = outcome;
    row.code = code;
  }
}
