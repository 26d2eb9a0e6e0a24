/**
 * Several `WebSocketServer`s on one HTTP server, told apart by `path`: one `upgrade` listener per HTTP server asks them
 * in turn. A request that none of them takes is refused, unless the application listens for upgrades too: then it is
 * the application's.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { refuse } from "./refusal.ts";

export interface UpgradeTaker {
  shouldHandle(request: IncomingMessage): boolean;
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

const takersOf = new WeakMap<object, Set<UpgradeTaker>>();

/** Until what is returned is called, `taker` gets the upgrades of `server` that it should handle. */
export function routeUpgrades(
  server: Pick<Server, "on" | "off" | "listenerCount">,
  taker: UpgradeTaker,
): () => void {
  const takers = takersOf.get(server) ?? listen(server);
  takers.add(taker);
  return () => takers.delete(taker);
}

function listen(server: Pick<Server, "on" | "listenerCount">): Set<UpgradeTaker> {
  const takers = new Set<UpgradeTaker>();
  takersOf.set(server, takers);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    for (const taker of takers) {
      if (taker.shouldHandle(request)) return taker.take(request, socket, head);
    }
    if (server.listenerCount("upgrade") === 1) refuse(socket, 400, "nothing is served at this path");
  });
  return takers;
}
