/** A platform whose clock the test moves, and transports that do what the test says. */
import type { ClientPlatform } from "../../src/client/options.ts";
import type { Hello, Welcome } from "../../src/model/frame.ts";
import type { ClientTransport, ConnectRequest, LinkHandler } from "../../src/model/transport.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class FakePlatform implements ClientPlatform {
  /** What `random` gives: ½ makes a back-off neither longer nor shorter. */
  chance = 0.5;
  #now = 0;
  #secrets = 0;
  #timers: Timer[] = [];
  #deferred: (() => void)[] = [];
  #watchers: { woke: (isNetworkNew: boolean) => void; left: (isKept: boolean) => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  random(): number {
    return this.chance;
  }

  /** Sessions take it off the platform. */
  readonly createSecret = (): string => `secret-${++this.#secrets}`.padEnd(22, "-");

  watch(woke: (isNetworkNew: boolean) => void, left: (isKept: boolean) => void): () => void {
    const watcher = { woke, left };
    this.#watchers.push(watcher);
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== watcher);
    };
  }

  get watchers(): number {
    return this.#watchers.length;
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** What was put off to the end of the turn happens. */
  settle(): void {
    for (let next = this.#deferred.shift(); next; next = this.#deferred.shift()) next();
  }

  /** Time goes on, timer by timer. */
  pass(ms: number): void {
    this.settle();
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      this.settle();
    }
    this.#now = end;
  }

  /** The page goes away. */
  leave(isKept: boolean): void {
    for (const { left } of this.#watchers) left(isKept);
    this.settle();
  }

  wake(isNetworkNew = false): void {
    for (const { woke } of this.#watchers) woke(isNetworkNew);
    this.settle();
  }
}

/** One attempt, seen from its server. */
export class FakeLink {
  readonly name: string;
  readonly startedAt: number;
  readonly request: ConnectRequest;
  readonly hello: Hello;
  /** Frames that were flushed. */
  readonly sent: string[] = [];
  /** The code it was closed with by its owner. */
  closed: number | undefined;
  readonly #handler: LinkHandler;
  readonly #platform: FakePlatform;

  constructor(
    name: string,
    request: ConnectRequest,
    hello: string,
    handler: LinkHandler,
    platform: FakePlatform,
  ) {
    this.name = name;
    this.startedAt = platform.now();
    this.request = request;
    this.hello = JSON.parse(hello.slice(1));
    this.#handler = handler;
    this.#platform = platform;
  }

  /** It opens, and the server welcomes the client and its namespaces. */
  welcome(changes: Partial<Welcome> = {}): void {
    const { sid = "sid" } = this.hello;
    const isNew = !this.hello.sid || (changes.sid !== undefined && changes.sid !== sid);
    const welcome = {
      sid,
      secret: "secret",
      key: "key",
      received: 0,
      credit: [100, 100_000],
      ping: [1_000, 500],
      ...changes,
    };
    this.#handler.writable();
    this.say(`w${JSON.stringify(welcome)}`);
    if (isNew) {
      this.say("n1");
      for (const [namespace] of this.hello.join) {
        this.say(
          `m0${namespace === "/" ? "" : `${namespace},`}${JSON.stringify({ sid: `socket-${welcome.sid}` })}`,
        );
      }
    }
    this.#platform.settle();
  }

  say(frame: string): void {
    this.#handler.receive(frame);
    this.#handler.received();
    this.#platform.settle();
  }

  lose(code?: number, reason?: string, status?: number): void {
    this.#handler.lost("BW_LINK_LOST", code, reason, status);
    this.#platform.settle();
  }
}

/** Transports with these names; every attempt of any of them is in `links`, in order. */
export function createTransports(
  platform: FakePlatform,
  names: readonly string[],
): { transports: ClientTransport[]; links: FakeLink[] } {
  const links: FakeLink[] = [];
  const transports = names.map((name) => ({
    name,
    open(request: ConnectRequest, hello: string, handler: LinkHandler) {
      const link = new FakeLink(name, request, hello, handler, platform);
      links.push(link);
      const batch: string[] = [];
      return {
        transport: name,
        rewinds: false,
        send: ({ data }: { data: string | Uint8Array }) => void batch.push(String(data)),
        flush: () => void link.sent.push(...batch.splice(0)),
        close(code: number) {
          link.closed = code;
        },
      };
    },
  }));
  return { transports, links };
}
