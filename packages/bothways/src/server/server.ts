/**
 * The server an application makes: namespaces over clients of every transport, on an HTTP server of its own or one that
 * others use too.
 *
 * @example
 * const io = new Server(3000);
 * io.on("connection", (socket) => socket.on("hi", (name) => `hello ${name}`));
 */
import { createServer } from "node:http";
import { type ConnectionListener, Hub } from "../hub/hub.ts";
import type { Namespace } from "../hub/namespace.ts";
import type { NamespaceTest, ParentNamespace } from "../hub/parent-namespace.ts";
import type { Socket } from "../hub/socket.ts";
import { BothwaysError } from "../model/bothways-error.ts";
import type { Contract } from "../model/contract.ts";
import type { DefaultEventsMap, Untyped } from "../model/events.ts";
import { printDebug } from "../observe/debug.ts";
import { type AnyHttpServer, type Attached, attach } from "./attach.ts";
import { DefaultNamespace } from "./default-namespace.ts";
import { Driver } from "./driver.ts";
import {
  defaults,
  driverOptionsOf,
  hubLimitsOf,
  refuseForeignGuards,
  type ServerOptions,
} from "./options.ts";
import { createHubPlatform, createPlatform, createReporter } from "./platform.ts";
import { Reception } from "./reception.ts";
import type { ServerStats } from "./stats.ts";

/** What `io.fetch` cannot see in a request. */
export interface FetchOptions {
  /**
   * The client's IP address, or that of the proxy it comes through. Default: unknown; `maxConnectionsPerAddress` then takes
   * all clients for one, unless `trustProxy` tells them apart.
   */
  readonly address?: string;
}

/** The types of the events follow from the contract. */
type ContractOptions<ListenEvents, EmitEvents> = ServerOptions & {
  readonly contract: Contract<ListenEvents, EmitEvents>;
};

/**
 * The server an application makes: namespaces over clients of every transport, on an HTTP server of its own or one that
 * others use too. Its own methods speak for the default namespace `/`.
 *
 * @example
 * const io = new Server(3000);
 * io.on("connection", (socket) => {
 *   socket.on("hi", (name) => `hello ${name}`);
 * });
 */
export class Server<
  ListenEvents = DefaultEventsMap,
  EmitEvents = ListenEvents,
  ServerSideEvents = DefaultEventsMap,
  SocketData = Untyped,
