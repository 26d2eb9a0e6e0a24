/**
 * The options of both sides by the names of `ws`, their defaults, and what the engine is given of them. Times are in
 * milliseconds, sizes in bytes.
 */
import { Buffer, isUtf8 } from "node:buffer";
import type { Agent, ClientRequest, IncomingMessage, OutgoingHttpHeaders, Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Duplex } from "node:stream";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { ZlibOptions } from "node:zlib";
import { nodePrimitives } from "../platform/node.ts";
import type { AnyHttp2Server } from "../transport/node/http2.ts";
import { PerMessageDeflate, type PerMessageDeflateOptions } from "../transport/node/per-message-deflate.ts";
import type { ConnectionHost, ConnectionOptions, WebSocketConnection } from "../wire/websocket/connection.ts";
import type { FrameOutput } from "../wire/websocket/output.ts";
import type { Role } from "../wire/websocket/parser.ts";
import type { DeflateParameters } from "../wire/websocket/permessage-deflate.ts";
import type { WebSocket } from "./websocket.ts";

/** How messages are compressed. The defaults keep no state from message to message, so they cost a connection no memory. */
export interface DeflateOptions extends Omit<PerMessageDeflateOptions, "zlibDeflateOptions"> {
  /** `level` 1 to 9, default 6; `memLevel` 1 to 9, default 8. What else there is has no effect. */
  readonly zlibDeflateOptions?: ZlibOptions;
  /** Accepted, and without effect. */
  readonly zlibInflateOptions?: ZlibOptions;
  /** Accepted, and without effect: what is large is compressed on Node's threads, four at a time in the whole process. */
  readonly concurrencyLimit?: number;
}

/** What a server and a client have in common. */
interface SocketOptions {
  /** A longer message ends the connection with 1009, before it is kept. 0: no limit. Default 1 MiB. */
  readonly maxPayload?: number | undefined;
  /** A message in more fragments, empty ones too, ends the connection with 1008. 0: no limit. Default 16,384. */
  readonly maxFragments?: number | undefined;
  /**
   * A peer that sends more pings and pongs in a second ends the connection with BW_WS_CONTROL_RATE. 0: no limit. Default
   * 1,000.
   */
  readonly maxControlRate?: number | undefined;
  /**
   * A peer that leaves more unread ends the connection with BW_SLOW_CONSUMER at the next message. One message of any size
   * may be sent when nothing waits. 0: no limit. Default 16 MiB.
   */
  readonly maxBufferedAmount?: number | undefined;
  /** The opening handshake may take so long. 0: no limit. Default 10 s. */
  readonly handshakeTimeout?: number | undefined;
  /** The head of the request or answer may be so long. Default 16 KiB. A server applies it where it listens itself. */
  readonly maxHeaderSize?: number | undefined;
  /** The closing handshake and the end of TCP may take so long; then the socket is destroyed. Default 10 s. */
  readonly closeTimeout?: number | undefined;
  /**
   * A peer silent for so long is pinged, and given up with BW_SILENT when it is silent for as long again. 0: never.
   * Default 30 s on servers, 0 on clients.
   */
  readonly heartbeatInterval?: number | undefined;
  /** Answers pings. Default true. */
  readonly autoPong?: boolean | undefined;
  /**
   * Compresses messages, where the peer does too (RFC 7692): a server takes offers, a client makes one. `true` for the
   * defaults. Default false.
   */
  readonly perMessageDeflate?: boolean | DeflateOptions | undefined;
  /** Accepted, and without effect: texts are always checked, which costs next to nothing. */
  readonly skipUTF8Validation?: boolean | undefined;
  /** Accepted, and without effect: all messages of a chunk are handed out in the turn they came in. */
  readonly allowSynchronousEvents?: boolean | undefined;
}

/** What `verifyClient` judges by. */
export interface VerifyInfo {
  /** The `Origin` header; undefined where the client sent none. */
  readonly origin: string;
  /** Did it come over TLS? */
  readonly secure: boolean;
  /** The upgrade request. */
  readonly req: IncomingMessage;
}

