/** docs/protocol/bothways-1.md §4.6: policies act on what has no number yet. */
import { describe, expect, test } from "vitest";
import type { Message, OverflowPolicy } from "../../src/model/message.ts";
import { MESSAGE_OVERHEAD_BYTES, Outbox } from "../../src/session/outbox.ts";
import {
  block,
  disconnect,
  dropOldest,
  hasRoom,
  latestByKey,
  type Overflow,
} from "../../src/session/overflow.ts";
import { drain, openPair, options, say, talk } from "./machines.ts";

/** Room for three messages of one character. */
const limit = 3 * 65;

function apply(
  policy: Overflow,
  queued: Message[],
  message: Message,
): [dropped: string[] | undefined, left: string[]] {
  const outbox = new Outbox(0);
  for (const each of queued) outbox.push(each);
  const dropped = policy(outbox, message, limit);
  return [dropped?.map(({ data }) => String(data)), outbox.queue.map(({ data }) => String(data))];
}

const a: Message = { data: "a" };
const b: Message = { data: "b" };
const c: Message = { data: "c" };
const answer = (data: string): Message => ({ data, isAnswer: true });
const keyed = (data: string, key: string): Message => ({ data, key });

const cases: [string, Overflow, Message[], Message, string[] | undefined, string[]][] = [
  ["disconnect ends", disconnect, [a, b, c], { data: "d" }, [], ["a", "b", "c"]],
  ["drop-oldest takes one", dropOldest, [a, b, c], { data: "d" }, ["a"], ["b", "c"]],
  [
    "drop-oldest takes as many as it must",
    dropOldest,
    [a, b, c],
    { data: "x".repeat(60) },
    ["a", "b"],
    ["c"],
  ],
  [
    "drop-oldest empties the queue for a giant",
    dropOldest,
    [a, b, c],
    { data: "x".repeat(999) },
    ["a", "b", "c"],
    [],
  ],
  ["drop-oldest keeps answers", dropOldest, [answer("x"), b, answer("y")], { data: "d" }, ["b"], ["x", "y"]],
  [
    "drop-oldest has nothing to drop",
    dropOldest,
    [answer("x"), answer("y"), answer("z")],
    a,
    [],
    ["x", "y", "z"],
  ],
  ["latest-by-key replaces", latestByKey, [keyed("1", "k"), b, c], keyed("2", "k"), ["1"], ["b", "c"]],
  [
    "latest-by-key replaces among those that wait",
    latestByKey,
    [keyed("1", "j"), keyed("2", "j"), c],
    keyed("3", "k"),
    ["1"],
    ["2", "c"],
  ],
  ["latest-by-key has nothing to replace", latestByKey, [a, b, c], keyed("1", "k"), [], ["a", "b", "c"]],
  ["no key is no common key", latestByKey, [a, b, c], { data: "d" }, [], ["a", "b", "c"]],
];

test.each(cases)("%s", (_, policy, queued, message, dropped, left) => {
  expect(apply(policy, queued, message)).toEqual([dropped, left]);
});

const sent = (data: string, policy: OverflowPolicy, key?: string): Message => ({ data, policy, key });

/** What each message was sent under counts, not what the new one is sent under. */
const mixed: [string, Overflow, Message[], Message, string[], string[]][] = [
  [
    "an event that must arrive takes the place of one that need not",
    disconnect,
    [a, sent("b", "drop-oldest"), c],
    { data: "d" },
    ["b"],
    ["a", "c"],
  ],
  [
    "one that need not takes no other's",
    disconnect,
    [a, b, c],
    sent("d", "drop-oldest"),
    [],
    ["a", "b", "c"],
  ],
  [
    "a client's policy spares an event that must arrive",
    dropOldest,
    [sent("a", "disconnect"), b, c],
    { data: "d" },
    ["b"],
    ["a", "c"],
  ],
  [
    "a key replaces nothing that was sent under another policy",
    disconnect,
    [keyed("1", "k"), sent("2", "latest-by-key", "k"), c],
    sent("3", "latest-by-key", "k"),
    ["2"],
    ["1", "c"],
  ],
  [
    "under block what goes to many is not waited for",
    block,
    [a, b, c],
    { data: "d", isShared: true },
    [],
    ["a", "b", "c"],
  ],
  ["under block an answer is no exception", block, [a, b, c], answer("d"), [], ["a", "b", "c"]],
];

test.each(mixed)("%s", (_, policy, queued, message, dropped, left) => {
  expect(apply(policy, queued, message)).toEqual([dropped, left]);
});

test("block throws, and drops nothing", () => {
  const queued = [a, sent("b", "drop-oldest"), c];
  expect(() => apply(block, queued, { data: "d" })).toThrow("BW_BACKPRESSURE");
  expect(() => apply(disconnect, queued, sent("d", "block"))).toThrow("BW_BACKPRESSURE");
  expect(apply(disconnect, [a], sent("d", "block"))).toEqual([[], ["a"]]);
});

