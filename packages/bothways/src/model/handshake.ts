/** What a client said of itself when it connected: `socket.handshake`, by Socket.IO's names. */

/** Headers by lower-cased names, a value or one for each line. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a client said of itself when it connected. */
export interface Handshake {
  /** Lower-cased names, as Node gives them. */
  readonly headers: Headers;
  /** Query of the request's URL. */
  readonly query: Readonly<Record<string, string>>;
  /** What the client passed as `auth`, per namespace; `{}` where it passed none. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** Remote address; behind a trusted proxy the one it forwarded. */
  readonly address: string;
  /** The connection came over TLS. */
  readonly secure: boolean;
  /** A cross-origin request from a browser. */
  readonly xdomain: boolean;
  /** When the session began: a date as text, and milliseconds since 1970. */
  readonly time: string;
  /** The same time, in milliseconds since 1970. */
  readonly issued: number;
  /** Path and query of the request. */
  readonly url: string;
}
