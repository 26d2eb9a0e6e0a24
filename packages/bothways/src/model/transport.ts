/**
 * The contract between a transport and the driver that feeds a session. A *link* is one attachment of a session to one
 * transport: a WebSocket, or the series of HTTP requests that share a key. A transport moves whole frames and never
 * looks inside one.
 *
 * Invariants: frames of a link arrive in the order they were sent, each at most once, or the link is lost. After `lost`,
 * and after `close` was called, a link says nothing more.
 */
import type { ErrorCode } from "./errors.ts";
import type { Data, Message } from "./message.ts";

/** One attachment of a session to one transport. */
export interface Link {
  /** Name of the technique, as in the `transports` option. */
  readonly transport: string;
  /**
   * The link is made of HTTP exchanges: it can send once per request or answer. What an answer carried may be lost while
   * the link lives, so a server starts each new one after the last number the client has acknowledged.
   */
  readonly rewinds: boolean;
  /** Of a server's link that rewinds: its way down does not wait for an answer to be complete. */
  readonly streams?: boolean;
  /** Adds a frame to the batch being built. Called only while the link is writable. */
  send(frame: Message): void;
  /** The batch is complete: it leaves in one write, one request or one answer. */
  flush(): void;
  /**
   * Lets the batch go, tells the peer `code` (4000–4999) and `reason` where the technique can, and ends. `isLeaving`: the
   * page goes away, and only what outlives it is of use.
   */
  close(code: number, reason: string, isLeaving?: boolean): void;
}

/** What a link tells its driver. Bound to the link before anything can happen on it. */
export interface LinkHandler {
  /** One frame came in. */
  receive(data: Data): void;
  /** All that came in together was given; now is the time to answer. */
  received(): void;
  /** The link can take a batch (again). `goesOn`: in the exchange that was blocked, so nothing has to go again. */
  writable(goesOn?: boolean): void;
  /** It cannot, until the next `writable`. */
  blocked(): void;
  /** The ack frame as of now: HTTP exchanges carry it in each poll and in the answer to each batch. */
  position(): string;
  /** So many bytes wait in the link, in either direction. Said when it changes; on a link that keeps up it never does. */
  buffered?(bytes: number): void;
  /**
   * The link ended by itself. `closeCode` and `reason` are what the peer said, if it said anything; `status` is that of
   * the HTTP answer that ended it.
   */
  lost(code: ErrorCode, closeCode?: number, reason?: string, status?: number): void;
}

/** Client half of a technique, as the `transports` option takes it. */
export interface ClientTransport {
  /** As the `transports` option and reports have it. */
  readonly name: string;
  /** Its way down is HTTP answers that do not end: what holds answers back on the way holds it up. */
  readonly streams?: boolean;
  /**
   * Starts an attempt. `hello` is the first frame; the answer arrives as the first frame of the link.
   * Never throws: whatever fails is told to `handler.lost`, later than this call returns.
   */
  open(request: ConnectRequest, hello: string, handler: LinkHandler): Link;
}

/** Where an attempt goes, and with what. */
export interface ConnectRequest {
  /** Absolute `http:` or `https:` URL of the server's path with the query, such as `https://example.com/bothways/?a=1`. */
  readonly url: string;
  /** Sends cookies to another origin too (browsers). Default false. */
  readonly withCredentials?: boolean | undefined;
  /** Extra request headers (Node only; browsers cannot send them without a preflight). */
  readonly extraHeaders?: Readonly<Record<string, string>> | undefined;
  /** Options for `node:tls` (Node only): `ca`, `cert`, `key`, `rejectUnauthorized` … */
  readonly tls?: Readonly<Record<string, unknown>> | undefined;
  /** A message may be this long; longer ones end the link with BW_MESSAGE_TOO_LARGE. */
  readonly maxMessageBytes: number;
}
