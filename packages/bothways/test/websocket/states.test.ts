/** The end, from every state and by every way: terminate, reset, half-close, a peer that never answers. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { WebSocket } from "../../src/websocket/index.ts";
import {
  closed,
  closeFrame4000,
  connectPair,
  connectRaw,
  frame,
  open,
  portOf,
  RawClient,
  record,
  serve,
} from "./rig.ts";

type State = "connecting" | "open" | "closing" | "closing for the peer" | "closed";
const states: readonly State[] = ["connecting", "open", "closing", "closing for the peer", "closed"];

/** A raw server that accepts, and our client to it in `state`; only `closed` has ended TCP. */
async function clientIn(state: State): Promise<{ client: WebSocket; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = open(`ws://127.0.0.1:${portOf(server)}/`);
  const [peer] = (await once(server, "connection")) as [Socket];
  peer.on("error", () => {});
  onTestFinished(() => {
    peer.destroy();
    server.close();
  });
  const [head] = await once(peer, "data");
  if (state === "connecting") return { client, peer };
  const [, key = ""] = /Sec-WebSocket-Key: (.*)\r\n/.exec(String(head)) ?? [];
  const { acceptKey } = await import("../../src/wire/websocket/handshake-key.ts");
  const { nodePrimitives } = await import("../../src/platform/node.ts");
  peer.write(
    `HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key, nodePrimitives)}\r\n\r\n`,
  );
  await once(client, "open");
  if (state === "open") return { client, peer };
  if (state === "closing for the peer") {
    peer.write(Buffer.from([0x88, 2, 0x0f, 0xa0]));
    await once(peer, "data");
    return { client, peer };
  }
  client.close(4000);
  await once(peer, "data");
  if (state === "closed") {
    peer.end(Buffer.from([0x88, 2, 0x0f, 0xa0]));
    await closed(client);
  }
  return { client, peer };
}

describe.each(states)("a client that is %s", (state) => {
  const expectedCode = state === "closing for the peer" ? 4000 : 1006;
  const expectedError = state === "connecting" ? ["error (2)"] : [];
  const expected = state === "closed" ? [] : [...expectedError, `close ${expectedCode}  (3)`];

  test("terminate", async () => {
    const { client } = await clientIn(state);
    const told = record(client);
    const end = state === "closed" ? undefined : closed(client);
    client.terminate();
    await end;
    client.terminate();
    client.close();
    expect([told, client.readyState]).toEqual([expected, client.CLOSED]);
  });

  test("reset by the peer", async () => {
    const { client, peer } = await clientIn(state);
    const told = record(client);
    const end = state === "closed" ? undefined : closed(client);
    peer.resetAndDestroy();
    await end;
    expect([told, client.readyState]).toEqual([expected, client.CLOSED]);
  });

  test("FIN from the peer", async () => {
    const { client, peer } = await clientIn(state);
    const told = record(client);
    const end = state === "closed" ? undefined : closed(client);
    peer.end();
    peer.resume();
    await end;
    expect([told, client.readyState]).toEqual([expected, client.CLOSED]);
  });
});

