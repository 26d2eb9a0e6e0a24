/**
 * How long each library's own client takes to join, in round trips: between it and the server is a network with a round
 * trip so long that computing does not count. TCP's own round trip, which loopback does not have, is in.
 */
import { io as connectBothways } from "bothways/client";
import { FaultProxy } from "bothways/testing";
import { io as connectSocketIo } from "socket.io-client";
import type { ServerName } from "../works.ts";
import type { Run } from "./main.ts";

/** What both clients have in common. */
interface Client {
  on(event: "connect", listener: () => void): unknown;
  disconnect(): unknown;
}

const auth = { token: "open sesame" };

function connect(server: ServerName, url: string): Client {
  if (server === "socketio") return connectSocketIo(url, { auth, forceNew: true });
  return connectBothways(url, { auth, forceNew: true });
}

export async function prepareRoundTrips(
  port: number,
  server: ServerName,
  joins: number,
  rttMs: number,
): Promise<Run> {
  const proxy = await FaultProxy.listen({ target: { port }, latencyMs: rttMs / 2, handshakeRtt: true });
  const join = async (): Promise<number> => {
    const since = performance.now();
    const client = connect(server, proxy.url);
    await new Promise<void>((resolve) => client.on("connect", resolve));
    const tookMs = performance.now() - since;
    client.disconnect();
    return tookMs;
  };
  await join();
  return async () => {
    const latenciesMs: number[] = [];
    while (latenciesMs.length < joins) latenciesMs.push(await join());
    const middle = latenciesMs.toSorted((a, b) => a - b)[Math.floor(joins / 2)] ?? Number.NaN;
    return { items: joins, latenciesMs, value: middle / rttMs };
  };
}
