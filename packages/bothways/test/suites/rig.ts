/**
 * A real server with real clients on loopback, for the suites that run over every technique. When a test is over the
 * clients leave, and the server must be as empty as it was: no client, no request without an answer.
 */
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, vi } from "vitest";
import {
  io as connect,
  type Socket as GenericClient,
  type SocketOptions,
} from "../../src/client/index.node.ts";
import type { ClientTransport } from "../../src/model/transport.ts";
import { type Socket as GenericSocket, Server, type ServerOptions } from "../../src/server/index.ts";
import { FaultProxy, type FaultProxyOptions } from "../../src/testing/index.ts";
import { longPolling as nodeLongPolling } from "../../src/transport/node-client/long-polling.ts";
import { multipart as nodeMultipart } from "../../src/transport/node-client/multipart.ts";
import { shortPolling as nodeShortPolling } from "../../src/transport/node-client/short-polling.ts";
import { sse as nodeSse } from "../../src/transport/node-client/sse.ts";
import { stream as nodeStream } from "../../src/transport/node-client/stream.ts";
import { webSocket as nodeWebSocket } from "../../src/transport/node-client/websocket.ts";
import { longPolling as webLongPolling } from "../../src/transport/web/long-polling.ts";
import { stream as webStream } from "../../src/transport/web/stream.ts";
import { webSocket as webWebSocket } from "../../src/transport/web/websocket.ts";

export type Client = GenericClient;
export type ServerSocket = GenericSocket;

/** One client transport as a suite is run over it, and the other one of its platform, to switch to. */
export interface Technique {
  readonly platform: "Node" | "web" | "HTTP/2" | "page";
  readonly name: string;
  readonly create: () => ClientTransport;
  readonly other: () => ClientTransport;
  /** What a server needs for it. */
  readonly server?: ServerOptions;
  /** What the server is on, where it is not one of its own. */
  readonly createServer?: () => Http2Server;
  /** What listens in its place, and hands it requests by `io.fetch`. */
  readonly createFront?: (io: Server) => HttpServer;
}

/** Asked often, since tests wait for what it brings. */
const shortPolling = () => nodeShortPolling({ interval: 10 });

/** A busy machine is slow to begin a stream. */
const patient = { firstFrameTimeout: 10_000 };
/** Those beside the two that everything is tried on. */
export const httpTechniques: readonly Technique[] = [
  { platform: "Node", name: "stream", create: () => nodeStream(patient), other: nodeWebSocket },
  { platform: "Node", name: "sse", create: () => nodeSse(patient), other: nodeLongPolling },
  {
    platform: "Node",
    name: "multipart",
    create: () => nodeMultipart(patient),
    other: () => nodeStream(patient),
  },
  { platform: "Node", name: "short-polling", create: shortPolling, other: () => nodeSse(patient) },
  { platform: "web", name: "stream", create: () => webStream(patient), other: webLongPolling },
];

export const techniques: readonly Technique[] = [
  { platform: "Node", name: "websocket", create: nodeWebSocket, other: nodeLongPolling },
  { platform: "Node", name: "long-polling", create: nodeLongPolling, other: nodeWebSocket },
  { platform: "web", name: "websocket", create: webWebSocket, other: webLongPolling },
  { platform: "web", name: "long-polling", create: webLongPolling, other: webWebSocket },
];

interface Emitting {
  once(event: string, listener: (...args: never[]) => void): unknown;
}

/** The arguments of the next event of that name. */
export function next<Arguments extends unknown[] = unknown[]>(
  emitter: unknown,
  event: string,
): Promise<Arguments> {
  return new Promise((resolve) =>
    (emitter as Emitting).once(event, (...args) => resolve(args as unknown as Arguments)),
  );
}

/** The reason of the next `disconnect`. */
export async function nextReason(socket: unknown): Promise<unknown> {
  const [reason] = await next(socket, "disconnect");
  return reason;
}

