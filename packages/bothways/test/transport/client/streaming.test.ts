/** docs/protocol/bothways-1.md, "HTTP streams": the client's half, with posts, streams and time in the test's hands. */
import { describe, expect, test } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import type { ConnectRequest, Link } from "../../../src/model/transport.ts";
import type { Post } from "../../../src/transport/client/exchanges.ts";
import { createStreaming, type OpenStream } from "../../../src/transport/client/streaming.ts";
import { decodeBody, encodeBody } from "../../../src/wire/native/body.ts";
import { RecordingHandler } from "./recording-handler.ts";

const request: ConnectRequest = { url: "http://localhost/bothways/", maxMessageBytes: 1_000 };
const welcome = 'w{"key":"K"}';

interface Exchange {
  readonly frames: Data[];
  isAborted: boolean;
  answer(status: number, ...frames: Data[]): void;
}

interface Stream {
  readonly body: string;
  isAborted: boolean;
  say(...frames: Data[]): void;
  end(failure?: string): void;
}

interface Bench {
  readonly link: Link;
  readonly handler: RecordingHandler;
  readonly posts: Exchange[];
  readonly streams: Stream[];
  /** Those that run. */
  readonly timers: Map<() => void, number>;
}

function bytesOf(body: Data): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

/** The hello was sent. */
function open(): Bench {
  const handler = new RecordingHandler();
  const posts: Exchange[] = [];
  const streams: Stream[] = [];
  const timers = new Map<() => void, number>();
  const post: Post = (_request, body, answered) => {
    const exchange: Exchange = {
      frames: decodeBody(bytesOf(body)) ?? [],
      isAborted: false,
      answer: (status, ...frames) => answered(status, decodeBody(bytesOf(encodeBody(frames)))),
    };
    posts.push(exchange);
    return () => {
      exchange.isAborted = true;
    };
  };
  const openStream: OpenStream = (given, body, take, ended) => {
    expect(given).toBe(request);
    const stream: Stream = {
      body,
      isAborted: false,
      say: (...frames) => take(frames),
      end: (failure = "it ended") => ended(failure),
    };
    streams.push(stream);
    return () => {
      stream.isAborted = true;
    };
  };
  const setTimer = (callback: () => void, delayMs: number): (() => void) => {
    timers.set(callback, delayMs);
    return () => void timers.delete(callback);
  };
  const transport = createStreaming("sse", post, openStream, setTimer, { firstFrameTimeout: 700 });
  return { link: transport.open(request, "h{}", handler), handler, posts, streams, timers };
}

/** The first stream was started. */
function started(): Bench {
  const bench = open();
  bench.posts[0]?.answer(200, welcome);
  return bench;
}

/** Its first frame has come. */
function begun(): Bench {
  const bench = started();
  bench.streams[0]?.say("a0,1,1");
  bench.handler.take();
  return bench;
}

function lastOf<T>(list: readonly T[]): T {
  return list.at(-1) as T;
}

describe("opening", () => {
  test("the hello names the technique, and the first stream carries nothing but its number", () => {
    const { posts, streams, handler } = started();
    expect(posts.map(({ frames }) => frames)).toEqual([["h{}", "tsse"]]);
    expect(streams.map(({ body }) => body)).toEqual(["sK,1"]);
    expect(handler.events).toEqual([]);
  });

  test("the session hears of it with the first frame, and can send from then on", () => {
    const { streams, handler, timers, link } = started();
    expect(link).toMatchObject({ transport: "sse", rewinds: true });
    streams[0]?.say("a0,1,1", "n1");
    streams[0]?.say("mone");
    expect(handler.events).toEqual([
      `receive ${welcome}`,
      "receive a0,1,1",
      "receive n1",
      "received",
      "writable",
      "receive mone",
      "received",
    ]);
    expect(timers.size).toBe(0);
  });

  test("what follows the welcome in its answer comes again on the stream, and is dropped", () => {
    const { posts, streams, handler } = open();
    posts[0]?.answer(200, welcome, "n1", "mone");
    streams[0]?.say("a0,1,1");
    expect(handler.events).not.toContain("receive mone");
  });

  test("nothing in time: something on the way keeps answers back (option: firstFrameTimeout)", () => {
    const { timers, streams, handler } = started();
    expect([...timers.values()]).toEqual([700]);
    for (const ring of [...timers.keys()]) ring();
    expect(handler.events).toEqual(["lost BW_LINK_LOST undefined buffered: the stream did not begin"]);
    expect(streams[0]?.isAborted).toBe(true);
    streams[0]?.say("a0,1,1", "mlate");
    streams[0]?.end();
    expect(handler.events).toHaveLength(1);
    expect(streams).toHaveLength(1);
  });

  test.each([
    ["is not offered", 406, ["c4406,not offered"], "4406 not offered"],
    ["has no welcome", 200, ["<html>"], "undefined status 200"],
  ])("a hello that %s", (_, status, frames: string[], told) => {
    const { posts, streams, handler } = open();
    posts[0]?.answer(status, ...frames);
    expect(handler.events.at(-1)).toBe(`lost BW_LINK_LOST ${told}`);
    expect(streams).toEqual([]);
  });
});

