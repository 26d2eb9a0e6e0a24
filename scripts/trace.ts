/**
 * A client's session and a server, the real ones (driver, hub, session, both halves of long polling), joined by a
 * network in memory that writes down what goes over it. Tokens are readable instead of random, time stands still.
 */
import { Hub } from "../packages/bothways/src/hub/hub.ts";
import { ABNORMAL } from "../packages/bothways/src/model/close-code.ts";
import type { Data, Message } from "../packages/bothways/src/model/message.ts";
import { ACK, type Packet } from "../packages/bothways/src/model/packet.ts";
import type { Link, LinkHandler } from "../packages/bothways/src/model/transport.ts";
import { Driver, type Visitor } from "../packages/bothways/src/server/driver.ts";
import { driverOptionsOf } from "../packages/bothways/src/server/options.ts";
import { ClientSession } from "../packages/bothways/src/session/client-session.ts";
import type { Output } from "../packages/bothways/src/session/session.ts";
import type { Post } from "../packages/bothways/src/transport/client/exchanges.ts";
import { createLongPolling } from "../packages/bothways/src/transport/client/long-polling.ts";
import { createStreaming, type OpenStream } from "../packages/bothways/src/transport/client/streaming.ts";
import { type Answer, ExchangeLink } from "../packages/bothways/src/transport/node/exchange-link.ts";
import { PollingLink } from "../packages/bothways/src/transport/node/long-polling.ts";
import {
  type Stream,
  type StreamAnswer,
  type StreamForm,
  StreamLink,
} from "../packages/bothways/src/transport/node/stream-link.ts";
import { decodeBody, encodeBody } from "../packages/bothways/src/wire/native/body.ts";
import { encodeFrame, parseFrame } from "../packages/bothways/src/wire/native/frame.ts";
import { encodePacket } from "../packages/bothways/src/wire/native/packet.ts";

const session = {
  windowMessages: 1024,
  windowBytes: 1_048_576,
  ackDelayMs: 1000,
};

const visitor: Visitor = {
  handshake: {
    headers: {},
    query: {},
    address: "",
    secure: true,
    xdomain: false,
    time: "",
    issued: 0,
    url: "/bothways/",
  },
  identity: undefined,
  user: undefined,
  expiresAt: Infinity,
};

/** Frames as they are: what a technique puts around them is not told. */
const plainForm: StreamForm = { contentType: "", prologue: "", wrap: (frames) => frames.join("\n") };
const noLimits = { maxBytes: Infinity, maxAgeMs: Infinity, now: () => 0 };

/** What the client's session knows as a link. */
export interface Attempt {
  link?: Link;
}

/** Two peers, the network between them, and what went over it. */
export class Trace {
  readonly lines: string[] = [];
  client: ClientSession<Attempt>;
  hub: Hub;
  driver: Driver;
  readonly #tasks: (() => void)[] = [];
  readonly #changes: Partial<typeof session>;
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  #now = 0;
  #servers = 0;
  #exchanges = 0;

  constructor(changes: Partial<typeof session> = {}) {
    this.#changes = changes;
    this.client = this.createClient("attempt");
    [this.hub, this.driver] = this.#startServer();
  }

