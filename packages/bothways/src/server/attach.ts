/**
 * Takes the requests to one path of an HTTP server that others may use too, whether they listen already or later.
 *
 * Invariant: nobody else sees a request or an upgrade of ours, and we touch none of theirs.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { guardSocket, refuseUpgrade } from "../transport/node/upgrade.ts";

/** How often a server that closes looks for connections nobody uses. */
const IDLE_CHECK_MS = 50;

export interface Visitors {
  owns(url: string | undefined): boolean;
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
}

export interface Attached {
  /** Gives the server back, and closes it. */
  close(): Promise<void>;
}

export function attach(server: HttpServer | HttpsServer, path: string, visitors: Visitors): Attached {
  const emit = server.emit;
  // A listener cannot keep an event from the others, and a framework's would answer 404 or destroy the socket.
  const intercept = function (this: typeof server, event: string, ...args: unknown[]): boolean {
    const [request, other, head] = args;
    const isOurs =
      (event === "request" || event === "upgrade") && visitors.owns((request as IncomingMessage).url);
    if (!isOurs) return Reflect.apply(emit, this, [event, ...args]);
    if (event === "request") visitors.request(request as IncomingMessage, other as ServerResponse);
    else visitors.upgrade(request as IncomingMessage, other as Duplex, head as Uint8Array);
    return true;
  };
  // Node emits `upgrade` only where somebody listens; without another listener nobody would answer a stray one.
  const strayUpgrade = (_request: IncomingMessage, socket: Duplex): void => {
    if (server.listenerCount("upgrade") > 1) return;
    guardSocket(socket);
    refuseUpgrade(socket, { code: "BW_NOT_FOUND", detail: `WebSockets connect to ${path}` });
  };
  server.emit = intercept as typeof emit;
  server.on("upgrade", strayUpgrade);
  return {
    close() {
      server.off("upgrade", strayUpgrade);
      if (server.emit === intercept) server.emit = emit;
      return new Promise((resolve) => {
        // a connection whose last answer is still being written is kept alive after it, and would be waited for
        const timer = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
        server.close(() => {
          clearInterval(timer);
          resolve();
        });
      });
    },
  };
}
