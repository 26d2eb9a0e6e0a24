/** json-rpc-2.0: both ends call each other over one WebSocket. */

import { once } from "node:events";
import type { WebSocket } from "bothways/websocket";
import { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } from "json-rpc-2.0";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Engine, engines, pairs, serve, urlOf } from "../engines.ts";

/** As its documentation does it, with the API that browsers have too. */
function speak(socket: WebSocket): JSONRPCServerAndClient {
  const rpc = new JSONRPCServerAndClient(
    new JSONRPCServer({ errorListener: () => {} }),
    new JSONRPCClient((request) => void socket.send(JSON.stringify(request))),
  );
  socket.onmessage = ({ data }) => void rpc.receiveAndSend(JSON.parse(String(data)));
  socket.onclose = ({ reason, code }) => rpc.rejectAllPendingRequests(`closed: ${code} ${reason}`);
  return rpc;
}

async function start({ server, client }: { server: Engine; client: Engine }) {
  const wss = await serve(server);
  const socket = new engines[client].WebSocket(urlOf(wss));
  onTestFinished(() => socket.terminate());
  const [[accepted]] = await Promise.all([
    once(wss, "connection") as Promise<[WebSocket]>,
    once(socket, "open"),
  ]);
  return { server: speak(accepted), client: speak(socket), accepted };
}

describe.each(pairs)("json-rpc-2.0, a server of $server and a client of $client", (pair) => {
  test("each calls the other", async () => {
    const { server, client } = await start(pair);
    server.addMethod("double", async ({ value }) => 2 * (await server.request("value", { value })));
    client.addMethod("value", ({ value }) => value + 1);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, value) => client.request("double", { value })),
    );
    expect(answers).toEqual(Array.from({ length: 100 }, (_, value) => 2 * (value + 1)));
  });

  test("errors are told, and what waits is refused at the end", async () => {
    const { server, client, accepted } = await start(pair);
    server.addMethod("fail", () => {
      throw new Error("no luck");
    });
    server.addMethod("never", () => {
      accepted.close(4000, "enough");
      return new Promise(() => {});
    });
    await expect(client.request("fail", {})).rejects.toThrow("no luck");
    await expect(client.request("none", {})).rejects.toThrow("Method not found");
    await expect(client.request("never", {})).rejects.toThrow("closed: 4000 enough");
  });
});
