/** What a hostile peer may send at no cost to it: the server answers, forgets it, and others notice nothing. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  closed,
  connectPair,
  connectRaw,
  frame,
  messages,
  open,
  portOf,
  RawClient,
  record,
  serve,
  upgradeHead,
  urlOf,
} from "./rig.ts";

test("a million tiny frames are as many messages", async () => {
  const { server, client } = await connectRaw();
  const count = 1_000_000;
  let received = 0;
  const all = new Promise<void>((resolve) => server.on("message", () => ++received === count && resolve()));
  const many = Buffer.concat(Array.from({ length: 10_000 }, () => frame(2, "x")));
  for (let i = 0; i < count / 10_000; i++) client.socket.write(many);
  await all;
  expect([received, server.readyState]).toEqual([count, 1]);
});

test("a hundred thousand pings, and nobody who reads the pongs", async () => {
  const { server, client } = await connectRaw({ maxControlRate: 0 });
  client.socket.pause();
  const many = Buffer.concat([
    ...Array.from({ length: 100_000 }, () => frame(9, "x".repeat(100))),
    frame(1, "end"),
  ]);
  const end = messages(server, 1);
  client.socket.write(many);
  await end;
  // What the kernel did not take is at most what came before the first write was seen to block.
  expect(server.bufferedAmount).toBeLessThan(1_000_000);
});

test("a message byte by byte is one message", async () => {
  const { server, client } = await connectRaw();
  const received = messages(server, 1);
  client.socket.setNoDelay(true);
  for (const byte of frame(1, "slowly")) {
    await new Promise((resolve) => client.socket.write(Buffer.of(byte), resolve));
    await new Promise(setImmediate);
  }
  expect(await received).toEqual(["slowly"]);
});

test("random bytes end one connection each, and the one beside them goes on", async () => {
  const wss = await serve({ closeTimeout: 20 });
  wss.on("connection", (ws) => ws.on("message", (data) => ws.send(data as Buffer)));
  const honest = open(urlOf(wss));
  await once(honest, "open");
  for (let i = 0; i < 50; i++) {
    const junk = new RawClient(portOf(wss));
    await junk.receive(/\r\n\r\n/);
    junk.socket.end(randomBytes(1 + i * 7));
    await junk.ended();
    honest.send(`${i}`);
    expect(String((await once(honest, "message"))[0])).toBe(`${i}`);
  }
});

test("any heads of requests are answered or dropped, and none ends the process", async () => {
  const wss = await serve({ handshakeTimeout: 500 });
  const line = fc.constantFrom(
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Host",
    "Content-Length",
  );
  const value = fc.constantFrom(
    "",
    "websocket",
    "upgrade",
    "13",
    "a, b",
    "__proto__",
    "constructor",
    "x".repeat(300),
    ",,,",
    "\t",
    "é",
  );
  const heads = fc.uniqueArray(fc.tuple(line, value), { selector: ([name]) => name, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(heads, async (lines) => {
      const client = new RawClient(portOf(wss), `${upgradeHead(Object.fromEntries(lines))}`);
      const answer = await client.receive(/^HTTP\/1\.1 (101|4\d\d) [\s\S]*\r\n\r\n/);
      client.socket.destroy();
      expect(answer).toMatch(/^HTTP\/1\.1 (101|400|426|431)/);
    }),
    { numRuns: 100 },
  );
});

test("any messages, sent and cut as it comes, arrive as they were, both ways", async () => {
  const message = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.uint8Array({ maxLength: 70_000 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (sent, toServer) => {
        const pair = await connectPair();
        const [from, to] = toServer ? [pair.client, pair.server] : [pair.server, pair.client];
        const found: unknown[] = [];
        to.on("message", (data, isBinary) =>
          found.push(isBinary ? Buffer.from(data as Buffer) : String(data)),
        );
        const told = record(to);
        const end = closed(to);
        for (const one of sent) from.send(one);
        from.close(1000);
        await end;
        expect(found).toEqual(sent.map((one) => (typeof one === "string" ? one : Buffer.from(one))));
        expect(told.at(-1)).toBe("close 1000  (3)");
      },
    ),
    { numRuns: 40 },
  );
});
