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
import type { BroadcastOperator } from "../hub/broadcast.ts";
import { Hub } from "../hub/hub.ts";
import type { Middleware } from "../hub/middleware.ts";
import type { Namespace } from "../hub/namespace.ts";
import type { Socket } from "../hub/socket.ts";
import type {
  AckAnswer,
  AckArguments,
  DefaultEventsMap,
  ErrorFirstOfAll,
  EventArguments,
  EventNames,
  Untyped,
} from "../model/events.ts";
import { printDebug } from "../observe/debug.ts";
import { disconnect, dropOldest, latestByKey } from "../session/overflow.ts";
import { type Attached, attach } from "./attach.ts";
import { Driver } from "./driver.ts";
import type { ServerOptions } from "./options.ts";
import { createHubPlatform, createPlatform, createReporter } from "./platform.ts";
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
> {
  readonly #hub: Hub<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  readonly #reception: Reception;
  readonly #driver: Driver;
  readonly #path: string;
  readonly #attached = new Map<AnyHttpServer, Attached>();
  readonly #closeOnSigterm: (() => void) | undefined;

  /** Attaches to `target` or listens on that port; with options alone, `attach` or `listen` comes later. */
  constructor(target?: AnyHttpServer | number | ServerOptions, options?: ServerOptions) {
    const isOptions = typeof target === "object" && !("listen" in target);
    const given: ServerOptions = (isOptions ? target : options) ?? {};
    if ((given.windowBytes ?? MIN_WINDOW_BYTES) < MIN_WINDOW_BYTES) {
      throw new RangeError(`windowBytes must be at least ${MIN_WINDOW_BYTES}`);
    }
    this.#path = (given.path ?? "/bothways/").replace(/\/?$/, "/");
    printDebug();
    const report = createReporter(given.onError);
    this.#hub = new Hub(createHubPlatform(report), limitsOf(given));
    this.#driver = new Driver(
      createPlatform(report),
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
        maxJsonDepth: given.maxJsonDepth ?? 128,
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

  /** Clients connected, whatever they joined, and HTTP requests that wait for their answer. */
  get stats(): { readonly clients: number; readonly openRequests: number } {
    return { clients: this.#driver.peerCount, openRequests: this.#reception.openRequests.count };
  }

  /** The namespace of that name, made with the first call. */
  of(name: string): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    return this.#hub.of(name);
  }

  /** The default namespace `/`, which the methods below speak for. */
  get sockets(): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    return this.#hub.sockets;
  }

  on(
    event: "connection" | "connect",
    listener: (socket: Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ): this {
    this.sockets.on(event, listener as never);
    return this;
  }

  use(middleware: Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.sockets.use(middleware);
    return this;
  }

  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<EmitEvents>, Event>
  ): boolean {
    return this.sockets.emit(event, ...args);
  }

  emitWithAck<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: AckArguments<EmitEvents, Event>
  ): Promise<AckAnswer<EmitEvents, Event>[]> {
    return this.sockets.emitWithAck(event, ...args);
  }

  to(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.sockets.to(room);
  }

  in(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.sockets.in(room);
  }

  except(room: string | readonly string[]): BroadcastOperator<EmitEvents> {
    return this.sockets.except(room);
  }

  get volatile(): BroadcastOperator<EmitEvents> {
    return this.sockets.volatile;
  }

  timeout(ms: number): BroadcastOperator<EmitEvents> {
    return this.sockets.timeout(ms);
  }

  /** Tells every client to come back elsewhere, ends all sessions, and closes the HTTP servers. */
  async close(): Promise<void> {
    if (this.#closeOnSigterm) process.off("SIGTERM", this.#closeOnSigterm);
    this.#reception.isClosing = true;
    this.#hub.close();
    this.#driver.close("BW_SHUTDOWN");
    await Promise.all([...this.#attached.values()].map((attached) => attached.close()));
  }
}

function limitsOf(options: ServerOptions): Partial<ServerOptions> {
  const { maxNamespacesPerPeer, maxRoomNameLength, maxAcks } = options;
  const given = { maxNamespacesPerPeer, maxRoomNameLength, maxAcks };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
