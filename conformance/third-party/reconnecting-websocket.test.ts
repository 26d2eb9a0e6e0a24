/** reconnecting-websocket: a client that comes back, on the standard's face of ours. */
import { once } from "node:events";
import type { WebSocket } from "bothways/websocket";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Engine, engines, pairs, serve, urlOf } from "../engines.ts";

const { default: ReconnectingWebSocket } = (await import(import.meta.resolve("reconnecting-websocket"))) as {
  default: typeof import("reconnecting-websocket").default;
};

async function start({ server, client }: { server: Engine; client: Engine }, protocols: string[] = []) {
  const wss = await serve(server);
  const socket = new ReconnectingWebSocket(urlOf(wss), protocols, {
    WebSocket: engines[client].WebSocket,
    minReconnectionDelay: 1,
    maxReconnectionDelay: 10,
  });
  onTestFinished(() => socket.close());
  return { wss, socket, accepted: () => once(wss, "connection") as Promise<[WebSocket]> };
}

describe.each(pairs)("reconnecting-websocket, a server of $server and a client of $client", (pair) => {
  test("what is sent before it is open arrives, and comes back", async () => {
    const { socket, accepted } = await start(pair, ["one", "two"]);
    socket.send("early");
    const [server] = await accepted();
    server.on("message", (data, isBinary) => server.send(data as Buffer, { binary: isBinary }));
    const { data } = await new Promise<{ data: unknown }>((resolve) => {
      socket.onmessage = resolve;
    });
    expect([data, socket.protocol, socket.readyState]).toEqual(["early", "one", 1]);
  });

  test.each(["terminate", "close"] as const)(
    "comes back after %s by the server, listeners and all",
    async (way) => {
      const { socket, accepted } = await start(pair);
      const opened: string[] = [];
      socket.addEventListener("open", ({ type }) => void opened.push(type));
      const [first] = await accepted();
      const again = accepted();
      const over = new Promise<{ code: number }>((resolve) => socket.addEventListener("close", resolve));
      first[way]();
      expect((await over).code).toBe(way === "close" ? 1005 : 1006);
      const [second] = await again;
      const found = once(second, "message");
      socket.send("I am back");
      expect(String((await found)[0])).toBe("I am back");
      expect(opened).toEqual(["open", "open"]);
    },
  );

  test("binaryType outlives the connection", async () => {
    const { socket, accepted } = await start(pair);
    socket.binaryType = "arraybuffer" as never;
    const [first] = await accepted();
    const again = accepted();
    first.terminate();
    const [second] = await again;
    second.send(Buffer.from([1, 2]));
    const { data } = await new Promise<{ data: unknown }>((resolve) => {
      socket.onmessage = resolve;
    });
    expect(data).toEqual(new Uint8Array([1, 2]).buffer);
  });

  test("close with code and reason is the last", async () => {
    const { socket, accepted } = await start(pair);
    const [server] = await accepted();
    await new Promise<void>((resolve) => {
      if (socket.readyState === 1) resolve();
      else socket.addEventListener("open", () => resolve());
    });
    const ended = once(server, "close");
    socket.close(4001, "bye");
    const [code, reason] = await ended;
    expect([code, String(reason)]).toEqual([4001, "bye"]);
  });
});