describe("in a session", () => {
  /** The server's link is blocked, so what it sends waits. */
  function blocked(overflow: Overflow) {
    const pair = openPair({ overflow });
    pair.server.handle({ type: "blocked", link: "a" }, 0);
    return pair;
  }

  test("what is dropped has no number, so the peer sees no hole", () => {
    const { client, server } = blocked(dropOldest);
    for (let count = 10; count < 50; count++)
      server.handle({ type: "send", message: { data: `m${count}` } }, 0);
    const said = say(server);
    expect(said[0]).toBe("dropped m10");
    const kept = 40 - said.filter((line) => line.startsWith("dropped")).length;
    expect(server.outbox.queueBytes).toBeLessThanOrEqual(options.maxQueueBytes);
    server.handle({ type: "writable", link: "a", rewinds: false }, 0);
    const delivered = talk({ client, server }, 0).filter((line) => line.startsWith("client deliver"));
    expect(delivered[0]).toBe(`client deliver 1 m${50 - kept}`);
    expect(delivered.at(-1)).toBe(`client deliver ${kept} m49`);
  });

  test("disconnect ends the session with a name for it", () => {
    const { server } = blocked(disconnect);
    while (server.state === "open") server.handle({ type: "send", message: { data: "x".repeat(100) } }, 0);
    expect(say(server).slice(-2)).toEqual(["drop a 4429", "closed 4429 local"]);
  });

  test("a policy that cannot make room says what it dropped before the session ends", () => {
    const { client, server } = blocked(latestByKey);
    for (const key of ["a", "b", "a", "c"]) {
      server.handle({ type: "send", message: { data: "m".repeat(400), key } }, 0);
    }
    server.handle({ type: "send", message: { data: "m".repeat(1999), key: "b" } }, 0);
    const said = say(server).map((line) => line.slice(0, 11));
    expect(said).toEqual(["dropped mmm", "dropped mmm", "drain", "drop a 4429", "closed 4429"]);
    expect(client.received).toBe(0);
  });

  test("answers may fill the queue, but no further than its limit", () => {
    const { server } = blocked(dropOldest);
    while (server.state === "open") {
      server.handle({ type: "send", message: { data: "m".repeat(100), isAnswer: true } }, 0);
      expect(server.outbox.queueBytes).toBeLessThanOrEqual(options.maxQueueBytes);
    }
    expect(say(server).at(-1)).toBe("closed 4429 local");
  });

  test("a message that wants more than the whole limit is taken when nothing waits", () => {
    const { server } = blocked(disconnect);
    server.handle({ type: "send", message: { data: "x".repeat(options.maxQueueBytes) } }, 0);
    expect(server.state).toBe("open");
  });

  test("who was refused is told when there is room for it", () => {
    const { client, server } = blocked(block);
    const send = (bytes: number): void =>
      server.handle({ type: "send", message: { data: `m${"x".repeat(bytes - 1)}` } }, 0);
    send(900);
    expect(server.isOverHighWater).toBe(false);
    expect(() => send(1500)).toThrow("BW_BACKPRESSURE");
    expect(server.isOverHighWater).toBe(true);
    expect(say(server)).toEqual([]);
    server.handle({ type: "writable", link: "a", rewinds: false }, 0);
    expect(talk({ client, server }, 0)).toContain("server drain");
    expect(server.isOverHighWater).toBe(false);
    send(1500);
    expect(server.state).toBe("open");
  });

  test("what newer messages replace goes when the queue is long, before it is full", () => {
    const { server } = blocked(latestByKey);
    for (let count = 0; count < 200; count++) {
      const data = `m${count}`.padEnd(36);
      server.handle({ type: "send", message: { data, key: `key${count % 3}` } }, 0);
      expect(server.outbox.queueBytes).toBeLessThanOrEqual(1200);
    }
    expect(server.outbox.queue.at(-1)?.data).toContain("m199");
  });

  test("drain follows when the queue falls to the high-water mark", () => {
    const { server } = blocked(disconnect);
    server.handle({ type: "send", message: { data: "x".repeat(options.highWaterMarkBytes) } }, 0);
    expect(server.isOverHighWater).toBe(true);
    expect(drain(server)).toEqual([]);
    server.handle({ type: "writable", link: "a", rewinds: false }, 0);
    expect(server.isOverHighWater).toBe(false);
    expect(say(server).at(-1)).toBe("drain");
  });
});

test("hasRoom counts the overhead, and an empty queue takes any one message", () => {
  const outbox = new Outbox(0);
  expect(hasRoom(outbox, { data: "x".repeat(1000) }, 10)).toBe(true);
  outbox.push({ data: "a" });
  expect(hasRoom(outbox, { data: "b" }, 2 * MESSAGE_OVERHEAD_BYTES + 2)).toBe(true);
  expect(hasRoom(outbox, { data: "bb" }, 2 * MESSAGE_OVERHEAD_BYTES + 2)).toBe(false);
});

test("what a policy dropped is told", () => {
  const pair = openPair({ overflow: dropOldest, maxQueueBytes: 140 });
  pair.server.handle({ type: "blocked", link: "a" }, 0);
  for (const data of ["m1", "m2", "m3"]) pair.server.handle({ type: "send", message: { data } }, 0);
  expect(say(pair.server)).toEqual(["dropped m1"]);
});
