/** Ours with `ws` and with Node's own WebSocket, both ways. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import type { WebSocket } from "../../src/websocket/index.ts";
import { closed, connectPair, messages, pairs, serve, urlOf } from "./rig.ts";

const large = 24 * 1_048_576;

describe.each(pairs)("a server of %s, a client of %s", (...names) => {
  const options = {
    server: { maxPayload: 2 * large },
    client: { maxPayload: 2 * large, perMessageDeflate: false as const },
    names,
  };

  async function echoing(): Promise<{ server: WebSocket; client: WebSocket }> {
    const pair = await connectPair(options);
    pair.server.on("message", (data, isBinary) => pair.server.send(data as Buffer, { binary: isBinary }));
    return pair;
  }

  test("texts and bytes come back as they were", async () => {
    const { client } = await echoing();
    const sent = ["", "a", "héllo 😀", "x".repeat(125), "y".repeat(126), "z".repeat(65_536)];
    const texts = messages(client, sent.length);
    for (const text of sent) client.send(text);
    expect(await texts).toEqual(sent);
    for (const bytes of [0, 1, 125, 126, 65_535, 65_536, 70_000].map((count) => randomBytes(count))) {
      client.send(bytes);
      const [data, isBinary] = await once(client, "message");
      expect([Buffer.compare(data as Buffer, bytes), isBinary]).toEqual([0, true]);
    }
  });

  test("a message of 24 MiB comes back whole", async () => {
    const { client } = await echoing();
    const bytes = randomBytes(large);
    client.send(bytes);
    const [data] = await once(client, "message");
    expect(Buffer.compare(data as Buffer, bytes)).toBe(0);
  });

  test("fragments are one message, with a ping between them", async () => {
    const { server, client } = await connectPair(options);
    const received = messages(server, 2);
    const pinged = once(server, "ping");
    const ponged = once(client, "pong");
    client.send("one ", { fin: false });
    client.ping("there?");
    client.send("two ", { fin: false });
    client.send("three");
    client.send(Buffer.from("four"));
    expect(await received).toEqual(["one two three", "four"]);
    expect([String((await pinged)[0]), String((await ponged)[0])]).toEqual(["there?", "there?"]);
  });

  test.each([
    [undefined, 1005],
    [1000, 1000],
    [1011, 1011],
    [3000, 3000],
    [4999, 4999],
  ] as const)("close(%s) is told to both, whoever begins", async (code, expected) => {
    for (const beginner of ["server", "client"] as const) {
      const pair = await connectPair(options);
      const ends = Promise.all([closed(pair.server), closed(pair.client)]);
      pair[beginner].close(code, code === undefined ? undefined : "because");
      const [server, client] = await ends;
      expect([server[0], client[0]]).toEqual([expected, expected]);
      const told = beginner === "server" ? client : server;
      expect(told[1]).toBe(code === undefined ? "" : "because");
    }
  });
});

describe("Node's own WebSocket as client", () => {
  test("texts, bytes, subprotocol, close", async () => {
    const wss = await serve({ handleProtocols: (offered) => (offered.has("two") ? "two" : false) });
    wss.on("connection", (server) => {
      server.on("message", (data, isBinary) => server.send(data as Buffer, { binary: isBinary }));
    });
    const client = new globalThis.WebSocket(urlOf(wss), ["one", "two"]);
    onTestFinished(() => client.close());
    client.binaryType = "arraybuffer";
    const next = (type: string): Promise<Event> =>
      new Promise((resolve) => client.addEventListener(type, resolve, { once: true }));
    await next("open");
    expect(client.protocol).toBe("two");
    client.send("text");
    expect(await next("message")).toMatchObject({ data: "text" });
    client.send(new Uint8Array([1, 2, 3]));
    const { data } = (await next("message")) as MessageEvent;
    expect(new Uint8Array(data)).toEqual(new Uint8Array([1, 2, 3]));
    const [server] = wss.clients ?? [];
    server?.close(4001, "enough");
    expect(await next("close")).toMatchObject({ code: 4001, reason: "enough", wasClean: true });
  });
});