/**
 * Accepts, or refuses with an HTTP status (default 401), a body (default: the status in words) and headers. Only the first
 * call counts.
 */
export type VerifyCallback = (
  isAccepted: boolean,
  code?: number,
  message?: string,
  headers?: OutgoingHttpHeaders,
) => void;

/** Returns its verdict; with a second parameter it gives it to the callback. */
export type VerifyClient = (info: VerifyInfo, callback: VerifyCallback) => unknown;

/** What a `WebSocketServer` may be on. */
export type HttpServer = Server | SecureServer | AnyHttp2Server;

/** Exactly one of `port`, `server` and `noServer` is given. */
export interface ServerOptions extends SocketOptions {
  /** Where a server of its own listens. Default: all addresses. */
  readonly host?: string | undefined;
  /** Listens there with a server of its own; 0 chooses a free port. */
  readonly port?: number | undefined;
  /** How many connections may wait to be accepted. */
  readonly backlog?: number | undefined;
  /**
   * Takes the upgrades of this server of `node:http`, `node:https` or `node:http2`. Several `WebSocketServer`s may share one,
   * told apart by `path`.
   */
  readonly server?: HttpServer | undefined;
  /** `handleUpgrade` is called by the application. */
  readonly noServer?: boolean | undefined;
  /** Only this path is taken, with any query. Default: every path. */
  readonly path?: string | undefined;
  /** WebSockets that one HTTP/2 connection may have open here; one more is refused with 429. 0: no limit. Default 256. */
  readonly maxHttp2Streams?: number | undefined;
  /**
   * Takes clients from before RFC 6455 too, by the draft called hixie-76, whose messages are texts. To send bytes or a ping
   * to one throws BW_WS_TEXT_ONLY, a close has neither code nor reason, and who falls silent is not noticed. Default false:
   * they are refused with 400.
   */
  readonly hixie76?: boolean | undefined;
  /** Chooses one of the subprotocols offered, or none. Default: the first. */
  readonly handleProtocols?:
    | ((protocols: Set<string>, request: IncomingMessage) => string | false)
    | undefined;
  /** Judges a request. With a second parameter it answers through the callback. Prefer `noServer` for this. */
  readonly verifyClient?: VerifyClient | undefined;
  /**
   * Connections that one address, or one /64 of IPv6, may have at once; one more is refused with 429,
   * BW_TOO_MANY_CONNECTIONS. An office may share one address. 0: no limit. Default 0.
   */
  readonly maxConnectionsPerAddress?: number | undefined;
  /** Believe X-Forwarded-For: true, or how many proxies stand in front. Default false. */
  readonly trustProxy?: boolean | number | undefined;
  /** Keeps `clients`. Default true. */
  readonly clientTracking?: boolean | undefined;
  /** The class of the sockets. Default `WebSocket`. */
  readonly WebSocket?: (new (address: null, accepted: Accepted) => WebSocket) | undefined;
}

/** Whatever else `http.request` and `tls.connect` take is handed on to them. */
export interface ClientOptions extends SocketOptions, Omit<TlsOptions, "socket" | "path" | "timeout"> {
  /** The subprotocols offered, where the constructor is given none. */
  readonly protocols?: string | readonly string[] | undefined;
  /** Added to the request. Those of the handshake cannot be replaced. */
  readonly headers?: OutgoingHttpHeaders | undefined;
  /** The `Origin` header. Default: none. */
  readonly origin?: string | undefined;
  /** `user:password`, as Basic authentication, where the URL has none. */
  readonly auth?: string | undefined;
  /** Of `node:http` or `node:https`. Default: none, a connection of its own. */
  readonly agent?: Agent | undefined;
  /** Makes the connection, as in `http.request`. Default: TCP, or TLS for `wss:`. */
  readonly createConnection?: ((options: object, onCreate: () => void) => Duplex) | undefined;
  /** IPv4 or IPv6: 4 or 6. Default 0: either. */
  readonly family?: number | undefined;
  /** The address to connect from. Default: the system chooses. */
  readonly localAddress?: string | undefined;
  /** Default false. Authorization, cookies and `Host` stay behind where a redirect leads to another host. */
  readonly followRedirects?: boolean | undefined;
  /** Default 10. */
  readonly maxRedirects?: number | undefined;
  /** Only 13 exists. */
  readonly protocolVersion?: number | undefined;
  /** Called instead of `request.end()`, which it must call. */
  readonly finishRequest?: ((request: ClientRequest, websocket: WebSocket) => void) | undefined;
}

