/** What `new Server(…, options)` takes. Names and defaults are Socket.IO's where it has them. */
import type { IncomingMessage } from "node:http";
import type { HubLimits } from "../hub/platform.ts";
import type { Contract } from "../model/contract.ts";
import type { Untyped } from "../model/events.ts";
import type { TrustProxy } from "../transport/node/address.ts";
import type { OriginPolicy } from "../transport/node/origin.ts";
import type { PerMessageDeflateOptions } from "../transport/node/per-message-deflate.ts";

export interface ServerOptions<ListenEvents = Untyped, EmitEvents = Untyped> extends Partial<HubLimits> {
  /** Path of our requests, with a slash at both ends; all others are left to other listeners. Default `/bothways/`. */
  readonly path?: string;
  /** Serve the browser client at `<path>client.js`. Default true. */
  readonly serveClient?: boolean;
  /**
   * Judges each request that begins or resumes a session, whatever the transport. What it returns is
   * `socket.identity`; a string, or an object's `user`, also names who may resume the session. What it throws is told to
   * the client as `connect_error`. Default: everyone is let in.
   */
  readonly authenticate?: (request: IncomingMessage) => unknown;
  /**
   * What the default namespace and its clients may say to each other, made by `defineContract`: it gives the types, and
   * no handler is called with arguments that are not as agreed. Default: anything may be said.
   */
  readonly contract?: Contract<ListenEvents, EmitEvents>;
  /** Pages of which origins may connect, besides those of the server's own. Default `"same-origin"`. */
  readonly origins?: OriginPolicy;
  /** Believe X-Forwarded-Host, -Proto and -For: true, or how many proxies stand in front. Default false. */
  readonly trustProxy?: TrustProxy;
  /** The server pings a client that was silent this long, in ms. Default 15,000. */
  readonly pingInterval?: number;
  /** A link whose ping is not answered within this many ms is lost. Default 10,000. */
  readonly pingTimeout?: number;
  /** A client that has not said hello, or not shown that it was welcomed, within this many ms is dropped. Default 10,000. */
  readonly connectTimeout?: number;
  /** A client that lost its transport may resume its session this long, in ms. Default 120,000. */
  readonly resumeWindow?: number;
  /** Longest message, in bytes. Default 1,000,000. */
  readonly maxHttpBufferSize?: number;
  /**
   * Compress messages to WebSocket clients that offer it, and take theirs compressed (RFC 7692). True takes the defaults:
   * messages from 1 KiB on, and no memory per connection. Default false.
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions;
  /** Bytes either side may have sent to the other without an acknowledgement: at least 64 KiB. Default 1 MiB. */
  readonly windowBytes?: number;
  /** Messages likewise. Default 1,024. */
  readonly windowMessages?: number;
  /** `emit` returns false when more bytes than this wait for one client. Default 256 KiB. */
  readonly highWaterMark?: number;
  /** A client for which more bytes than this wait is too slow. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** What happens to it. Default `"disconnect"`, with the reason `slow consumer`. */
  readonly slowConsumer?: "disconnect" | "drop-oldest" | "latest-by-key";
  /** Close the server when the process gets SIGTERM: clients are told to come back elsewhere. Default false. */
  readonly drainOnSigterm?: boolean;
  /** Told of what the application's handlers throw. Default: written to stderr. */
  readonly onError?: (error: unknown) => void;
}
