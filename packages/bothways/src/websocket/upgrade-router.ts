/**
 * Several `WebSocketServer`s on one HTTP server, told apart by `path`: one `upgrade` listener per HTTP server asks them
 * in turn. A request that none of them takes is refused, unless the application listens for upgrades too: then it is
 * the application's. The same on HTTP/2 for extended CONNECTs, which are taken before listeners see them, since Node's
 * compatibility layer answers those that it does not know (docs/decisions/0008).
 */
import type { IncomingMessage } from "node:http";
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import {
  type AnyHttp2Server,
  createRequest,
  http2Listeners,
  isExtendedConnect,
  offerConnect,
} from "../transport/node/http2.ts";
import { intercept } from "../transport/node/intercept.ts";
import { type HttpServer, noBytes } from "./options.ts";
import { refuse } from "./refusal.ts";

export interface UpgradeTaker {
  shouldHandle(request: IncomingMessage): boolean;
  /** `socket` is the stream of an extended CONNECT where the request came over HTTP/2. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

interface Route {
  readonly takers: Set<UpgradeTaker>;
  readonly upgrade: UpgradeTaker["take"];
}

const routes = new WeakMap<object, Route>();

/** Until what is returned is called, `taker` gets the upgrades of `server` that it should handle. */
export function routeUpgrades(server: HttpServer, taker: UpgradeTaker): () => void {
  const { takers, upgrade } = routes.get(server) ?? createRoute(server);
  if (takers.size === 0) server.on("upgrade", upgrade);
  takers.add(taker);
  return () => {
    takers.delete(taker);
    // Without listeners an upgrade is a request like any other.
    if (takers.size === 0) server.off("upgrade", upgrade);
  };
}

function createRoute(server: HttpServer): Route {
  const takers = new Set<UpgradeTaker>();
  const take = (request: IncomingMessage, socket: Duplex, head: Buffer): boolean => {
    const taker = [...takers].find((one) => one.shouldHandle(request));
    taker?.take(request, socket, head);
    return taker !== undefined;
  };
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (!take(request, socket, head) && server.listenerCount("upgrade") === 1) refuseStray(socket);
  };
  http2Listeners.add(upgrade);
  intercept(server, (event, args, passOn) => {
    if (event === "session" && takers.size > 0)
      offerConnect(server as AnyHttp2Server, args[0] as Http2Session);
    if (event !== "stream") return passOn();
    const [stream, headers, , raw] = args as [ServerHttp2Stream, IncomingHttpHeaders, number, string[]];
    if (!isExtendedConnect(headers)) return passOn();
    if (!take(createRequest(stream, headers, raw), stream, noBytes) && !passOn()) refuseStray(stream);
    return true;
  });
  const route = { takers, upgrade };
  routes.set(server, route);
  return route;
}

function refuseStray(socket: Duplex): void {
  refuse(socket, 400, "nothing is served at this path");
}