/** What the connections of one server, or one client's, share: the engine's options and those of its channel. */
export interface ChannelOptions extends ConnectionOptions {
  /** Pings and pongs in a second. */
  readonly maxControlRate: number;
  /** Bytes. */
  readonly maxBufferedAmount: number;
  /** Milliseconds. */
  readonly closeTimeout: number;
  /** Milliseconds; 0: never. */
  readonly heartbeatInterval: number;
  /** Undefined: nothing is compressed. */
  readonly deflate: PerMessageDeflate | undefined;
  /** Makes the engine's part. Default: one of RFC 6455. */
  readonly connect?: (options: ConnectionOptions, host: ConnectionHost) => WebSocketConnection;
}

/** What a server has accepted, and its WebSocket is made of. A class of your own hands it to `super` as it is. */
export interface Accepted {
  /** @internal */
  readonly socket: Duplex;
  /** @internal Read of the socket already. */
  readonly head: Uint8Array;
  /** @internal */
  readonly options: ChannelOptions;
  /** @internal Sent before any frame: the answer to the upgrade. */
  readonly preface: Uint8Array;
  /** @internal */
  readonly agreed: Agreed;
}

/** What the opening handshake has chosen. */
export interface Agreed {
  /** The subprotocol, or "". */
  readonly protocol: string;
  /** Undefined: nothing is compressed. */
  readonly deflate: DeflateParameters | undefined;
}

export const defaultHandshakeTimeout = 10_000;
export const defaultMaxHeaderSize = 16_384;

export function createChannelOptions(role: Role, given: SocketOptions, output: FrameOutput): ChannelOptions {
  const connectionOptions: ConnectionOptions = {
    role,
    output,
    primitives: nodePrimitives,
    isUtf8,
    allocate: Buffer.allocUnsafeSlow,
    maxMessageBytes: limit("maxPayload", given.maxPayload, 1_048_576),
    maxFragments: limit("maxFragments", given.maxFragments, 16_384),
    autoPong: given.autoPong ?? true,
  };
  return {
    ...connectionOptions,
    maxControlRate: limit("maxControlRate", given.maxControlRate, 1_000),
    maxBufferedAmount: limit("maxBufferedAmount", given.maxBufferedAmount, 16 * 1_048_576),
    closeTimeout: limit("closeTimeout", given.closeTimeout, 10_000),
    heartbeatInterval: given.heartbeatInterval ?? (role === "server" ? 30_000 : 0),
    deflate: createDeflate(given.perMessageDeflate, connectionOptions),
  };
}

function createDeflate(
  given: SocketOptions["perMessageDeflate"],
  options: ConnectionOptions,
): PerMessageDeflate | undefined {
  return given ? new PerMessageDeflate(given === true ? {} : given, options) : undefined;
}

/** A limit as `ws` takes them: 0 is none. */
export function limit(name: string, given: number | undefined, byDefault: number): number {
  const value = given ?? byDefault;
  if (typeof value !== "number" || !(value >= 0)) throw new TypeError(`${name} must be a number, 0 or more`);
  return value === 0 ? Number.MAX_SAFE_INTEGER : value;
}

export const noBytes: Buffer = Buffer.alloc(0);
