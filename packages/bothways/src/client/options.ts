/** What `io(url, options)` takes. Names and defaults are Socket.IO's where it has them. */
import type { ClientTransport } from "../model/transport.ts";

/** Options of a connection, which the namespaces of an origin share. */
export interface ConnectionOptions {
  /** Path of the server. Default `/bothways/`. */
  readonly path?: string;
  /** Added to the URL, so the server sees it in `handshake.query`. */
  readonly query?: Readonly<Record<string, string>>;
  /** Cookies go to another origin too (browsers). Default false. */
  readonly withCredentials?: boolean;
  /** Request headers (Node only; a browser cannot send any with a WebSocket). */
  readonly extraHeaders?: Readonly<Record<string, string>>;
  /** Options for TLS (Node only): `ca`, `cert`, `key`, `rejectUnauthorized` … */
  readonly tls?: Readonly<Record<string, unknown>>;
  /** Connect as soon as `io()` is called. Default true. */
  readonly autoConnect?: boolean;
  /** Try again when the connection was lost or could not be made. Default true. */
  readonly reconnection?: boolean;
  /** Give up after this many failed tries in a row. Default Infinity. */
  readonly reconnectionAttempts?: number;
  /** First wait before a try, in ms. Default 1,000. */
  readonly reconnectionDelay?: number;
  /** The most that wait grows to, in ms. Default 5,000. */
  readonly reconnectionDelayMax?: number;
  /** Each wait is made shorter or longer by up to this part of it. Default 0.5. */
  readonly randomizationFactor?: number;
  /** An attempt that is not answered is given up after this many ms. Default 20,000. */
  readonly timeout?: number;
  /** The next technique is tried beside one that is not open after this many ms. Default: learned, 400 to 1,000; at first 500. */
  readonly hedgeDelay?: number;
  /** Move to a better technique than the one that connected, when there is one. Default true. */
  readonly upgrade?: boolean;
  /** What waits to be sent while away or without credit, in bytes. Beyond it `emit` throws. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** `emit` returns false when more than this waits, in bytes, and `drain` follows. Default 256 KiB. */
  readonly highWaterMark?: number;
}

/** Options of the socket of one namespace. */
export interface SocketOptions extends ConnectionOptions {
  /** Sent to the server when joining the namespace: a value, or a function that passes one to its callback. */
  readonly auth?: Auth;
  /** A connection of its own, not shared with other namespaces of the origin. Default false. */
  readonly forceNew?: boolean;
  /** Share the connection with other namespaces of the origin. Default true. */
  readonly multiplex?: boolean;
}

/** What is sent when joining, or a function that passes it to its callback. */
export type Auth =
  | Readonly<Record<string, unknown>>
  | ((callback: (auth: Readonly<Record<string, unknown>>) => void) => void);

/** Options with the techniques as values, as `bothways/client/core` needs them. */
export interface CoreOptions extends SocketOptions {
  /** Best first. */
  readonly transports: readonly ClientTransport[];
}

/** What the client needs of its platform. */
export interface ClientPlatform {
  /** Monotonic milliseconds. */
  now(): number;
  /** Returns what cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
  /** Calls back when what runs now is done. */
  defer(callback: () => void): void;
  /** In [0, 1). */
  random(): number;
  /** ≥ 128 random bits as base64url. */
  createSecret(): string;
  /**
   * Calls `woke` when the device woke, the page is shown again, or the network is back, perhaps another one; `left` when the
   * page goes away, perhaps to come back as it was. Returns what ends that.
   */
  watch(woke: (isNetworkNew: boolean) => void, left: (isKept: boolean) => void): () => void;
}

/** Options of `io` in `bothways/client`. */
export interface IoOptions extends SocketOptions {
  /** Best first: names of the default transports, or transports as values. Default: websocket, stream, sse, long-polling. */
  readonly transports?: readonly (string | ClientTransport)[];
}
