/**
 * Every error Bothways can raise or be told of, as one table. The documentation page is printed from it.
 *
 * Invariant: a code is never renamed or reused; peers and log searches depend on it.
 */

/** Who erred: our own caller, the peer, the network between, or the application's handlers. */
export type ErrorSide = "local" | "remote" | "network" | "app";

/** May the same thing be tried again: at once, after a while, or never. */
export type ErrorRetry = "yes" | "later" | "no";

export interface ErrorEntry {
  readonly side: ErrorSide;
  /** WebSocket close code sent with it (RFC 6455 §7.4; 4000–4999 are ours). */
  readonly closeCode: number;
  /** HTTP status of the answer where the error meets a request. */
  readonly httpStatus: number;
  readonly retry: ErrorRetry;
  readonly message: string;
}

function entry(
  side: ErrorSide,
  closeCode: number,
  httpStatus: number,
  retry: ErrorRetry,
  message: string,
): ErrorEntry {
  return { side, closeCode, httpStatus, retry, message };
}

export const errorTable = {
  // wire/websocket: framing (RFC 6455 §5, §7)
  BW_WS_RESERVED_BITS: entry(
    "remote",
    1002,
    400,
    "no",
    "a reserved bit is set and no extension was negotiated",
  ),
  BW_WS_OPCODE: entry("remote", 1002, 400, "no", "unknown opcode"),
  BW_WS_MASK: entry("remote", 1002, 400, "no", "a client must mask its frames and a server must not"),
  BW_WS_CONTROL_FRAME: entry(
    "remote",
    1002,
    400,
    "no",
    "a control frame is fragmented or longer than 125 bytes",
  ),
  BW_WS_CONTINUATION: entry(
    "remote",
    1002,
    400,
    "no",
    "a continuation without a start, or a start inside a message",
  ),
  BW_WS_LENGTH: entry(
    "remote",
    1002,
    400,
    "no",
    "the payload length is not minimally encoded, or its highest bit is set",
  ),
  BW_WS_UTF8: entry("remote", 1007, 400, "no", "a text message or close reason is not valid UTF-8"),
  BW_WS_INFLATE: entry("remote", 1007, 400, "no", "a compressed message could not be decompressed"),
  BW_WS_CLOSE_CODE: entry("remote", 1002, 400, "no", "the close frame carries a code that may not be sent"),
  BW_WS_ABNORMAL: entry("network", 1006, 400, "yes", "the connection ended without a close frame"),
  BW_WS_HANDSHAKE: entry("remote", 1002, 400, "no", "the opening handshake is not a valid WebSocket upgrade"),
  BW_WS_FRAGMENTS: entry("remote", 1008, 400, "no", "the message has more than maxFragments fragments"),
  BW_WS_CONTROL_RATE: entry(
    "remote",
    1008,
    429,
    "later",
    "more pings and pongs came in a second than maxControlRate allows",
  ),
  BW_WS_UPGRADE: entry(
    "network",
    1002,
    426,
    "no",
    "the Upgrade header is missing: a proxy on the way has removed it",
  ),
  BW_WS_VERSION: entry("remote", 1002, 426, "no", "the WebSocket version is not 13"),
  BW_WS_ACCEPT: entry("remote", 1002, 400, "no", "the server's answer to the opening handshake is not valid"),
  BW_WS_HANDSHAKE_TIMEOUT: entry(
    "network",
    1006,
    408,
    "later",
    "the opening handshake took longer than handshakeTimeout",
  ),
  BW_WS_ABORTED: entry("local", 1006, 400, "no", "the WebSocket was closed before it was open"),
  BW_WS_NOT_OPEN: entry("local", 1006, 400, "no", "the WebSocket is not open"),
  BW_WS_TEXT_ONLY: entry("local", 1003, 400, "no", "a client of hixie-76 takes whole text messages only"),
  BW_WS_BLOB: entry("local", 1006, 500, "no", "a Blob to be sent could not be read"),
  BW_WS_REDIRECT: entry("remote", 1006, 502, "no", "the redirect was not followed"),
  // limits, any layer
  BW_MESSAGE_TOO_LARGE: entry("remote", 1009, 413, "no", "the message is larger than maxMessageBytes"),
  BW_HELLO_TOO_LARGE: entry("remote", 4413, 413, "no", "the hello is longer than maxHelloSize"),
  BW_JSON_DEPTH: entry("remote", 4400, 400, "no", "the JSON nests deeper than maxJsonDepth"),
  BW_HEADERS_TOO_LARGE: entry("remote", 1002, 431, "no", "the request head is larger than the limit"),
  // requests and the links made of them: refused before a session is asked, or ended by it
  BW_ORIGIN: entry("remote", 4403, 403, "no", "the Origin of the request is not allowed"),
  BW_UNAUTHORIZED: entry("remote", 4401, 401, "no", "authentication refused the client"),
  BW_AUTH_EXPIRED: entry("remote", 4401, 401, "no", "the authentication has ended"),
  BW_REVOKED: entry("remote", 4401, 401, "no", "the authentication was taken back"),
  BW_HTTP2_STREAMS: entry(
    "remote",
    4429,
    429,
    "later",
    "one HTTP/2 connection has maxHttp2Streams requests and WebSockets open",
  ),
  BW_BAD_REQUEST: entry("remote", 4400, 400, "no", "the request is not one of this protocol"),
  BW_PROTOCOL: entry("remote", 4400, 400, "no", "the peer broke the session protocol"),
  BW_NOT_FOUND: entry("remote", 4404, 404, "no", "nothing is served at this path"),
  BW_METHOD: entry("remote", 4405, 405, "no", "the request method is not POST"),
  BW_TRANSPORT: entry("remote", 4406, 406, "no", "the transport is not one of those the server offers"),
  BW_NO_UPGRADE: entry("remote", 4426, 426, "no", "WebSockets cannot be opened by io.fetch"),
  BW_BODY_TIMEOUT: entry("remote", 4408, 408, "later", "the request body did not arrive in time"),
  BW_TAKEN_OVER: entry("remote", 4409, 409, "no", "a newer link of the session took over"),
  BW_SESSION_UNKNOWN: entry("remote", 4410, 410, "yes", "the session is unknown or its time is over"),
  BW_VERSION: entry(
    "remote",
    4426,
    426,
    "no",
    "the client speaks no version of bothways that this server speaks",
  ),
  BW_IDENTITY: entry("remote", 4403, 403, "no", "the session belongs to another user"),
  BW_INTERNAL: entry("local", 4500, 500, "later", "the server failed"),
  BW_SILENT: entry("network", 4408, 408, "later", "nothing was heard in time"),
  BW_SLOW_CONSUMER: entry(
    "remote",
    4429,
    429,
    "later",
    "the peer did not read what waits for it, up to the hard limit",
  ),
  BW_TOO_MANY_CONNECTIONS: entry(
    "remote",
    4429,
    429,
    "later",
    "the address has as many connections as maxConnectionsPerAddress allows",
  ),
  BW_OVERFLOW: entry("local", 4507, 507, "later", "there is no room for all that waits"),
  BW_RATE_LIMIT: entry("remote", 4429, 429, "later", "more events came than maxRate allows"),
  BW_TRANSPORT_CLOSED: entry("network", 4503, 503, "yes", "the peer closed the transport"),
  // hub and sockets: namespaces, rooms, events, answers
  BW_CLOSED: entry("local", 4000, 200, "no", "closed"),
  BW_HTTP_SERVER: entry(
    "local",
    4400,
    400,
    "no",
    "a Server takes a port number, or a server of node:http, node:https or node:http2",
  ),
  BW_SHUTDOWN: entry("local", 4503, 503, "later", "the server is shutting down"),
  BW_DISCONNECTED: entry("network", 4000, 410, "yes", "the socket is disconnected"),
  BW_NAMESPACE: entry("remote", 4404, 404, "no", "invalid namespace"),
  BW_NAMESPACE_LIMIT: entry("remote", 4429, 429, "no", "too many namespaces for one client"),
  BW_CONNECT_REFUSED: entry("remote", 4403, 403, "no", "joining the namespace was refused"),
  BW_NOT_JOINED: entry("local", 4400, 400, "no", "nothing can be sent before the namespace is joined"),
  BW_BACKPRESSURE: entry("local", 4429, 429, "later", "too much waits to be sent"),
  BW_RESERVED_EVENT: entry("local", 4400, 400, "no", "the event name is reserved"),
  BW_BINARY: entry("remote", 4415, 415, "no", "a plain client says text only"),
  BW_ROOM_REFUSED: entry("remote", 4403, 403, "no", "the room may not be joined by asking for it"),
  BW_ROOM_LIMIT: entry("remote", 4429, 429, "no", "more rooms were asked for than maxRoomsPerRequest"),
  BW_PACKET: entry("remote", 4400, 400, "no", "the packet is malformed"),
  BW_UNKNOWN_EVENT: entry("remote", 4404, 404, "no", "the contract has no such event"),
  BW_INVALID_ARGUMENT: entry("remote", 4400, 400, "no", "an argument is not as the contract says"),
  BW_INVALID_ANSWER: entry("remote", 4400, 400, "no", "the answer is not as the contract says"),
  BW_ROOM_NAME: entry("local", 4400, 400, "no", "the room name is longer than maxRoomNameLength"),
  BW_ACK_TIMEOUT: entry("remote", 4408, 408, "later", "the answer did not come in time"),
  BW_ACK_REFUSED: entry("app", 4500, 500, "no", "the other side could not answer"),
  BW_ACK_LIMIT: entry("local", 4429, 429, "later", "more than maxAcks answers are awaited"),
  BW_TRANSPORT_NAME: entry("local", 4406, 406, "no", "no transport has this name"),
  BW_SERVER_URL: entry("local", 4400, 400, "no", "no URL of a server was given to io()"),
  BW_ABORTED: entry("local", 4000, 400, "no", "the wait for the answer was aborted"),
  BW_EVENTS_WAITING: entry(
    "remote",
    4429,
    429,
    "later",
    "more than maxWaitingEvents events of one socket wait for the application",
  ),
  // transport: links
  BW_LINK_LOST: entry("network", 1006, 502, "yes", "the transport ended or could not be opened"),
} as const satisfies Record<string, ErrorEntry>;

/** Every code, as in docs/reference/errors.md. */
export type ErrorCode = keyof typeof errorTable;