> extends DefaultNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
  readonly #hub: Hub<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  readonly #reception: Reception;
  readonly #driver: Driver;
  readonly #path: string;
  readonly #attached = new Map<AnyHttpServer, Attached>();
  readonly #closeOnSigterm: (() => void) | undefined;

  /**
   * Attaches to `target` or listens on that port, which may be a text, as in `process.env.PORT`; with options alone, `attach`
   * or `listen` comes later. Throws BW_HTTP_SERVER for what is neither.
   */
  constructor(target: AnyHttpServer | number | string, options: ContractOptions<ListenEvents, EmitEvents>);
  constructor(options: ContractOptions<ListenEvents, EmitEvents>);
  constructor(target?: AnyHttpServer | number | string | ServerOptions, options?: ServerOptions);
  constructor(target?: AnyHttpServer | number | string | ServerOptions, options?: ServerOptions) {
    super();
    const isOptions = typeof target === "object" && target !== null && !("listen" in target);
    const given: ServerOptions = (isOptions ? target : options) ?? {};
    refuseForeignGuards(given);
    this.#path = (given.path ?? defaults.path).replace(/\/?$/, "/");
    printDebug();
    const report = createReporter(given.onError);
    this.#hub = new Hub(createHubPlatform(report, given.dialects), hubLimitsOf(given));
    this.#hub.of("/", given.contract);
    this.#driver = new Driver(createPlatform(report), driverOptionsOf(given), this.#hub);
    this.#reception = new Reception(this.#driver, this.#path, given, this.#hub as unknown as Hub);
    if (given.drainOnSigterm) {
      this.#closeOnSigterm = () => void this.close();
      process.on("SIGTERM", this.#closeOnSigterm);
    }
    if (isPort(target)) this.listen(Number(target));
    else if (target && !isOptions) this.attach(target as AnyHttpServer);
  }

  /**
   * Answers requests to our path on this server; all others go to its other listeners, as before. Throws BW_HTTP_SERVER for
   * what is none, as the application of a framework.
   */
  attach(server: AnyHttpServer): this {
    if (typeof server?.address !== "function") throw new BothwaysError("BW_HTTP_SERVER", describe(server));
    this.#attached.set(server, attach(server, this.#path, this.#reception));
    return this;
  }

  /**
   * Listens on a port with an HTTP server of its own. It waits for the head of a request as long as `connectTimeout`,
   * and keeps a connection for the next one as long as a client may be silent.
   */
  listen(port: number, host?: string): this {
    const { connectTimeoutMs, pingIntervalMs, pingTimeoutMs } = this.#driver.options;
    const times = {
      headersTimeout: connectTimeoutMs,
      connectionsCheckingInterval: connectTimeoutMs / 2,
      keepAliveTimeout: pingIntervalMs + pingTimeoutMs,
    };
    const server = createServer(times, (_request, response) => response.writeHead(404).end());
    this.attach(server);
    server.listen(port, host);
    return this;
  }

  /** The HTTP server attached to first. */
  get httpServer(): AnyHttpServer | undefined {
    return [...this.#attached.keys()][0];
  }

  /**
   * Answers a web `Request` to our path, for frameworks and runtimes whose servers speak in those. It carries everything
   * that goes over HTTP, and no WebSocket: such a request is BW_NO_UPGRADE. The promise is never rejected.
   *
   * Give it every request that begins with the path, and its answer to the client as it is. Where the request's `signal` is
   * aborted or the answer's body is cancelled, the client is taken to have gone.
   *
   * @example
   * // in Hono: app.all("/bothways/*", (c) => io.fetch(c.req.raw))
   * const { status } = await io.fetch(new Request("https://example.com/bothways/client.js"));
   */
  readonly fetch = (request: Request, options?: FetchOptions): Promise<Response> => {
    // runtimes hand a handler a second argument of their own
    const { address } = options ?? {};
    return this.#reception.fetch(request, typeof address === "string" ? address : "");
  };

  /** How much there is of what costs something, as of now. */
  stats(): ServerStats {
    return { ...this.#driver.stats, openRequests: this.#reception.openRequests.count };
  }

  /**
   * The namespace of that name, made with the first call; a leading `/` may be left out. `more` is a listener of
   * `connection`, or a contract that it is held to from now on.
   *
   * @example
   * const admin = io.of("/admin", adminContract);
   */
  of(
    name: string,
    more?: ConnectionListener<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  of<Listens, Emits>(
    name: string,
    more: Contract<Listens, Emits> | undefined,
  ): Namespace<Listens, Emits, ServerSideEvents, SocketData>;
  /**
   * The parent of all namespaces that clients ask for and that the pattern, or the function, allows.
   *
   * @example
   * io.of(/^\/room-\d+$/).on("connection", (socket) => socket.emit("welcome", socket.nsp.name));
   */
  of(
    name: RegExp | NamespaceTest,
    more?: ConnectionListener<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  of<Listens, Emits>(
    name: RegExp | NamespaceTest,
    more: Contract<Listens, Emits> | undefined,
  ): ParentNamespace<Listens, Emits, ServerSideEvents, SocketData>;
  of(
    name: never,
    more?: ConnectionListener<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> | Contract,
  ):
    | Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    | ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    return this.#hub.of(name, more);
  }

  /** The default namespace `/`, which the server's own methods speak for. */
  override get sockets(): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    return this.#hub.sockets;
  }

  /**
   * Takes back who somebody is: ends all sessions of a user, as `authenticate` named them, or the session of one socket.
   * Their clients get the code 4401 and do not come back by themselves. Returns how many sessions ended. Requests that
   * are being judged are `authenticate`'s matter.
   *
   * @example
   * io.revoke({ user: "ada" });
   */
  revoke(whose: { readonly user: string } | { readonly socket: string }): number {
    return "user" in whose ? this.#driver.revoke(whose.user) : this.#hub.revoke(whose.socket);
  }

  /**
   * Tells every client to come back elsewhere, ends all sessions, and closes the HTTP servers. `done` is called when that
   * is done, as the promise resolves.
   */
  async close(done?: () => void): Promise<void> {
    this.#reception.close();
    this.#hub.close();
    this.#driver.close("BW_SHUTDOWN");
    await Promise.all([...this.#attached.values()].map((attached) => attached.close()));
    // not before: the signal often comes twice, to the process and to its group, and the second would end it midway
    if (this.#closeOnSigterm) process.off("SIGTERM", this.#closeOnSigterm);
    done?.();
  }

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function isPort(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value));
}

/** For who took something for a server. */
function describe(value: unknown): string {
  if (typeof value === "function") return "not an application: createServer(app) makes a server of it";
  return typeof value === "object" ? "this object is none" : `${JSON.stringify(value)} is none`;
}
