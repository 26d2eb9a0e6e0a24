/**
 * Takes the requests to one path of an HTTP server that others may use too, whether they listen already or later.
 *
 * Invariant: nobody else sees a request, an upgrade or a stream of ours, and we touch none of theirs.
 */
import { Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import { errorTable } from "../model/errors.ts";
import {
  type AnyHttp2Server,
  createRequest,
  createResponse,
  http2Listeners,
  isExtendedConnect,
  isGone,
  offerConnect,
  refuseStream,
  StreamCount,
} from "../transport/node/http2.ts";
import { intercept } from "../transport/node/intercept.ts";
import { guardSocket, refuseUpgrade, type UpgradeRefusal } from "../transport/node/upgrade.ts";
import { OpenConnections } from "./open-connections.ts";

/** How often a server that closes looks for connections nobody uses. */
const IDLE_CHECK_MS = 50;

const nothing = new Uint8Array(0);

/** A server of `node:http`, `node:https` or `node:http2`. */
export type AnyHttpServer = HttpServer | HttpsServer | AnyHttp2Server;

export interface Visitors {
  /** How many streams one HTTP/2 session may have here at a time. */
  readonly maxStreams: number;
  owns(url: string | undefined): boolean;
  request(request: IncomingMessage, response: ServerResponse): void;
  /** `socket` is the stream of an extended CONNECT where the request came over HTTP/2. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
  /** The request had one stream too many, and was answered. */
  crowded(request: IncomingMessage): void;
}

export interface Attached {
  /** Gives the server back, and closes it. */
  close(): Promise<void>;
}

export function attach(server: AnyHttpServer, path: string, visitors: Visitors): Attached {
  const streams = new StreamCount(visitors.maxStreams);
  const connections = new OpenConnections();
  let isClosing = false;
  const takeStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
  ): void => {
    guardSocket(stream);
    if (isGone(stream)) return;
    const isConnect = isExtendedConnect(headers);
    const request = createRequest(stream, headers, raw);
    if (!streams.add(stream)) {
      refuseStream(stream, errorTable.BW_HTTP2_STREAMS.httpStatus);
      visitors.crowded(request);
    } else if (isConnect) visitors.upgrade(request, stream, nothing);
    else visitors.request(request, createResponse(stream));
  };
  const isOurs = (url: string | undefined): boolean => !isClosing && visitors.owns(url);
  /** Those of HTTP/2 that have a socket, and what ends that: Node lends it to nobody once the session is destroyed. */
  const sessions = new Map<Http2Session, () => void>();
  const stray: UpgradeRefusal = { code: "BW_NOT_FOUND", detail: `WebSockets connect to ${path}` };
  // Node emits `upgrade` only where somebody listens; without another listener nobody would answer a stray one.
  const strayUpgrade = (_request: IncomingMessage, socket: Duplex): void => {
    if (server.listenerCount("upgrade") > 1) return;
    guardSocket(socket);
    refuseUpgrade(socket, stray);
  };
  // A listener cannot keep an event from the others, and a framework's would answer 404 or destroy the socket.
  const release = intercept(server, (event, args, passOn) => {
    if (event === "session") {
      const session = args[0] as Http2Session;
      sessions.set(session, session.socket.destroySoon);
      session.once("close", () => sessions.delete(session));
      offerConnect(server as AnyHttp2Server, session);
    }
    if (event === "stream") {
      const [stream, headers, , raw] = args as [ServerHttp2Stream, IncomingHttpHeaders, number, string[]];
      if (isOurs(headers[":path"])) takeStream(stream, headers, raw);
      else if (!passOn() && isExtendedConnect(headers)) refuseUpgrade(stream, stray);
      return true;
    }
    if (event === "connection" && server instanceof TlsServer) connections.greet(args[0] as Socket);
    else if (event === "connection" && server instanceof HttpServer) connections.add(args[0] as Socket);
    if (event === "secureConnection") connections.add(args[0] as Socket);
    if (event !== "request" && event !== "upgrade") return passOn();
    const [request, other, head] = args as [IncomingMessage, unknown, Uint8Array];
    if (event === "request") connections.answer(request.socket, other as ServerResponse);
    else connections.remove(request.socket);
    if (!isOurs(request.url)) return passOn();
    if (event === "request") visitors.request(request, other as ServerResponse);
    else visitors.upgrade(request, other as Duplex, head);
    return true;
  });
  http2Listeners.add(strayUpgrade);
  server.on("upgrade", strayUpgrade);
  return {
    close() {
      server.off("upgrade", strayUpgrade);
      isClosing = true;
      return close(server, sessions, connections).finally(release);
    },
  };
}

function close(
  server: AnyHttpServer,
  sessions: ReadonlyMap<Http2Session, () => void>,
  connections: OpenConnections,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      // a connection whose last answer is still being written is kept alive after it, and would be waited for
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      connections.endUnused();
      // and a session that is over waits for its peer to end the connection, which one that has vanished never does
      for (const [session, destroySoon] of sessions) if (session.destroyed) destroySoon();
    }, IDLE_CHECK_MS);
    server.close(() => {
      clearInterval(timer);
      resolve();
    });
    // as newer versions of Node do by themselves
    for (const session of sessions.keys()) session.close();
  });
}
