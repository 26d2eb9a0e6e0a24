/** docs/protocol/bothways-1.md, "HTTP": the client's half, with the exchanges in the test's hands. */
import { describe, expect, test } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import type { ConnectRequest, Link } from "../../../src/model/transport.ts";
import type { Post } from "../../../src/transport/client/exchanges.ts";
import { createLongPolling } from "../../../src/transport/client/long-polling.ts";
import { decodeBody, encodeBody } from "../../../src/wire/native/body.ts";
import { RecordingHandler } from "./recording-handler.ts";

const request: ConnectRequest = { url: "http://localhost/bothways/", maxMessageBytes: 1_000 };
const welcome = 'w{"key":"K"}';

interface Exchange {
  readonly frames: Data[];
  readonly isLast: boolean;
  isAborted: boolean;
  answer(status: number, ...frames: Data[]): void;
  fail(reason?: string): void;
  /** With a body that is none of ours. */
  answerStrangely(status: number): void;
}

function bytesOf(body: Data): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

function open(wait?: (poll: () => void) => () => void): {
  link: Link;
  handler: RecordingHandler;
  posts: Exchange[];
} {
  const handler = new RecordingHandler();
  const posts: Exchange[] = [];
  const post: Post = (given, body, answered, isLast = false) => {
    expect(given).toBe(request);
    const exchange: Exchange = {
      frames: decodeBody(bytesOf(body)) ?? [],
      isLast,
      isAborted: false,
      answer: (status, ...frames) => answered(status, decodeBody(bytesOf(encodeBody(frames)))),
      fail: (reason) => answered(0, undefined, reason),
      answerStrangely: (status) => answered(status, undefined),
    };
    posts.push(exchange);
    return () => {
      exchange.isAborted = true;
    };
  };
  const link = createLongPolling("long-polling", post, wait).open(request, "h{}", handler);
  return { link, handler, posts };
}

/** A link that has its key: post 0 was the hello, post 1 is the poll that is held. */
function opened(): ReturnType<typeof open> {
  const all = open();
  all.posts[0]?.answer(200, welcome);
  all.handler.take();
  return all;
}

describe("opening", () => {
  test("the hello goes first and nothing else until it is answered", () => {
    const { link, handler, posts } = open();
    expect(link).toMatchObject({ transport: "long-polling", rewinds: true });
    expect(posts.map(({ frames }) => frames)).toEqual([["h{}"]]);
    expect(handler.events).toEqual([]);
  });

  test("its answer is given, then the first poll leaves and the link is writable", () => {
    const { handler, posts } = open();
    posts[0]?.answer(200, welcome, "mhello");
    expect(handler.events).toEqual([`receive ${welcome}`, "receive mhello", "received", "writable"]);
    expect(posts.slice(1).map(({ frames }) => frames)).toEqual([["qK,1", "a0,10,1000"]]);
  });

  test.each([
    ["no body", []],
    ["no welcome", ["<html>"]],
    ["a welcome that is not JSON", ["w{"]],
    ["a welcome that is no object", ["wnull"]],
    ["a welcome without a key", ["w{}"]],
    ["a binary welcome", [Uint8Array.of(0x77)]],
  ])("with %s the link is lost", (_, frames: Data[]) => {
    const { handler, posts } = open();
    posts[0]?.answer(200, ...frames);
    expect(handler.events.at(-1)).toBe("lost BW_LINK_LOST undefined status 200");
    expect(posts).toHaveLength(1);
  });

  test("closed before the answer: the hello is aborted and its answer ignored", () => {
    const { link, handler, posts } = open();
    link.close(4000, "bye");
    expect(posts[0]?.isAborted).toBe(true);
    posts[0]?.answer(200, welcome);
    posts[0]?.fail();
    expect(handler.events).toEqual([]);
    expect(posts).toHaveLength(1);
  });
});

