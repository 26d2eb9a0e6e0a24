/** `createWebSocketStream`: data, backpressure, both ends, errors. */
import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { createWebSocketStream } from "../../src/websocket/index.ts";
import { closed, connectPair, open, serve, urlOf } from "./rig.ts";

test("what is written before it is open arrives, and the end of the one closes the other", async () => {
  const wss = await serve();
  const received: string[] = [];
  const ended = new Promise<void>((resolve) => {
    wss.on("connection", (ws) => {
      const stream = createWebSocketStream(ws, { encoding: "utf8" });
      stream.on("data", (data) => received.push(data));
      stream.on("end", resolve);
    });
  });
  const client = open(urlOf(wss));
  const stream = createWebSocketStream(client);
  stream.write("one");
  stream.end("two");
  stream.resume();
  await Promise.all([once(stream, "close"), ended]);
  expect([received, client.readyState]).toEqual([["one", "two"], client.CLOSED]);
});

test("a pipeline of many parts arrives whole, at the pace of its reader", async () => {
  const { server, client } = await connectPair();
  const parts = 300;
  const source = Readable.from(Array.from({ length: parts }, (_, i) => Buffer.alloc(50_000, i)));
  let bytes = 0;
  let paused = 0;
  const pause = client.pause.bind(client);
  client.pause = () => {
    paused++;
    pause();
  };
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _, callback) {
      bytes += chunk.length;
      setImmediate(callback);
    },
  });
  await Promise.all([
    pipeline(source, createWebSocketStream(server)),
    pipeline(createWebSocketStream(client), slow),
  ]);
  expect([bytes, paused > 0]).toEqual([parts * 50_000, true]);
});

test("in object mode texts are strings and borders are kept", async () => {
  const { server, client } = await connectPair();
  const stream = createWebSocketStream(client, { readableObjectMode: true });
  const received: unknown[] = [];
  stream.on("data", (data) => received.push(data));
  server.send("text");
  server.send(Buffer.from("bytes"));
  server.close();
  await once(stream, "close");
  expect(received).toEqual(["text", Buffer.from("bytes")]);
});

test("once the WebSocket has closed and all was read, the stream is over on both sides", async () => {
  const { server, client } = await connectPair();
  const stream = createWebSocketStream(client);
  server.send("last");
  server.close();
  const received: string[] = [];
  for await (const part of stream) received.push(String(part));
  expect([received, stream.writable, stream.destroyed]).toEqual([["last"], false, true]);
});

describe("errors", () => {
  test("of the WebSocket destroy the stream", async () => {
    const { server, client } = await connectPair({ client: { maxPayload: 10 } });
    const stream = createWebSocketStream(client);
    const failed = once(stream, "error");
    server.send("more than ten");
    expect((await failed)[0]).toMatchObject({ code: "BW_MESSAGE_TOO_LARGE" });
  });

  test("of the address come to the stream", async () => {
    const client = open("ws://127.0.0.1:1/");
    const [error] = await once(createWebSocketStream(client), "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  });

  test("a stream that is destroyed before it is open has the error it was given", async () => {
    const stream = createWebSocketStream(open(urlOf(await serve())));
    const failed = once(stream, "error");
    stream.destroy(new Error("mine"));
    expect((await failed)[0]).toMatchObject({ message: "mine" });
  });

  test("destroying the stream terminates the WebSocket", async () => {
    const { server, client } = await connectPair();
    const stream = createWebSocketStream(client);
    const failed = once(stream, "error");
    const end = closed(server);
    stream.destroy(new Error("mine"));
    expect((await failed)[0]).toMatchObject({ message: "mine" });
    expect(await end).toEqual([1006, ""]);
  });
});
