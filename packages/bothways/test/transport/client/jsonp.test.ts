/** docs/protocol/bothways-1.md, "Scripts": the client's half, with posts and scripts in the test's hands. */
import { describe, expect, test } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import type { ConnectRequest, Link } from "../../../src/model/transport.ts";
import { createJsonp } from "../../../src/transport/client/jsonp.ts";
import { iframe, jsonp } from "../../../src/transport/node-client/pages-only.ts";
import { RecordingHandler } from "./recording-handler.ts";

const request: ConnectRequest = { url: "http://localhost/bothways/", maxMessageBytes: 1_000 };

interface Sent {
  readonly body: Data;
  readonly isLast: boolean;
  isAborted: boolean;
  arrive(): void;
  fail(reason: string): void;
}

interface Asked {
  readonly body: string;
  isAborted: boolean;
  answer(...frames: Data[]): void;
  fail(reason: string): void;
}

interface Bench {
  readonly link: Link;
  readonly handler: RecordingHandler;
  readonly posts: Sent[];
  readonly scripts: Asked[];
}

function open(): Bench {
  const handler = new RecordingHandler();
  const posts: Sent[] = [];
  const scripts: Asked[] = [];
  const transport = createJsonp({
    createClaim: () => "CLAIM",
    send(_request, body, arrive, fail, isLast = false) {
      const sent: Sent = { body, isLast, isAborted: false, arrive, fail };
      posts.push(sent);
      return () => {
        sent.isAborted = true;
      };
    },
    ask(_request, body, answered, fail) {
      const asked: Asked = { body, isAborted: false, answer: (...frames) => answered(frames), fail };
      scripts.push(asked);
      return () => {
        asked.isAborted = true;
      };
    },
  });
  return { link: transport.open(request, "h{}", handler), handler, posts, scripts };
}

/** Welcomed; the first poll is held. */
function connect(): Bench {
  const bench = open();
  bench.posts[0]?.arrive();
  bench.scripts[0]?.answer('w{"key":"K"}');
  bench.handler.take();
  return bench;
}

function say(link: Link, data: Data): void {
  link.send({ data });
  link.flush();
}

describe("the hello", () => {
  test("is a POST, and its answer is asked for by the claim", () => {
    const { posts, scripts, handler } = open();
    expect(posts.map(({ body }) => body)).toEqual(["h{}\ntjsonp,CLAIM"]);
    expect(scripts).toEqual([]);
    posts[0]?.arrive();
    expect(scripts.map(({ body }) => body)).toEqual(["qCLAIM,0"]);
    scripts[0]?.answer('w{"key":"K"}', "n1", "m0");
    expect(scripts[1]?.body).toBe("qK,1\na0,10,1000");
    expect(handler.take()).toEqual([
      'receive w{"key":"K"}',
      "receive n1",
      "receive m0",
      "received",
      "writable",
    ]);
  });

  test("that is refused says why", () => {
    const { posts, scripts, handler } = open();
    posts[0]?.arrive();
    scripts[0]?.answer("c4401,no");
    expect(handler.take().at(-1)).toBe("lost BW_LINK_LOST 4401 no");
  });

  test.each(["POST", "script"])("whose %s fails loses the link", (which) => {
    const { posts, scripts, handler } = open();
    if (which === "script") posts[0]?.arrive();
    (which === "script" ? scripts : posts)[0]?.fail("no way");
    expect(handler.take()).toEqual(["lost BW_LINK_LOST undefined no way"]);
  });

  test.each([false, true])("that is given up is aborted (arrived: %s)", (isThere) => {
    const { link, posts, scripts } = open();
    if (isThere) posts[0]?.arrive();
    link.close(4000, "bye");
    expect((isThere ? scripts : posts)[0]?.isAborted).toBe(true);
  });
});

describe("a batch", () => {
  test("blocks the link until a poll names it, whatever became of the POST's answer", () => {
    const { link, handler, posts, scripts } = connect();
    say(link, "m2x");
    expect(posts[1]?.body).toBe("kK,1\nm2x");
    posts[1]?.arrive();
    expect(handler.take()).toEqual(["blocked"]);
    scripts[1]?.answer("k1", "a1,9,9", "m2y");
    expect(handler.take()).toEqual([
      ...["receive a1,9,9", "receive m2y", "received"],
      // what a batch is answered with
      ...["receive a1,9,9", "received", "writable"],
    ]);
  });

  test("is not taken for the one before", () => {
    const { link, handler, posts, scripts } = connect();
    say(link, "m2x");
    scripts[1]?.answer("k1", "a1,9,9");
    say(link, "m2y");
    handler.take();
    scripts[2]?.answer("k1", "a1,9,9", "m2z");
    expect(handler.take()).not.toContain("writable");
    scripts[3]?.answer("k2", "a2,9,9");
    expect(handler.take()).toContain("writable");
    expect(posts).toHaveLength(3);
    scripts[4]?.answer("k2", "a2,9,9");
    expect(handler.take()).not.toContain("writable");
  });

  test("carries bytes as bytes, and bytes come as frames", () => {
    const { link, handler, posts, scripts } = connect();
    say(link, Uint8Array.of(0x6d, 1));
    expect(posts[1]?.body).toBeInstanceOf(Uint8Array);
    scripts[1]?.answer("k1", "a1,9,9", Uint8Array.of(0x6d, 2));
    expect(handler.take()).toContain("receive [109,2]");
  });

  test("that fails loses the link", () => {
    const { link, handler, posts, scripts } = connect();
    say(link, "m2x");
    posts[1]?.fail("cut");
    expect(handler.take().at(-1)).toBe("lost BW_LINK_LOST undefined cut");
    expect(scripts[1]?.isAborted).toBe(true);
  });
});

test("the last one outlives the page, and nobody waits for it", () => {
  const { link, posts, scripts } = connect();
  link.close(4000, "bye");
  expect(posts[1]).toMatchObject({ body: "kK,1\nc4000,bye", isLast: true });
  expect(scripts[1]?.isAborted).toBe(true);
});

test.each([iframe(), jsonp()])("in Node it says what it needs: %#", async (transport) => {
  const handler = new RecordingHandler();
  transport.open(request, "h{}", handler);
  expect(handler.events).toEqual([]);
  await handler.until("lost");
  expect(handler.events).toEqual([
    `lost BW_LINK_LOST undefined ${transport.name} needs a document: it works in pages only`,
  ]);
});

test("in Node, given up before it says so", async () => {
  const handler = new RecordingHandler();
  jsonp().open(request, "h{}", handler).close(4000, "bye");
  await Promise.resolve();
  expect(handler.events).toEqual([]);
});