describe("polling", () => {
  test("the next poll leaves at once and has the next number", () => {
    const { handler, posts } = opened();
    for (let number = 2; number <= 4; number++) {
      posts.at(-1)?.answer(200, `m${number}`);
      expect(handler.take()).toEqual([`receive m${number}`, "received"]);
      expect(posts.at(-1)?.frames).toEqual([`qK,${number}`, "a0,10,1000"]);
    }
  });

  test("an empty answer is followed by the next poll", () => {
    const { handler, posts } = opened();
    posts[1]?.answer(200);
    expect(handler.events).toEqual(["received"]);
    expect(posts[2]?.frames[0]).toBe("qK,2");
  });

  test("a second empty answer in a row is not the server's: the link is lost, in place of asking without end", () => {
    const { handler, posts } = opened();
    posts[1]?.answer(200);
    posts[2]?.answer(200, "mtext");
    posts[3]?.answer(200);
    handler.take();
    posts[4]?.answer(200);
    expect(handler.events).toEqual(["received", "lost BW_LINK_LOST undefined status 200"]);
    expect(posts).toHaveLength(5);
  });

  test("on short polling empty answers are the rule, and the next poll waits after each", () => {
    const waiting: (() => void)[] = [];
    const { handler, posts } = open((poll) => {
      waiting.push(poll);
      return () => {};
    });
    posts[0]?.answer(200, welcome);
    for (let number = 1; number <= 3; number++) {
      posts.at(-1)?.answer(200);
      expect(posts).toHaveLength(number + 1);
      waiting.pop()?.();
      expect(posts).toHaveLength(number + 2);
    }
    expect(handler.events.filter((event) => event.startsWith("lost"))).toEqual([]);
  });

  test("binary frames come as bytes", () => {
    const { handler, posts } = opened();
    posts[1]?.answer(200, "a1,2,3", Uint8Array.of(0x6d, 7));
    expect(handler.events).toEqual(["receive a1,2,3", "receive [109,7]", "received"]);
  });

  test("a later key changes nothing", () => {
    const { posts } = opened();
    posts[1]?.answer(200, 'w{"key":"other"}');
    expect(posts[2]?.frames[0]).toBe("qK,2");
  });

  test("a driver that closes while it is fed is told nothing more", () => {
    const { link, handler, posts } = opened();
    handler.onEvent = () => link.close(4000, "enough");
    posts[1]?.answer(200, "mone", "mtwo");
    expect(handler.events).toEqual(["receive mone"]);
    expect(posts[2]).toMatchObject({ frames: ["kK,1", "c4000,enough"], isLast: true });
    expect(posts).toHaveLength(3);
  });
});

describe("batches", () => {
  test("the frames of a flush leave together and block the link until they are answered", () => {
    const { link, handler, posts } = opened();
    link.send({ data: "n1" });
    link.send({ data: Uint8Array.of(0x6d, 1) });
    expect(posts).toHaveLength(2);
    link.flush();
    expect(posts[2]?.frames).toEqual(["kK,1", "n1", Uint8Array.of(0x6d, 1)]);
    expect(handler.take()).toEqual(["blocked"]);
    posts[2]?.answer(200, "a1,10,1000");
    expect(handler.take()).toEqual(["receive a1,10,1000", "received", "writable"]);
    link.send({ data: "mnext" });
    link.flush();
    expect(posts[3]?.frames).toEqual(["kK,2", "mnext"]);
  });

  test("an answer without a frame is nobody's: somebody on the way has taken the batch", () => {
    const { link, handler, posts } = opened();
    link.send({ data: "mup" });
    link.flush();
    posts[2]?.answer(200);
    expect(handler.take()).toEqual(["blocked", "lost BW_LINK_LOST undefined status 200"]);
  });

  test("a flush of nothing sends nothing", () => {
    const { link, handler, posts } = opened();
    link.flush();
    expect(posts).toHaveLength(2);
    expect(handler.events).toEqual([]);
  });

  test.each([
    ["the poll", [1, 2]],
    ["the batch", [2, 1]],
  ])("both are under way and %s is answered first", (_, order: number[]) => {
    const { link, handler, posts } = opened();
    link.send({ data: "mup" });
    link.flush();
    for (const index of order) posts[index]?.answer(200, `mdown${index}`);
    const told = { 1: ["receive mdown1", "received"], 2: ["receive mdown2", "received", "writable"] };
    expect(handler.events).toEqual(["blocked", ...order.flatMap((index) => told[index as 1 | 2])]);
    expect(posts.slice(3).map(({ frames }) => frames[0])).toEqual(["qK,2"]);
  });
});

describe("batches that are too long for one request", () => {
  const long = "m".padEnd(200_000, "x");

  test("the rest goes with the next, before the link is writable again", () => {
    const { link, handler, posts } = opened();
    for (const data of ["n1", long, "m2", long, "m4"]) link.send({ data });
    link.flush();
    link.flush();
    expect(posts[2]?.frames).toEqual(["kK,1", "n1", long, "m2"]);
    posts[2]?.answer(200, "a3,10,1000");
    expect(posts[3]?.frames).toEqual(["kK,2", long, "m4"]);
    expect(handler.take()).toEqual(["blocked", "receive a3,10,1000", "received"]);
    posts[3]?.answer(200, "a5,10,1000");
    expect(handler.take()).toEqual(["receive a5,10,1000", "received", "writable"]);
    expect(posts).toHaveLength(4);
  });

  test("one long message is a batch", () => {
    const { link, posts } = opened();
    const longer = "m".padEnd(300_000, "x");
    for (const data of ["n1", longer, "m2"]) link.send({ data });
    link.flush();
    expect(posts[2]?.frames).toEqual(["kK,1", "n1", longer]);
  });

  test("of a rest nothing goes with the goodbye, since the session gives all of it again", () => {
    const { link, posts } = opened();
    for (const data of ["n1", long, long]) link.send({ data });
    link.flush();
    for (const data of ["n1", "m1"]) link.send({ data });
    link.close(4000, "bye");
    expect(posts[3]?.frames).toEqual(["kK,2", "n1", "m1", "c4000,bye"]);
  });
});