export async function untilConnected(client: Client): Promise<void> {
  if (!client.connected) await next(client, "connect");
}

/** Nobody is left, and nothing waits. */
export const empty = { sessions: 0, connections: 0, unconfirmed: 0, openRequests: 0, bufferedBytes: 0 };

export interface RigOptions extends ServerOptions {
  /** Clients come through a fault proxy. */
  readonly proxy?: true | Omit<FaultProxyOptions, "target">;
}

export class Rig {
  readonly technique: Technique;
  /** What the application's handlers threw. */
  readonly errors: unknown[] = [];
  readonly #options: ServerOptions;
  readonly #clients: Client[] = [];
  #io: Server;
  #front: HttpServer | undefined;
  #proxy: FaultProxy | undefined;

  private constructor(technique: Technique, options: ServerOptions) {
    this.technique = technique;
    this.#options = { onError: (error) => this.errors.push(error), ...technique.server, ...options };
    this.#io = new Server(this.#options);
  }

  static async open(technique: Technique, options: RigOptions = {}): Promise<Rig> {
    const { proxy, ...serverOptions } = options;
    const rig = new Rig(technique, serverOptions);
    await rig.#listen(0);
    if (proxy) {
      rig.#proxy = await FaultProxy.listen({ ...(proxy === true ? {} : proxy), target: { port: rig.port } });
    }
    onTestFinished(() => rig.#close());
    return rig;
  }

  get io(): Server {
    return this.#io;
  }

  get proxy(): FaultProxy {
    if (this.#proxy === undefined) throw new Error("this rig has no proxy");
    return this.#proxy;
  }

  get port(): number {
    const address = (this.#front ?? this.#io.httpServer)?.address() as AddressInfo | undefined;
    if (!address) throw new Error("this rig does not listen");
    return address.port;
  }

  get url(): string {
    return this.#proxy?.url ?? `http://127.0.0.1:${this.port}`;
  }

  /** A client that may not have connected yet. A connection of its own, unless the options say otherwise. */
  client(namespace = "/", options: Partial<SocketOptions> & { transports?: ClientTransport[] } = {}): Client {
    const client = connect(this.url + namespace, {
      transports: [this.technique.create()],
      forceNew: options.multiplex !== true,
      reconnectionDelay: 50,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A client that has joined, and its socket on the server. */
  async join(
    namespace = "/",
    options: Partial<SocketOptions> & { transports?: ClientTransport[] } = {},
  ): Promise<{ client: Client; server: ServerSocket }> {
    const connection = next<[ServerSocket]>(this.io.of(namespace), "connection");
    const client = this.client(namespace, options);
    await next(client, "connect");
    const [server] = await connection;
    return { client, server };
  }

  /** Ends the server, and begins a new one on the same port, which knows nothing of the old one's sessions. */
  async restart(prepare: (io: Server) => void, options: ServerOptions = {}): Promise<void> {
    const { port } = this;
    await this.#end();
    this.#io = new Server({ ...this.#options, ...options });
    prepare(this.#io);
    await this.#listen(port);
  }

  async #listen(port: number): Promise<void> {
    this.#front = this.technique.createFront?.(this.#io);
    if (this.#front) return void (await once(this.#front.listen(port, "127.0.0.1"), "listening"));
    const server = this.technique.createServer?.();
    if (server) this.#io.attach(server).httpServer?.listen(port, "127.0.0.1");
    else this.#io.listen(port, "127.0.0.1");
    if (this.#io.httpServer) await once(this.#io.httpServer, "listening");
  }

  async #end(): Promise<void> {
    await this.#io.close();
    this.#front?.close();
    this.#front?.closeAllConnections();
  }

  async #close(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await vi.waitFor(() => expect(this.#io.stats()).toMatchObject(empty), { interval: 5 });
    await this.#end();
    await this.#proxy?.close();
  }
}
