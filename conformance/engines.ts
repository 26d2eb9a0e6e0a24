/**
 * `ws` and `bothways/websocket` side by side: whatever is tried with one of them is tried with the other, which is the
 * control. Servers listen on loopback, and are gone when the test is.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import * as ours from "bothways/websocket";
import { onTestFinished } from "vitest";
import * as ws from "ws";

/** `ws`, taken for ours: that one may be put in the other's place is what these tests are about. */
export const engines = { bothways: ours, ws: ws as unknown as typeof ours };
export type Engine = keyof typeof engines;

/** Who serves whom. */
export const pairs: readonly { readonly server: Engine; readonly client: Engine }[] = [
  { server: "bothways", client: "bothways" },
  { server: "bothways", client: "ws" },
  { server: "ws", client: "bothways" },
  { server: "ws", client: "ws" },
];

export async function serve(engine: Engine, options: ours.ServerOptions = {}): Promise<ours.WebSocketServer> {
  const server = new engines[engine].WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  await once(server, "listening");
  onTestFinished(() => {
    for (const client of server.clients ?? []) client.terminate();
    server.close();
  });
  return server;
}

export function urlOf(server: { address(): AddressInfo | string | null }, path = "/"): string {
  return `ws://127.0.0.1:${portOf(server)}${path}`;
}

export function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}