describe("leaving the page", () => {
  const sizeOf = (frames: readonly Data[]): number => bytesOf(encodeBody([...frames])).length;

  test.each<[string, Data]>([
    ["text", "m".padEnd(1_000, "x")],
    ["text of three bytes a character", "m".padEnd(300, "한")],
    ["bytes", new Uint8Array(1_000).fill(0x6d)],
  ])("of %s as much goes as a request that outlives the page may hold", (_, data) => {
    const { link, posts } = opened();
    link.send({ data: "n1" });
    for (let count = 0; count < 100; count++) link.send({ data });
    link.close(4503, "", true);
    const { frames = [], isLast } = posts[2] ?? {};
    expect([frames.slice(0, 2), frames.at(-1), isLast]).toEqual([["kK,1", "n1"], "c4503,", true]);
    expect(sizeOf(frames)).toBeGreaterThan(58_000);
    expect(sizeOf(frames)).toBeLessThanOrEqual(61_440);
  });

  test("a message that is too long for that keeps nothing but itself and what follows", () => {
    const { link, posts } = opened();
    for (const data of ["n1", "m1", "m".padEnd(70_000), "m3"]) link.send({ data });
    link.close(4000, "", true);
    expect(posts[2]?.frames).toEqual(["kK,1", "n1", "m1", "c4000,"]);
  });

  test("a batch on its way is not waited for", () => {
    const { link, posts } = opened();
    link.send({ data: "mup" });
    link.flush();
    link.close(4000, "", true);
    expect(posts[2]?.isAborted).toBe(true);
  });
});

describe("losing the link", () => {
  const failures: [string, (exchange: Exchange) => void, string][] = [
    ["a network failure", (exchange) => exchange.fail(), "undefined status 0"],
    ["a network failure with a reason", (exchange) => exchange.fail("ECONNRESET"), "undefined ECONNRESET"],
    ["being fenced", (exchange) => exchange.answer(409, "c4409,taken over"), "4409 taken over"],
    ["an unknown session", (exchange) => exchange.answer(410, "c4410,"), "4410 "],
    ["a proxy's error page", (exchange) => exchange.answer(502, "<html>", "</html>"), "undefined status 502"],
    ["an error without a body", (exchange) => exchange.answer(500), "undefined status 500"],
    ["a malformed body", (exchange) => exchange.answerStrangely(200), "undefined status 200"],
  ];
  const exchanges: [string, number][] = [
    ["the hello", 0],
    ["a poll", 1],
    ["a batch", 2],
  ];
  const cases = exchanges.flatMap(([name, index]) =>
    failures.map(([failure, strike, told]) => [name, failure, index, strike, told] as const),
  );

  test.each(cases)("%s meets %s", (_, __, index, strike, told) => {
    const all = index === 0 ? open() : opened();
    const { link, handler, posts } = all;
    if (index > 0) {
      link.send({ data: "mup" });
      link.flush();
      handler.take();
    }
    const before = posts.length;
    strike(posts[index] as Exchange);
    expect(handler.take().filter((event) => event !== "received")).toEqual([`lost BW_LINK_LOST ${told}`]);
    const others = posts.filter((_, other) => other > 0 && other !== index);
    expect(others.every(({ isAborted }) => isAborted)).toBe(true);
    // Whatever comes of the exchanges left, and of a close, nobody is told and nothing is sent.
    for (const exchange of others) exchange.answer(200, "mlate");
    for (const exchange of others) exchange.fail();
    link.close(4000, "bye");
    expect(handler.events).toEqual([]);
    expect(posts).toHaveLength(before);
  });
});

test.each([200, 429])("messages before a close frame are given (status %d)", (status) => {
  const { handler, posts } = opened();
  posts[1]?.answer(status, "mlast", "c4429,slow consumer");
  expect(handler.events).toEqual(["receive mlast", "received", "lost BW_LINK_LOST 4429 slow consumer"]);
  expect(posts).toHaveLength(2);
});

describe("closing", () => {
  test("what was not flushed and the close frame leave in one last post", () => {
    const { link, handler, posts } = opened();
    link.send({ data: "mlast" });
    link.close(4000, "bye");
    expect(posts[2]).toMatchObject({ frames: ["kK,1", "mlast", "c4000,bye"], isLast: true });
    expect(posts[1]?.isAborted).toBe(true);
    posts[1]?.fail("aborted");
    posts[2]?.answer(200);
    link.close(4000, "again");
    expect(posts).toHaveLength(3);
    expect(handler.events).toEqual([]);
  });

  test("a link that a newer one took over from leaves without a word", () => {
    const { link, posts } = opened();
    link.send({ data: "mup" });
    link.flush();
    link.close(4409, "");
    expect(posts).toHaveLength(3);
    expect(posts.slice(1).map(({ isAborted }) => isAborted)).toEqual([true, true]);
  });

  test("a batch under way may arrive until the last post is answered", () => {
    const { link, handler, posts } = opened();
    link.send({ data: "mup" });
    link.flush();
    handler.take();
    link.close(4000, "bye");
    expect(posts[3]).toMatchObject({ frames: ["kK,2", "c4000,bye"], isLast: true });
    expect(posts[2]?.isAborted).toBe(false);
    posts[3]?.answer(200);
    expect(posts[2]?.isAborted).toBe(true);
    posts[2]?.answer(200, "a1,1,1");
    expect(handler.events).toEqual([]);
  });
});
