/**
 * The server in the shape of `ws`: takes upgrades of an HTTP server (its own, the application's, or what the application
 * hands over) and makes a WebSocket of each.
 *
 * Invariants: a socket is upgraded once; whatever one client does reaches neither another nor the process.
 */
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { BothwaysError } from "../model/bothways-error.ts";
import { errorTable } from "../model/errors.ts";
import { AddressLimit } from "../transport/node/address-limit.ts";
import { isHttp2Stream, refuseStream, StreamCount } from "../transport/node/http2.ts";
import { isFieldValue, isToken } from "../wire/websocket/header-text.ts";
import type { UpgradeRefused } from "../wire/websocket/server-handshake.ts";
import { throwLater } from "./application.ts";
import { Emitter } from "./emitter.ts";
import { createHttpServer } from "./http-server.ts";
import {
  type ChannelOptions,
  createChannelOptions,
  type HttpServer,
  limit,
  noBytes,
  type ServerOptions,
} from "./options.ts";
import { refuse } from "./refusal.ts";
import { output } from "./turn.ts";
import { beginAnswer, readUpgrade, type Upgrade } from "./upgrade.ts";
import { routeUpgrades } from "./upgrade-router.ts";
import { answering, verify } from "./verification.ts";
import { WebSocket } from "./websocket.ts";

/** What a server tells its listeners. */
export interface WebSocketServerEvents {
  /** A WebSocket is open; `request` is the upgrade it came by. Not with `noServer`: there `handleUpgrade` gives it. */
  connection: [socket: WebSocket, request: IncomingMessage];
  /** The head of the 101 answer, over HTTP/2 of the 200 answer, line by line; lines may be added. */
  headers: [headers: string[], request: IncomingMessage];
  /** The HTTP server listens. */
  listening: [];
  /** The HTTP server's own, `EADDRINUSE` for example. Thrown where nobody listens, as by any emitter of Node's. */
  error: [error: Error];
  /** After `close()`: the last socket has closed. */
  close: [];
  /** A request that is no valid upgrade. Whoever listens answers and closes `socket`. */
  wsClientError: [error: Error, socket: Duplex, request: IncomingMessage];
}

/** Gets the open WebSocket, and the request it came by. */
type UpgradeCallback = (socket: WebSocket, request: IncomingMessage) => void;

/** Sockets that were taken, by whichever server. */
const upgraded = new WeakSet<Duplex>();

/**
 * Takes the upgrades of an HTTP server, its own or yours, and makes a `WebSocket` of each.
 *
 * @example
 * const server = new WebSocketServer({ port: 3000 });
 * server.on("connection", (socket) => socket.on("message", (data) => socket.send(`you said ${data}`)));
 */
export class WebSocketServer extends Emitter<WebSocketServerEvents> {
  /** As given. */
  readonly options: ServerOptions;
  /** The only path that is taken; undefined: every path. */
  readonly path: string | undefined;
  /** The open sockets. Where `clientTracking` is false there is none, whatever its type says, which is that of `ws`. */
  readonly clients: Set<WebSocket>;
  readonly #channelOptions: ChannelOptions;
  readonly #addresses: AddressLimit;
  readonly #streams: StreamCount;
  readonly #http: HttpServer | undefined;
  readonly #ownsHttp: boolean;
  readonly #release: () => void;
  #state: "running" | "closing" | "closed" = "running";
  #isHttpOpen = true;

