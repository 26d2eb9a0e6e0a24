/** What `new Server(…, options)` takes. Names and defaults are Socket.IO's where it has them. */
import type { IncomingMessage } from "node:http";
import { getHeapStatistics } from "node:v8";
import { defaultHubLimits, type HubLimits } from "../hub/platform.ts";
import type { Socket } from "../hub/socket.ts";
import type { Contract } from "../model/contract.ts";
import type { OverflowPolicy } from "../model/message.ts";
import { overflows } from "../session/overflow.ts";
import type { TrustProxy } from "../transport/node/address.ts";
import type { OriginPolicy } from "../transport/node/origin.ts";
import type { PerMessageDeflateOptions } from "../transport/node/per-message-deflate.ts";
import type { DriverOptions } from "./driver.ts";
import type { RateLimits } from "./rate-limit.ts";

/** What the option `dialects` may hold. */
export type Dialect = "plain";

/** The keys themselves, at least a character and no space each, or what judges one: only what it returns as true is good. */
export type PublishKeys =
  | readonly string[]
  | ((key: string, request: IncomingMessage | Request) => boolean | Promise<boolean>);
/** The techniques a session can travel by, as both sides name them. */
export type TransportName =
  | "websocket"
  | "stream"
  | "sse"
  | "multipart"
  | "long-polling"
  | "short-polling"
  | "iframe"
  | "jsonp";