describe("the end of a stream", () => {
  test("that brought more than its first frame: the next begins, with the position", () => {
    const { streams, handler } = begun();
    for (let number = 2; number < 5; number++) {
      lastOf(streams).say("p");
      lastOf(streams).end();
      expect(lastOf(streams).body).toBe(`sK,${number}\na0,10,1000`);
      lastOf(streams).say("a0,1,1");
    }
    expect(handler.events.filter((event) => event.startsWith("lost") || event === "writable")).toEqual([]);
  });

  test("that brought its first frame alone: the link is lost", () => {
    const { streams, handler } = begun();
    streams[0]?.end("reset");
    expect(handler.events).toEqual(["lost BW_LINK_LOST undefined reset"]);
    expect(streams).toHaveLength(1);
  });

  test("a later one may take its time: silence is the session's to notice", () => {
    const { streams, timers } = begun();
    streams[0]?.say("p");
    streams[0]?.end();
    expect(streams).toHaveLength(2);
    expect(timers.size).toBe(0);
  });

  test("a later one that fails loses the link", () => {
    const { streams, handler } = begun();
    streams[0]?.say("p");
    streams[0]?.end();
    handler.take();
    streams[1]?.end("refused");
    expect(handler.take()).toEqual(["lost BW_LINK_LOST undefined refused"]);
  });

  test("a close frame ends the link, what came before is given", () => {
    const { streams, handler } = begun();
    streams[0]?.say("mlast", "c4429,slow consumer");
    streams[0]?.end();
    expect(handler.events).toEqual(["receive mlast", "received", "lost BW_LINK_LOST 4429 slow consumer"]);
    expect(streams).toHaveLength(1);
    expect(streams[0]?.isAborted).toBe(true);
  });
});

describe("the way up", () => {
  test("a batch holds the position, unless that is what it was sent for", () => {
    const { link, posts, handler } = begun();
    link.send({ data: "n1" });
    link.send({ data: Uint8Array.of(0x6d) });
    link.flush();
    expect(posts[1]?.frames).toEqual(["kK,1", "n1", Uint8Array.of(0x6d), "a0,10,1000"]);
    expect(handler.take()).toEqual(["blocked"]);
    posts[1]?.answer(200, "a1,2,3");
    expect(handler.take()).toEqual(["receive a1,2,3", "received", "writable"]);
    link.send({ data: "a5,6,7" });
    link.flush();
    expect(posts[2]?.frames).toEqual(["kK,2", "a5,6,7"]);
  });

  test("a batch that fails loses the link and stops the stream", () => {
    const { link, posts, handler, streams } = begun();
    link.send({ data: "mone" });
    link.flush();
    posts[1]?.answer(502, "<html>");
    expect(handler.events.at(-1)).toBe("lost BW_LINK_LOST undefined status 502");
    expect(streams[0]?.isAborted).toBe(true);
  });
});

test("closing stops the stream, and says goodbye; an aborted stream that ends begins no other", () => {
  const { link, posts, streams, handler } = begun();
  streams[0]?.say("p");
  handler.take();
  link.close(4000, "bye");
  expect(streams[0]?.isAborted).toBe(true);
  streams[0]?.end("aborted");
  expect(streams).toHaveLength(1);
  expect(lastOf(posts).frames).toEqual(["kK,1", "c4000,bye"]);
  expect(handler.events).toEqual([]);
});
