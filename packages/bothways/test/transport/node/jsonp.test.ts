/** The rules of docs/protocol, "Scripts", for the server's half: batches are named by polls, answers to hellos are kept. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Account, REQUEST_OVERHEAD_BYTES } from "../../../src/model/account.ts";
import type { Data } from "../../../src/model/message.ts";
import type { Answer } from "../../../src/transport/node/exchange-link.ts";
import { Claims, JsonpLink } from "../../../src/transport/node/jsonp.ts";

class FakeAnswer implements Answer {
  isOver = false;
  onGone: (() => void) | undefined;
  readonly sent: string[] = [];

  send(status: number, frames: readonly Data[]): void {
    this.isOver = true;
    this.sent.push(`${status} ${frames.join("|")}`);
  }
}

describe("a link", () => {
  function createLink(): { link: JsonpLink; heard: string[] } {
    const heard: string[] = [];
    const link = new JsonpLink();
    link.bind({
      receive: (data) => heard.push(String(data)),
      received() {},
      writable() {},
      blocked() {},
      position: () => `a${heard.filter((frame) => frame[0] === "m").length},9,9`,
      lost() {},
    });
    return { link, heard };
  }

  /** Polls, and gives the answer. */
  function poll(link: JsonpLink, sequence: number): FakeAnswer {
    const answer = new FakeAnswer();
    link.poll(sequence, ["a0,9,9"], answer);
    return answer;
  }

  test("the answer to the hello is as it was sent", () => {
    const { link } = createLink();
    const hello = new FakeAnswer();
    link.open(hello);
    link.send({ data: "w{}" });
    link.flush();
    expect(hello.sent).toEqual(["200 w{}"]);
  });

  test("a batch answers the poll that is held", () => {
    const { link, heard } = createLink();
    const held = poll(link, 1);
    expect(held.sent).toEqual([]);
    link.batch(1, ["n1", "m2x"], new FakeAnswer());
    expect(heard).toContain("m2x");
    expect(held.sent).toEqual(["200 k1|a1,9,9"]);
  });

  test("a batch that met no poll answers the next, and only that", () => {
    const { link } = createLink();
    link.batch(1, ["m2x"], new FakeAnswer());
    expect(poll(link, 1).sent).toEqual(["200 k1|a1,9,9"]);
    const held = poll(link, 2);
    expect(held.sent).toEqual([]);
    link.send({ data: "m2y" });
    link.flush();
    expect(held.sent).toEqual(["200 k1|a1,9,9|m2y"]);
  });

  test("an answer that got lost is no loss: the repeated poll names the batch too", () => {
    const { link } = createLink();
    const lost = poll(link, 1);
    link.batch(1, ["m2x"], new FakeAnswer());
    expect(lost.sent).toHaveLength(1);
    expect(poll(link, 1).sent).toEqual(["200 k1|a1,9,9"]);
  });

  test("a repeated batch is named, and not taken again", () => {
    const { link, heard } = createLink();
    link.batch(1, ["m2x"], new FakeAnswer());
    const held = poll(link, 1);
    link.batch(1, ["m2x"], new FakeAnswer());
    expect(held.sent).toEqual(["200 k1|a1,9,9"]);
    expect(heard.filter((frame) => frame === "m2x")).toHaveLength(1);
  });

  test("the end is the last word", () => {
    const { link } = createLink();
    const held = poll(link, 1);
    link.close(4409, "taken over");
    expect(held.sent).toEqual(["200 c4409,taken over"]);
  });
});

describe("an answer that waits for its asker", () => {
  const claim = "a".repeat(22);
  let account: Account;
  let claims: Claims;

  beforeEach(() => {
    vi.useFakeTimers();
    account = new Account(1_000_000);
    claims = new Claims(account, 1000);
  });

  afterEach(() => {
    expect(account.bytes).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  test("is given once", () => {
    const kept = claims.create(claim);
    expect(account.bytes).toBe(REQUEST_OVERHEAD_BYTES);
    kept?.send(200, ["w{}", "n1"]);
    kept?.send(500, []);
    expect(account.bytes).toBe(REQUEST_OVERHEAD_BYTES + 5);
    const answer = new FakeAnswer();
    expect(claims.collect(claim, answer)).toBe(true);
    expect(answer.sent).toEqual(["200 w{}|n1"]);
    expect(claims.collect(claim, new FakeAnswer())).toBe(false);
  });

  test("may be asked for before it is there, also when its time is over", () => {
    const kept = claims.create(claim);
    const answer = new FakeAnswer();
    expect(claims.collect(claim, answer)).toBe(true);
    expect(claims.collect(claim, new FakeAnswer())).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(answer.sent).toEqual([]);
    kept?.refuse("BW_UNAUTHORIZED", "no");
    expect(answer.sent).toEqual(["401 c4401,no"]);
  });

  test("goes with its asker", () => {
    const kept = claims.create(claim);
    const gone = vi.fn();
    if (kept) kept.onGone = gone;
    const answer = new FakeAnswer();
    claims.collect(claim, answer);
    answer.onGone?.();
    expect(gone).toHaveBeenCalledOnce();
    kept?.send(200, ["w{}"]);
    expect(answer.sent).toEqual([]);
    expect(claims.collect(claim, new FakeAnswer())).toBe(false);
  });

  test.each([true, false])("is forgotten in time (there: %s)", (isThere) => {
    const kept = claims.create(claim);
    const gone = vi.fn();
    if (kept) kept.onGone = gone;
    if (isThere) kept?.send(200, ["w{}"]);
    vi.advanceTimersByTime(1000);
    expect(kept?.isOver).toBe(true);
    expect(gone).toHaveBeenCalledTimes(isThere ? 0 : 1);
    expect(claims.collect(claim, new FakeAnswer())).toBe(false);
  });

  test("a hello that is repeated changes nothing", () => {
    const kept = claims.create(claim);
    expect(claims.create(claim)).toBeUndefined();
    kept?.send(200, ["w{}"]);
    expect(claims.create(claim)).toBeUndefined();
    claims.collect(claim, new FakeAnswer());
  });
});