/** What `new Server(target, options)` takes. */
export interface ServerOptions extends Partial<HubLimits> {
  /** Path of our requests, with a slash at both ends; all others are left to other listeners. Default `/bothways/`. */
  readonly path?: string;
  /** Serve the browser client at `<path>client.js`. Default true. */
  readonly serveClient?: boolean;
  /**
   * Judges each request that begins or resumes a session, whatever the transport. What it returns is
   * `socket.identity`; a string, or an object's `user`, also names who may resume the session. What it throws is told to
   * the client as `connect_error`, BW_UNAUTHORIZED. Where it is an object with `expiresAt`, a Date or ms since 1970, the
   * session ends then, with BW_AUTH_EXPIRED. Over HTTP/2 the request is an `Http2ServerRequest`. Default: everyone is let
   * in.
   */
  readonly authenticate?: (request: IncomingMessage) => unknown;
  /**
   * The same for requests that come by `io.fetch`, which are the web's. Where one of the two is set, nobody comes in by the
   * way of the other, BW_UNAUTHORIZED. Default: everyone is let in.
   */
  readonly authenticateFetch?: (request: Request) => unknown;
  /**
   * What the default namespace and its clients may say to each other, made by `defineContract`: it gives the types, and
   * no handler is called with arguments that are not as agreed. Default: anything may be said.
   */
  readonly contract?: Contract;
  /**
   * Judges the token of a client's `socket.refreshAuth(token)`, and returns the client's new identity, as `authenticate`
   * does; it must be the same user's. What it throws is told to the client, BW_UNAUTHORIZED. Default: none is taken.
   */
  readonly refreshAuth?: (token: unknown, identity: unknown) => unknown;
  /** A client gets the event `auth_expiring` so long before its authentication ends, in ms. Default 60,000. */
  readonly authWarning?: number;
  /** Pages of which origins may connect, besides those of the server's own; others get BW_ORIGIN. Default `"same-origin"`. */
  readonly origins?: OriginPolicy;
  /** Believe X-Forwarded-Host, -Proto and -For: true, or how many proxies stand in front. Default false. */
  readonly trustProxy?: TrustProxy;
  /**
   * Languages that clients may speak besides that of our own. `"plain"`: WebSockets without a subprotocol and event streams,
   * see docs/guide/plain-clients.md. Default: none.
   */
  readonly dialects?: readonly Dialect[];
  /**
   * May this plain client be in a room that its URL asks for? Only what returns true, or resolves to it, says so; else the
   * client is refused, BW_ROOM_REFUSED. Rooms of single sockets are never asked for. Default: no room is.
   */
  readonly allowRoom?: (room: string, socket: Socket) => boolean | Promise<boolean>;
  /** Rooms that one plain client may ask for; more are BW_ROOM_LIMIT. Default 64. */
  readonly maxRoomsPerRequest?: number;
  /**
   * Bearer keys with which backends may publish by POST to `<path>emit`, or a function that judges a key; without a good
   * one the answer is BW_UNAUTHORIZED. A key may publish to every namespace and room. Default: nobody may, and the path is
   * not ours.
   */
  readonly publishKeys?: PublishKeys;
  /** Publications that are taken per second, of all keys together; more are BW_RATE_LIMIT. Default 1,000. */
  readonly maxPublishRate?: number;
  /**
   * Connections that one address may have at once, of WebSockets and of sessions on long polling; behind proxies the address
   * that `trustProxy` tells, of IPv6 its /64. One more is refused with 429, BW_TOO_MANY_CONNECTIONS. A client that tries two transports, or
   * changes from one to the other, has two for a moment; an office may share one address. 0: no limit. Default 0.
   */
  readonly maxConnectionsPerAddress?: number;
  /** The server pings a client that was silent this long, in ms. Default 15,000. */
  readonly pingInterval?: number;
  /** A link whose ping is not answered within this many ms is lost, with BW_SILENT. Default 10,000. */
  readonly pingTimeout?: number;
  /**
   * A client that has not said hello, not sent a request's body, or not shown that it was welcomed within this many ms is
   * dropped, with BW_SILENT or BW_BODY_TIMEOUT. Default 10,000.
   */
  readonly connectTimeout?: number;
  /** A client that lost its transport may resume its session this long, in ms; then it is BW_SESSION_UNKNOWN. Default 120,000. */
  readonly resumeWindow?: number;
  /**
   * Techniques the server offers; a client that tries another gets BW_TRANSPORT and goes on to its next. `iframe` and `jsonp`
   * are off unless they are named. A name that none has throws BW_TRANSPORT_NAME. Default: websocket, stream, sse, multipart,
   * long-polling, short-polling.
   */
  readonly transports?: readonly TransportName[];
  /** An HTTP stream ends when more than so many bytes were sent on it, and its client begins the next. Default 8 MiB. */
  readonly maxStreamBytes?: number;
  /** Likewise when it is older than this and there is something to say, in ms. Default 300,000. */
  readonly maxStreamAge?: number;
  /** Longest message, in bytes; a longer one is BW_MESSAGE_TOO_LARGE. Default 1,000,000. */
  readonly maxHttpBufferSize?: number;
  /**
   * Compress messages to WebSocket clients that offer it, and take theirs compressed (RFC 7692). True takes the defaults:
   * messages from 1 KiB on, and no memory per connection. Default false.
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions;
  /**
   * Longest hello, in bytes or characters: with the `auth` of the namespaces it joins. A longer one is
   * BW_HELLO_TOO_LARGE, before it is parsed. Default 64 KiB.
   */
  readonly maxHelloSize?: number;
  /** How deep the JSON of a message or hello may nest; a deeper one is BW_JSON_DEPTH. Default 128. */
  readonly maxJsonDepth?: number;
  /** A client that takes nothing of an HTTP answer for this many ms is cut off. Default 30,000. */
  readonly writeTimeout?: number;
  /** What either side may have sent to the other without an acknowledgement, in bytes: at least 64 KiB. Default 1 MiB. */
  readonly windowBytes?: number;
  /** Messages likewise. Default 1,024. */
  readonly windowMessages?: number;
  /** `emit` returns false when more than this waits for one client, in bytes, and `drain` follows. Default 256 KiB. */
  readonly highWaterMark?: number;
  /** A client for which more than this would wait, in bytes, is too slow: `slowConsumer` says what happens. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /**
   * The policy for a client that is too slow, where neither its socket nor the emit has one of its own. `disconnect` ends its
   * session, reason `slow consumer`, BW_SLOW_CONSUMER; `block` makes `emit` throw BW_BACKPRESSURE; `drop-oldest` and
   * `latest-by-key` forget events. Default `"disconnect"`.
   */
  readonly slowConsumer?: OverflowPolicy;
  /**
   * All that waits for one client or came from it, in bytes: its queue, what it has not acknowledged, unsent frames, messages
   * that are still arriving, what came while paused. Beyond it the client is disconnected, reason `overflow`, BW_OVERFLOW.
   * Default: what the other limits add up to, 6.9 MiB with theirs.
   */
  readonly maxClientBytes?: number;
  /**
   * The same for all clients together, in bytes, with the requests that no session answers for yet, which may take half of it. Beyond it
   * sessions end, reason `overflow`, until an eighth is free: first those whose clients are away longest, then who has
   * most. Requests are refused with BW_OVERFLOW. Default: a quarter of the heap's limit.
   */
  readonly maxTotalBufferedBytes?: number;
  /** Sessions that no frame of their client has confirmed. One more ends the oldest of them, BW_OVERFLOW. Default 4,096. */
  readonly maxUnconfirmedSessions?: number;
  /**
   * Requests and WebSockets that one HTTP/2 connection may have open here; one more is BW_HTTP2_STREAMS. A browser has one
   * such connection for all its tabs, a proxy perhaps one for many users. Default 256.
   */
  readonly maxHttp2Streams?: number;
  /**
   * Events a client may send, in events per second: `{ perClient: 100, perEvent: { said: 5, "*": 50 } }`. As many may come at
   * once as in one second. What exceeds it is not handled; who awaits the answer gets BW_RATE_LIMIT. A client is
   * disconnected, reason `rate limit`, when it was refused ten seconds' worth faster than it may send. Default: no limit.
   */
  readonly maxRate?: RateLimits;
  /** Close the server when the process gets SIGTERM: clients are told to come back elsewhere. Default false. */
  readonly drainOnSigterm?: boolean;
  /**
   * Told of what the application's handlers throw, and of faults of our own. Default: written to stderr, at most 100 in a
   * minute.
   */
  readonly onError?: (error: unknown) => void;
}