  createClient(name: string): ClientSession<Attempt> {
    let count = 0;
    return new ClientSession<Attempt>({ ...session, ...this.#changes }, () => token(`${name}${++count}`));
  }

  restartServer(): void {
    [this.hub, this.driver] = this.#startServer();
  }

  say(text: string): void {
    this.lines.push(text);
  }

  task(run: () => void): void {
    this.#tasks.push(run);
  }

  /** Lets everything happen that is on its way. */
  settle(): void {
    for (let run = this.#tasks.shift(); run; run = this.#tasks.shift()) run();
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { run } of due) run();
    this.input({ type: "tick" });
    this.settle();
  }

  /** An input of the client's session; its outputs are carried out. */
  input(input: Parameters<ClientSession<Attempt>["handle"]>[0], client = this.client): void {
    client.handle(input, this.#now);
    for (let output = client.take(); output; output = client.take()) this.#carryOut(output);
  }

  emit(packet: Omit<Packet, "namespace">): void {
    const data = encodePacket({ namespace: "/", ...packet });
    this.input({ type: "send", message: { data, isAnswer: packet.type === ACK } });
  }

  handlerOf(attempt: Attempt, client: ClientSession<Attempt>): LinkHandler {
    return {
      receive: (data) => this.input({ type: "frame", link: attempt, frame: parseFrame(data) }, client),
      received() {},
      writable: () => {
        this.input({ type: "writable", link: attempt, rewinds: attempt.link?.rewinds === true }, client);
      },
      blocked: () => this.input({ type: "blocked", link: attempt }, client),
      position: () => String(encodeFrame(client.position())),
      lost: (_code, code = ABNORMAL) => this.input({ type: "lost", link: attempt, code }, client),
    };
  }

  openWebSocket(isHedge = false, client: ClientSession<Attempt> = this.client): WebSocketPair {
    const attempt: Attempt = {};
    const hello = String(encodeFrame(["h", client.dial(attempt, isHedge, [["/"]])]));
    const pair = new WebSocketPair(this, hello, this.handlerOf(attempt, client));
    attempt.link = pair.client;
    return pair;
  }

  openHttp(isHedge = false, isStream = false): void {
    const attempt: Attempt = {};
    const hello = String(encodeFrame(["h", this.client.dial(attempt, isHedge, [["/"]])]));
    const request = { url: "", maxMessageBytes: 0 };
    const post: Post = (_request, body, answered) => this.#post(body, answered);
    const openStream: OpenStream = (_request, body, take) => this.#openStream(body, take);
    const transport = isStream
      ? createStreaming("sse", post, openStream, () => () => {})
      : createLongPolling("long-polling", post);
    attempt.link = transport.open(request, hello, this.handlerOf(attempt, this.client));
  }

  text(): string {
    return this.lines.join("\n");
  }

  #startServer(): [Hub, Driver] {
    const run = ++this.#servers;
    let tokens = 0;
    let ids = 0;
    const setTimer = (callback: () => void, delayMs: number) => {
      const timer = { at: this.#now + delayMs, run: callback };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    };
    const hub = new Hub({
      createId: () => `socket${++ids}`,
      setTimer,
      now: () => this.#now,
      encode: () => 0,
      onError(error) {
        throw error;
      },
    });
    const driver = new Driver(
      {
        now: () => this.#now,
        wallClock: () => this.#now,
        setTimer,
        defer: (callback) => this.task(callback),
        tokens: {
          epoch: `run${run}`,
          createSecret: () => token(`token${run}-${++tokens}-`),
          sign: () => token(`signature${run}-`),
          isEqual: (a, b) => a === b,
        },
        report: (error) => {
          throw error;
        },
      },
      { ...driverOptionsOf({}), ...this.#changes },
      hub,
    );
    return [hub, driver];
  }

  #carryOut(output: Output<Attempt, Message>): void {
    switch (output.type) {
      case "frame":
      case "message":
        output.link.link?.send(
          output.type === "frame" ? { data: encodeFrame(output.frame) } : output.message,
        );
        this.task(() => output.link.link?.flush());
        break;
      case "drop":
        output.link.link?.close(output.code, "");
        break;
      case "gap":
        this.say(`     # the client raises gap ${JSON.stringify(output.gap)}`);
        break;
      case "closed":
        this.say(`     # the client's session is over: ${output.code}`);
        break;
      case "open":
        this.say(output.from === "open" ? "     # the client switches" : "     # the client is connected");
    }
  }

  /** One HTTP exchange: what `server/reception.ts` does with a body. */
  #post(body: Data, answered: Parameters<Post>[2]): () => void {
    const number = ++this.#exchanges;
    this.#sayBody(`C→S  POST (${number})`, body);
    let isOver = false;
    const answer: Answer = {
      get isOver() {
        return isOver;
      },
      onGone: undefined,
      send: (status, frames) => {
        if (isOver) return;
        isOver = true;
        const bytes = toBytes(encodeBody(frames));
        this.#sayBody(`S→C  ${status} (${number})`, bytes);
        this.task(() => answered(status, decodeBody(bytes)));
      },
    };
    this.task(() => this.#receive(decodeBody(toBytes(body)) ?? [], answer));
    return () => {
      isOver = true;
      answer.onGone?.();
    };
  }

  /** A stream: what leaves together is told together. */
  #openStream(body: string, take: (frames: Data[]) => void): () => void {
    const number = ++this.#exchanges;
    this.#sayBody(`C→S  POST (${number})`, body);
    const stream: Stream = {
      onGone: undefined,
      onDrain: undefined,
      unsentBytes: 0,
      isFull: false,
      write: (chunk) => {
        if (chunk.length === 0) return;
        this.#sayBody(`S→C  200 (${number}), goes on`, chunk);
        this.task(() => take(String(chunk).split("\n")));
      },
      end() {},
    };
    const answer: StreamAnswer = { isOver: false, onGone: undefined, send() {}, begin: () => stream };
    this.task(() => this.#receive(body.split("\n"), answer));
    return () => stream.onGone?.("BW_TRANSPORT_CLOSED");
  }

  #receive([first, ...rest]: Data[], answer: Answer | StreamAnswer): void {
    const frame = String(first);
    if (frame[0] === "h") {
      const link = rest[0] === "tsse" ? new StreamLink("sse", plainForm, noLimits) : new PollingLink();
      const handler = this.driver.connect(link, visitor);
      link.bind(handler);
      link.open(answer);
      return handler.receive(frame);
    }
    const [key = "", sequence] = frame.slice(1).split(",");
    const found = this.driver.find(key);
    const link = found?.link;
    if (!(link instanceof ExchangeLink)) {
      return answer.send(410, ["c4410,the session is unknown or its time is over"]);
    }
    if (frame[0] === "k") link.batch(Number(sequence), rest, answer);
    else if (link instanceof PollingLink) link.poll(Number(sequence), rest, answer);
    else if (link instanceof StreamLink && "begin" in answer) link.start(Number(sequence), rest, answer);
  }

  #sayBody(head: string, body: Data): void {
    const frames = decodeBody(toBytes(body)) ?? [];
    this.say(head + (frames.length === 0 ? ", empty" : ""));
    for (const frame of frames) this.say(`       ${frame}`);
  }
}

/** A WebSocket from end to end: one frame per message. */
export class WebSocketPair {
  readonly client: Link;
  /** What the server sends does not arrive. */
  isDeaf = false;
  /** What the server sends waits. */
  held: (() => void)[] | undefined;
  readonly #trace: Trace;
  readonly #clientHandler: LinkHandler;
  #serverHandler: LinkHandler | undefined;
  #isOver = false;

  constructor(trace: Trace, hello: string, handler: LinkHandler) {
    this.#trace = trace;
    this.#clientHandler = handler;
    this.client = this.#end("C→S", () => this.#serverHandler);
    trace.say("C→S  GET, Upgrade: websocket, Sec-WebSocket-Protocol: bothways.1, base64url of");
    trace.say(`       ${hello}`);
    trace.task(() => {
      trace.say("S→C  101, Sec-WebSocket-Protocol: bothways.1");
      this.#down(() => handler.writable());
      const server = trace.driver.connect(
        this.#end("S→C", () => handler),
        visitor,
      );
      this.#serverHandler = server;
      server.receive(hello);
    });
  }

  cut(): void {
    this.#trace.say("     # the connection breaks");
    this.#isOver = true;
    this.#clientHandler.lost("BW_LINK_LOST");
    this.#serverHandler?.lost("BW_WS_ABNORMAL");
  }

  release(): void {
    for (const run of this.held ?? []) this.#trace.task(run);
    this.held = undefined;
  }

  #end(arrow: "C→S" | "S→C", other: () => LinkHandler | undefined): Link {
    const batch: Data[] = [];
    const way = arrow === "C→S" ? this.#trace.task.bind(this.#trace) : this.#down.bind(this);
    const leave = (text: string, arrive: (handler: LinkHandler) => void): void => {
      if (this.#isOver) return;
      this.#trace.say(`${arrow}  ${text}${this.isDeaf && arrow === "S→C" ? "   # lost" : ""}`);
      way(() => {
        const handler = other();
        if (handler) arrive(handler);
      });
    };
    const flush = (): void => {
      for (const frame of batch.splice(0)) {
        leave(String(frame), (handler) => {
          handler.receive(frame);
          handler.received();
        });
      }
    };
    return {
      transport: "websocket",
      rewinds: false,
      send: ({ data }) => batch.push(data),
      flush,
      close: (code, reason) => {
        flush();
        leave(`close ${code}${reason && ` "${reason}"`}`, (handler) =>
          handler.lost("BW_TRANSPORT_CLOSED", code, reason),
        );
        this.#isOver = true;
      },
    };
  }

  #down(run: () => void): void {
    if (this.isDeaf) return;
    if (this.held) this.held.push(run);
    else this.#trace.task(run);
  }
}

function token(name: string): string {
  return name.padEnd(22, "A");
}

function toBytes(data: Data): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