  /** `callback` is called when the server of its own listens. Throws a TypeError on options that do not fit together. */
  constructor(options: ServerOptions = {}, callback?: () => void) {
    super();
    const { port, host, backlog, server, noServer, path, clientTracking = true } = options;
    this.#ownsHttp = (port ?? undefined) !== undefined;
    if ([this.#ownsHttp, server, noServer].filter(Boolean).length !== 1) {
      throw new TypeError(
        'One and only one of the "port", "server", or "noServer" options must be specified',
      );
    }
    if (typeof server === "function")
      throw new TypeError("An application is no server: createServer(app) makes one of it");
    this.options = options;
    this.path = path || undefined;
    this.clients = (clientTracking ? new Set() : undefined) as Set<WebSocket>;
    this.#channelOptions = createChannelOptions("server", options, output);
    this.#addresses = new AddressLimit(options);
    this.#streams = new StreamCount(limit("maxHttp2Streams", options.maxHttp2Streams, 256));
    this.#http = this.#ownsHttp ? createHttpServer(options) : (server ?? undefined);
    if (this.#ownsHttp) this.#http?.listen({ port, host, backlog }, callback);
    this.#release = this.#http === undefined ? () => {} : this.#listen(this.#http);
  }

  /** As `address()` of `node:net`; null after `close`. Throws where `noServer` is set. */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this.#state === "running" ? (this.#http?.address() ?? null) : null;
  }

  /**
   * Takes no more connections, and closes the HTTP server if it is its own. Open sockets stay; `close` comes when the last
   * has closed. `callback` is called then, with an error where the server was closed already.
   */
  close(callback?: (error?: Error) => void): void {
    if (this.#state === "closed") {
      if (callback) this.once("close", () => callback(new Error("The server is not running")));
      process.nextTick(() => this.emit("close"));
      return;
    }
    if (callback) this.once("close", () => callback());
    if (this.#state === "closing") return;
    this.#state = "closing";
    this.#release();
    // Its own HTTP server closes when the last connection has, tracked or not.
    const closed = (): void => {
      this.#isHttpOpen = false;
      this.#closeIfEmpty();
    };
    if (this.#ownsHttp) this.#http?.close(closed);
    else process.nextTick(closed);
  }

  /** Is the request ours? May be overridden. */
  shouldHandle(request: IncomingMessage): boolean {
    const { path } = this;
    if (path === undefined) return true;
    const url = request.url ?? "/";
    const end = url.indexOf("?");
    return (end < 0 ? url : url.slice(0, end)) === path;
  }

  /**
   * Answers an upgrade request, to be called once per socket from the `upgrade` event. `callback` gets the open WebSocket
   * before anything was read from it; it is not called where the request was refused. Over HTTP/2 it takes the request of
   * the `connect` event, whose stream is the socket whatever else is given.
   */
  handleUpgrade(
    request: IncomingMessage | Http2ServerRequest,
    socket: Duplex,
    head: Buffer,
    callback: UpgradeCallback,
  ): void {
    if ("stream" in request)
      this.#handleUpgrade(request as unknown as IncomingMessage, request.stream, head, callback);
    else this.#handleUpgrade(request, socket, head, callback);
  }

  #handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, callback: UpgradeCallback): void {
    if (upgraded.has(socket)) {
      // It was refused.
      if (!socket.writable) return;
      throw new Error("server.handleUpgrade() was called more than once with the same socket");
    }
    upgraded.add(socket);
    const guard = (): void => void socket.destroy();
    socket.on("error", guard);
    if (isHttp2Stream(socket) && !this.#streams.add(socket)) {
      return refuseStream(socket, errorTable.BW_HTTP2_STREAMS.httpStatus);
    }
    const take = (upgrade: Upgrade): void => {
      if (!this.shouldHandle(request)) return refuse(socket, 400, "nothing is served at this path");
      const leave = this.#addresses.enter(request);
      if (leave === undefined) {
        const { httpStatus, message } = errorTable.BW_TOO_MANY_CONNECTIONS;
        return refuse(socket, httpStatus, `BW_TOO_MANY_CONNECTIONS: ${message}`);
      }
      socket.once("close", leave);
      verify(request, socket, this.options, () => {
        socket.off("error", guard);
        this.#accept(upgrade, request, socket, callback);
      });
    };
    const refused = readUpgrade({ request, socket, head }, this.options, this.#channelOptions, take);
    if (refused) this.#refuse(refused, request, socket);
  }

  #refuse({ code, detail, status, headers }: UpgradeRefused, request: IncomingMessage, socket: Duplex): void {
    if (this.listenerCount("wsClientError") === 0) refuse(socket, status, detail, { ...headers } as never);
    else this.#tell("wsClientError", new BothwaysError(code, detail), socket, request);
  }

  #accept(upgrade: Upgrade, request: IncomingMessage, socket: Duplex, callback: UpgradeCallback): void {
    // The client may have left while it was being judged.
    if (!socket.readable || !socket.writable) return void socket.destroy();
    if (this.#state !== "running") return refuse(socket, 503);
    const { protocol, preface } = answering(socket, () => this.#answer(upgrade, request, socket));
    const { WebSocket: Class = WebSocket } = this.options;
    const { options, deflate } = upgrade;
    const ws = new Class(null, { socket, head: noBytes, options, preface, agreed: { protocol, deflate } });
    this.#track(ws);
    // For listeners that a class of the application's own has added in its constructor.
    ws.emit("open");
    callback(ws, request);
  }

  /** The subprotocol chosen, and what is sent in front of the frames. Throws on what the application may not put there. */
  #answer(
    { protocols, lines, body }: Upgrade,
    request: IncomingMessage,
    socket: Duplex,
  ): { protocol: string; preface: Buffer } {
    const { handleProtocols } = this.options;
    const [first] = protocols;
    const isAsked = handleProtocols && first !== undefined;
    const protocol = (isAsked ? handleProtocols(new Set(protocols), request) : first) || "";
    if (protocol !== "") lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    this.#tell("headers", lines, request);
    // A line break would let its author write headers, or frames, of his own.
    if ((protocol === "" || isToken(protocol)) && lines.every(isFieldValue)) {
      return { protocol, preface: beginAnswer(socket, lines, body) };
    }
    throw new TypeError("a line of the answer, or the subprotocol, is not valid");
  }

  #track(socket: WebSocket): void {
    if (!this.clients) return;
    this.clients.add(socket);
    socket.on("close", () => {
      this.clients.delete(socket);
      // Behind the application's own listeners.
      if (this.#state === "closing") process.nextTick(() => this.#closeIfEmpty());
    });
  }

  #listen(http: HttpServer): () => void {
    const listening = (): void => void this.emit("listening");
    const failed = (error: Error): void => void this.emit("error", error);
    http.on("listening", listening);
    http.on("error", failed);
    const leave = routeUpgrades(http, {
      shouldHandle: (request) => this.shouldHandle(request),
      take: (request, socket, head) =>
        this.handleUpgrade(request, socket, head, (ws) => void this.#tell("connection", ws, request)),
    });
    return () => {
      http.off("listening", listening);
      http.off("error", failed);
      leave();
    };
  }

  #closeIfEmpty(): void {
    if (this.#state !== "closing" || this.#isHttpOpen || this.clients?.size) return;
    this.#state = "closed";
    this.emit("close");
  }

  /** Emits, and keeps a listener's fault from those above. */
  #tell<Event extends keyof WebSocketServerEvents>(
    event: Event,
    ...args: WebSocketServerEvents[Event]
  ): void {
    try {
      this.emit(event, ...args);
    } catch (error) {
      throwLater(error);
    }
  }
}