/** What an application may leave out; `maxClientBytes` is made of the others. */
export const defaults = {
  path: "/bothways/",
  pingInterval: 15_000,
  pingTimeout: 10_000,
  connectTimeout: 10_000,
  resumeWindow: 120_000,
  maxHttpBufferSize: 1_000_000,
  windowBytes: 1_048_576,
  windowMessages: 1024,
  highWaterMark: 262_144,
  maxBufferedBytes: 1_048_576,
  slowConsumer: "disconnect",
  maxUnconfirmedSessions: 4096,
  maxConnectionsPerAddress: 0,
  maxHttp2Streams: 256,
  maxHelloSize: 65_536,
  maxJsonDepth: 128,
  authWarning: 60_000,
  writeTimeout: 30_000,
  maxRoomsPerRequest: 64,
  maxPublishRate: 1000,
  transports: ["websocket", "stream", "sse", "multipart", "long-polling", "short-polling"],
  maxStreamBytes: 8_388_608,
  maxStreamAge: 300_000,
  ...defaultHubLimits,
} as const satisfies ServerOptions;

/** Peers acknowledge at the latest after so many bytes; a smaller window would stand still until their delay is over. */
const MIN_WINDOW_BYTES = 65_536;

/** The part of the heap that may wait for clients. */
const HEAP_SHARE = 1 / 4;

export function driverOptionsOf(options: ServerOptions): DriverOptions {
  const given = { ...defaults, ...defined(options) };
  const { maxBufferedBytes, windowBytes, maxHttpBufferSize } = given;
  if (windowBytes < MIN_WINDOW_BYTES)
    throw new RangeError(`windowBytes must be at least ${MIN_WINDOW_BYTES}`);
  return {
    windowMessages: given.windowMessages,
    windowBytes,
    highWaterMarkBytes: given.highWaterMark,
    maxQueueBytes: maxBufferedBytes,
    policy: given.slowConsumer,
    overflow: overflows[given.slowConsumer],
    // the window may wait in the socket too, a character taking up to three bytes there
    maxPeerBytes: given.maxClientBytes ?? maxBufferedBytes + 4 * windowBytes + 2 * maxHttpBufferSize,
    maxTotalBytes: given.maxTotalBufferedBytes ?? getHeapStatistics().heap_size_limit * HEAP_SHARE,
    maxUnconfirmed: given.maxUnconfirmedSessions,
    maxRate: given.maxRate,
    ackDelayMs: 1000,
    pingIntervalMs: given.pingInterval,
    pingTimeoutMs: given.pingTimeout,
    connectTimeoutMs: given.connectTimeout,
    resumeWindowMs: given.resumeWindow,
    maxNamespacesPerPeer: given.maxNamespacesPerPeer,
    maxHelloSize: given.maxHelloSize,
    maxJsonDepth: given.maxJsonDepth,
    authWarningMs: given.authWarning,
    refreshAuth: given.refreshAuth,
  };
}

export function hubLimitsOf(options: ServerOptions): HubLimits {
  const given = Object.entries(defined(options)).filter(([name]) => name in defaultHubLimits);
  return { ...defaultHubLimits, ...Object.fromEntries(given) };
}

/** Options of Socket.IO that keep clients out, and what does so here. */
const foreignGuards = { allowRequest: "authenticate", cors: "origins" };

/** Who brings one of them along must not believe that it guards anything. */
export function refuseForeignGuards(options: ServerOptions): void {
  const given = defined(options);
  for (const [theirs, ours] of Object.entries(foreignGuards)) {
    if (Object.hasOwn(given, theirs)) throw new TypeError(`there is no option ${theirs}, but ${ours}`);
  }
}

/** An option that is `undefined` was left out. */
function defined(options: ServerOptions): ServerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
