/**
 * The server an application makes: namespaces over clients of every transport, on an HTTP server of its own or one that
 * others use too.
 *
 * @example
 * const io = new Server(3000);
 * io.on("connection", (socket) => socket.on("hi", (name) => `hello ${name}`));
 */
import { createServer, type Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { Hub } from "../hub/hub.ts";
import type { Namespace } from "../hub/namespace.ts";
import type { NamespaceTest, ParentNamespace } from "../hub/parent-namespace.ts";
import { defaultHubLimits, type HubLimits } from "../hub/platform.ts";
import type { Socket } from "../hub/socket.ts";
import type { DefaultEventsMap, Untyped } from "../model/events.ts";
import { disconnect, dropOldest, latestByKey } from "../session/overflow.ts";
import { type Attached, attach } from "./attach.ts";
import { DefaultNamespace } from "./default-namespace.ts";
import { Driver } from "./driver.ts";
import type { ServerOptions } from "./options.ts";
import { createHubPlatform, createPlatform } from "./platform.ts";
import { Reception } from "./reception.ts";

type AnyHttpServer = HttpServer | HttpsServer;

/** Peers acknowledge at the latest after so many bytes; a smaller window would stand still until their delay is over. */
const MIN_WINDOW_BYTES = 65_536;

const policies = { disconnect, "drop-oldest": dropOldest, "latest-by-key": latestByKey };

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

  /** Attaches to `target` or listens on that port; with options alone, `attach` or `listen` comes later. */
  constructor(target?: AnyHttpServer | number | ServerOptions, options?: ServerOptions) {
    super();
    const isOptions = typeof target === "object" && !("listen" in target);
    const given: ServerOptions = (isOptions ? target : options) ?? {};
    if ((given.windowBytes ?? MIN_WINDOW_BYTES) < MIN_WINDOW_BYTES) {
      throw new RangeError(`windowBytes must be at least ${MIN_WINDOW_BYTES}`);
    }
    this.#path = (given.path ?? "/bothways/").replace(/\/?$/, "/");
    this.#hub = new Hub(createHubPlatform(given.onError), limitsOf(given));
    this.#driver = new Driver(
      createPlatform(),
      {
        windowMessages: given.windowMessages ?? 1024,
        windowBytes: given.windowBytes ?? 1_048_576,
        highWaterMarkBytes: given.highWaterMark ?? 262_144,
        maxQueueBytes: given.maxBufferedBytes ?? 1_048_576,
        overflow: policies[given.slowConsumer ?? "disconnect"],
        ackDelayMs: 1000,
        pingIntervalMs: given.pingInterval ?? 15_000,
        pingTimeoutMs: given.pingTimeout ?? 10_000,
        connectTimeoutMs: given.connectTimeout ?? 10_000,
        resumeWindowMs: given.resumeWindow ?? 120_000,
        maxNamespacesPerPeer: given.maxNamespacesPerPeer ?? 32,
      },
      this.#hub,
    );
    this.#reception = new Reception(this.#driver, this.#path, given);
    if (given.drainOnSigterm) {
      this.#closeOnSigterm = () => void this.close();
      process.once("SIGTERM", this.#closeOnSigterm);
    }
    if (typeof target === "number") this.listen(target);
    else if (target && !isOptions) this.attach(target as AnyHttpServer);
  }

  /** Answers requests to our path on this server; all others go to its other listeners, as before. */
  attach(server: AnyHttpServer): this {
    this.#attached.set(server, attach(server, this.#path, this.#reception));
    return this;
  }

  /** Listens on a port with an HTTP server of its own. */
  listen(port: number, host?: string): this {
    const server = createServer((_request, response) => response.writeHead(404).end());
    this.attach(server);
    server.listen(port, host);
    return this;
  }

  /** The HTTP server attached to first. */
  get httpServer(): AnyHttpServer | undefined {
    return [...this.#attached.keys()][0];
  }

  /** Clients connected, whatever they joined, and HTTP requests that wait for their answer. */
  get stats(): { readonly clients: number; readonly openRequests: number } {
    return { clients: this.#driver.peerCount, openRequests: this.#reception.openRequests.count };
  }

  /**
   * The namespace of that name, made with the first call; a leading `/` may be left out. With a pattern or a function:
   * the parent of all namespaces that clients ask for and it allows. `listener` is one of `connection`.
   *
   * @example
   * io.of(/^\/room-\d+$/).on("connection", (socket) => socket.emit("welcome", socket.nsp.name));
   */
  of(
    name: string,
    listener?: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  of(
    name: RegExp | NamespaceTest,
    listener?: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ): ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  of(
    name: never,
    listener?: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ):
    | Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    | ParentNamespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    return this.#hub.of(name, listener);
  }

  /** The default namespace `/`, which the server's own methods speak for. */
  override get sockets(): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    return this.#hub.sockets;
  }

  /** Tells every client to come back elsewhere, ends all sessions, and closes the HTTP servers. */
  async close(): Promise<void> {
    if (this.#closeOnSigterm) process.off("SIGTERM", this.#closeOnSigterm);
    this.#reception.isClosing = true;
    this.#hub.close();
    this.#driver.close("BW_SHUTDOWN");
    await Promise.all([...this.#attached.values()].map((attached) => attached.close()));
  }

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function limitsOf(options: ServerOptions): Partial<HubLimits> {
  const isGiven = ([name, value]: [string, unknown]): boolean =>
    name in defaultHubLimits && value !== undefined;
  return Object.fromEntries(Object.entries(options).filter(isGiven));
}