describe("a server's WebSocket", () => {
  const ways: Readonly<Record<string, (client: RawClient) => void>> = {
    "reset by the peer": ({ socket }) => void socket.resetAndDestroy(),
    "FIN from the peer": ({ socket }) => void socket.end(),
  };

  test.each(Object.keys(ways))("%s while it is open", async (way) => {
    const { server, client } = await connectRaw();
    const told = record(server);
    ways[way]?.(client);
    await closed(server);
    expect(told).toEqual(["close 1006  (3)"]);
  });

  test.each(Object.keys(ways))("%s while it is closing", async (way) => {
    const { server, client } = await connectRaw();
    const told = record(server);
    server.close(4000);
    await client.receive(closeFrame4000);
    ways[way]?.(client);
    await closed(server);
    expect(told).toEqual(["close 1006  (3)"]);
  });

  test.each(Object.keys(ways))("%s while it is closing for the peer", async (way) => {
    const { server, client } = await connectRaw();
    const told = record(server);
    client.socket.write(frame(8, Uint8Array.of(0x0f, 0xa0)));
    await client.receive(closeFrame4000);
    ways[way]?.(client);
    await closed(server);
    expect(told).toEqual(["close 4000  (3)"]);
  });

  test.each(Object.keys(ways))("%s while it is paused, and more is to be read", async (way) => {
    const { server, client } = await connectRaw();
    server.pause();
    client.socket.write(frame(1, "unread"));
    ways[way]?.(client);
    const end = closed(server);
    server.resume();
    expect((await end)[0]).toBe(1006);
  });

  test("half-close: what came before FIN is given, what is sent after it arrives", async () => {
    const { server, client } = await connectRaw();
    const told = record(server);
    client.socket.end(Buffer.concat([frame(1, "last"), frame(8, Uint8Array.of(0x0f, 0xa0))]));
    await closed(server);
    expect(told).toEqual(["message last false (1)", "close 4000  (3)"]);
    expect(await client.ended()).toMatch(closeFrame4000);
  });

  test("a peer that never answers the close frame is waited for no longer than closeTimeout", async () => {
    const { server, client } = await connectRaw({ closeTimeout: 50 });
    server.close(4000);
    expect(await closed(server)).toEqual([1006, ""]);
    await client.ended();
  });

  test("a peer that answers, but does not end TCP, closed cleanly", async () => {
    const { server, client } = await connectRaw({ closeTimeout: 50 });
    server.close(4000);
    await client.receive(closeFrame4000);
    client.socket.write(frame(8, Uint8Array.of(0x0f, 0xa0)));
    expect(await closed(server)).toEqual([4000, ""]);
  });

  test("paused by a listener, it still sees the end of TCP behind the close frame that had come", async () => {
    const { server, client } = await connectRaw();
    server.on("message", () => server.pause());
    client.socket.end(Buffer.concat([frame(1, "last"), frame(8, Uint8Array.of(0x0f, 0xa0))]));
    expect(await closed(server)).toEqual([4000, ""]);
  });

  test("terminate inside a message listener: no message follows", async () => {
    const { server, client } = await connectRaw();
    const told = record(server);
    server.once("message", () => server.terminate());
    client.socket.write(Buffer.concat([frame(1, "one"), frame(1, "two")]));
    await closed(server);
    expect(told).toEqual(["message one false (1)", "close 1006  (3)"]);
  });

  test("send callbacks are called with an error when the connection breaks", async () => {
    const { server, client } = await connectRaw({ maxBufferedAmount: 0 });
    client.socket.pause();
    const errors: unknown[] = [];
    for (let i = 0; i < 3; i++)
      server.send(Buffer.alloc(5_000_000), (error) => errors.push(error instanceof Error));
    await new Promise(setImmediate);
    client.socket.resetAndDestroy();
    await closed(server);
    expect(errors.at(-1)).toBe(true);
    expect(errors).toHaveLength(3);
  });

  test("hundreds of connections come and go, and nothing of them stays", async () => {
    const wss = await serve();
    for (let round = 0; round < 4; round++) {
      const clients = Array.from({ length: 50 }, () => open(`ws://127.0.0.1:${portOf(wss)}/`));
      await Promise.all(clients.map((client) => once(client, "open")));
      const ends = [...(wss.clients ?? [])].map((server) => closed(server));
      for (const [i, client] of clients.entries()) i % 2 === 0 ? client.close() : client.terminate();
      await Promise.all(ends);
    }
    expect(wss.clients?.size).toBe(0);
    const { server, client } = await connectPair();
    expect([server.readyState, client.readyState]).toEqual([1, 1]);
  });
});

test("a handshake that the client leaves in the middle leaves nothing behind", async () => {
  let decide: ((isAccepted: boolean) => void) | undefined;
  const wss = await serve({
    verifyClient: (_, callback) => {
      decide = callback;
    },
  });
  const client = new RawClient(portOf(wss));
  while (decide === undefined) await new Promise(setImmediate);
  client.socket.resetAndDestroy();
  await once(client.socket, "close");
  await new Promise(setImmediate);
  wss.on("connection", () => expect.unreachable());
  decide(true);
  expect(wss.clients?.size).toBe(0);
});
