/**
 * A page that runs one of the bundles `npm run size` measured, and the server it talks to, perhaps through a fault
 * proxy. Both sides count: `up` 1, 2, 3 … from the page, `down` 1, 2, 3 … from the server.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type ServerOptions, type Socket } from "bothways";
import type { Socket as ClientSocket, IoOptions } from "bothways/client";
import { FaultProxy } from "bothways/testing";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect, vi } from "vitest";
import { type Front, fronts } from "../networks/daemon.ts";
import { watchPage } from "./chromium.ts";

export type PageOptions = Omit<IoOptions, "transports"> & { readonly transports?: readonly string[] };

declare global {
  interface Window {
    bothways: typeof import("bothways/client") & {
      readonly techniques?: typeof import("bothways/client/transports");
    };
    begin: (url: string, options?: PageOptions) => void;
    /** Says at least so many, and goes on while `isBusy`; how many there were. */
    talk: (count: number, everyMs: number) => Promise<number>;
    isBusy: boolean | undefined;
    socket: ClientSocket;
    /** Numbers of all `down` messages, in the order of their arrival. */
    heard: number[];
    /** Events of the socket and names of transports that carried it. */
    log: string[];
  }
}

export interface StageOptions {
  readonly bundle?: "core-websocket" | "default" | "all";
  readonly server?: ServerOptions;
  readonly proxy?: true;
  /** Page and socket come through nginx or HAProxy. */
  readonly front?: keyof typeof fronts;
  /** What a broken network makes the browser write to the console. */
  readonly noise?: RegExp;
}

const html = `<!doctype html><meta charset="utf-8"><title>Bothways</title><link rel="icon" href="data:,">
<script type="module" src="/page.js"></script>`;

export class Stage {
  readonly page: Page;
  readonly server: Hall;
  readonly #context: BrowserContext;
  readonly #proxy: FaultProxy | undefined;
  readonly #front: Front | undefined;
  readonly #problems: string[];

  private constructor(
    page: Page,
    context: BrowserContext,
    server: Hall,
    { proxy, front }: { proxy: FaultProxy | undefined; front: Front | undefined },
    noise?: RegExp,
  ) {
    this.page = page;
    this.server = server;
    this.#context = context;
    this.#proxy = proxy;
    this.#front = front;
    this.#problems = watchPage(page, noise);
  }

  static async open(browser: Browser, options: StageOptions = {}): Promise<Stage> {
    const server = await Hall.open(options.server, options.bundle);
    const proxy = options.proxy && (await FaultProxy.listen({ target: { port: server.port } }));
    const front = options.front && (await fronts[options.front](proxy?.port ?? server.port));
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const stage = new Stage(await context.newPage(), context, server, { proxy, front }, options.noise);
    await stage.page.goto(stage.url);
    return stage;
  }

