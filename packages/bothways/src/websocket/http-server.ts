/** The HTTP server of a `WebSocketServer` that listens by itself. */
import type { Server } from "node:http";
import { createServer } from "./http.ts";
import { defaultHandshakeTimeout, defaultMaxHeaderSize, type ServerOptions } from "./options.ts";

/** Slow and large heads are refused, and what is no upgrade is told so (RFC 9110 §15.5.22). */
export function createHttpServer({
  handshakeTimeout,
  maxHeaderSize = defaultMaxHeaderSize,
}: ServerOptions): Server {
  const timeout = handshakeTimeout ?? defaultHandshakeTimeout;
  const limits = {
    maxHeaderSize,
    headersTimeout: timeout,
    requestTimeout: timeout,
    connectionsCheckingInterval: Math.max(Math.min(timeout / 2, 5_000), 10) || 5_000,
  };
  return createServer(limits, (_, response) => {
    const body = "Upgrade Required";
    response.writeHead(426, {
      "Content-Length": body.length,
      "Content-Type": "text/plain",
      Upgrade: "websocket",
    });
    response.end(body);
  });
}