  /** Of the page, and of the server for it. */
  get url(): string {
    return (this.#front ?? this.#proxy ?? this.server).url;
  }

  get context(): BrowserContext {
    return this.#context;
  }

  get proxy(): FaultProxy {
    if (this.#proxy === undefined) throw new Error("this stage has no proxy");
    return this.#proxy;
  }

  /** Connects, and waits until both sides know it: the server only when the client has shown that it was welcomed. */
  async connect(options: PageOptions = {}, url = "/"): Promise<void> {
    const before = this.server.sockets.length;
    await this.begin(options, url);
    await this.page.waitForFunction(() => window.socket.connected);
    await vi.waitFor(() => expect(this.server.sockets.length).toBeGreaterThan(before));
  }

  async begin(options: PageOptions = {}, url = "/"): Promise<void> {
    await this.page.waitForFunction(() => window.begin !== undefined);
    await this.page.evaluate(([target, given]) => window.begin(target, given), [url, options] as const);
  }

  transport(): Promise<string> {
    return this.page.evaluate(() => window.socket.io.transport);
  }

  log(): Promise<string[]> {
    return this.page.evaluate(() => window.log);
  }

  /**
   * Both sides send so many messages, at this pace, while `meanwhile` does something to them; all arrive, in order.
   * However long that takes, they go on until it is done.
   */
  async converse(count: number, everyMs: number, meanwhile?: () => Promise<void>): Promise<void> {
    let isBusy = false;
    const setBusy = (value: boolean): Promise<void> => {
      isBusy = value;
      return this.page.evaluate((isSo) => {
        window.isBusy = isSo;
      }, value);
    };
    await setBusy(meanwhile !== undefined);
    const act = async (): Promise<void> => {
      await meanwhile?.();
      await setBusy(false);
    };
    const [up, down] = await Promise.all([
      this.page.evaluate(([number, ms]) => window.talk(number, ms), [count, everyMs] as const),
      this.server.talk(count, everyMs, () => isBusy),
      act(),
    ]);
    await this.expectHeard(up, down);
  }

  /** The server heard 1 to `up`, and the page 1 to `down`: nothing lost, nothing twice, in order. */
  async expectHeard(up: number, down: number): Promise<void> {
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
    const heard = (): Promise<number[]> => this.page.evaluate(() => window.heard);
    await expect.poll(async () => (await heard()).length).toBeGreaterThanOrEqual(down);
    await expect.poll(() => this.server.heard.length).toBeGreaterThanOrEqual(up);
    // what came twice would come with what is already under way
    await this.page.evaluate(() => window.socket.emitWithAck("echo"));
    expect(await heard()).toEqual(upTo(down));
    expect(this.server.heard).toEqual(upTo(up));
  }

  /** Ends it all, and fails where anything went wrong in the page. */
  async close(): Promise<void> {
    await this.#context.close();
    await this.#front?.close();
    await this.server.close();
    await this.#proxy?.close();
    expect(this.#problems).toEqual([]);
  }
}

/** What a server offers here: the techniques that are off by default too. */
const all: ServerOptions["transports"] = [
  "websocket",
  "stream",
  "sse",
  "multipart",
  "long-polling",
  "short-polling",
  "iframe",
  "jsonp",
];

/** A server, its page and the bundle over HTTP, and what it heard. */
export class Hall {
  readonly io: Server;
  readonly http: HttpServer;
  readonly heard: number[] = [];
  /** Sockets in the order of their arrival, which is one per session. */
  readonly sockets: Socket[] = [];

  private constructor(options: ServerOptions, bundle: string) {
    const files: Record<string, string> = {
      "/page.js": readFileSync(new URL("page.js", import.meta.url), "utf8"),
      "/bundle.js": readFileSync(new URL(`../../dist/size/${bundle}.js`, import.meta.url), "utf8"),
    };
    this.http = createServer((request, response) => {
      const script = files[request.url ?? ""];
      response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
      response.end(script ?? html);
    });
    this.io = new Server(this.http, { transports: all, maxBufferedBytes: 16 * 1024 * 1024, ...options });
    this.io.on("connection", (socket) => {
      this.sockets.push(socket);
      socket.on("up", (number: number) => void this.heard.push(number));
      // the last one is the callback
      socket.on("echo", (...values: unknown[]) => values.slice(0, -1));
    });
  }

  static async open(options: ServerOptions = {}, bundle = "default"): Promise<Hall> {
    const hall = new Hall(options, bundle);
    hall.http.listen(0, "127.0.0.1");
    await once(hall.http, "listening");
    return hall;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The socket of the last client that came. */
  get socket(): Socket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("nobody has connected");
    return socket;
  }

  talk(count: number, everyMs: number, isBusy: () => boolean): Promise<number> {
    const { socket } = this;
    return new Promise((resolve) => {
      let number = 0;
      const timer = setInterval(() => {
        socket.emit("down", ++number);
        if (number < count || isBusy()) return;
        clearInterval(timer);
        resolve(number);
      }, everyMs);
    });
  }

  async close(): Promise<void> {
    const closed = this.io.close();
    this.http.closeAllConnections();
    await closed;
  }
}
