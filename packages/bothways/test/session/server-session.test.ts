/** docs/protocol/bothways-1.md §6, the server's side: hellos, candidates, fencing, secrets, times. */
import { describe, expect, test } from "vitest";
import { ABNORMAL, BYE, TAKEN_OVER } from "../../src/model/close-code.ts";
import type { Hello } from "../../src/model/frame.ts";
import type { Message } from "../../src/model/message.ts";
import {
  attach,
  createClient,
  createServer,
  drain,
  firstAttempt,
  join,
  openPair,
  options,
  say,
  talk,
} from "./machines.ts";

const hello = (changes: Partial<Hello> = {}): Hello => ({
  version: 1,
  attempt: firstAttempt,
  generation: 1,
  received: 0,
  credit: [9, 999],
  join: [],
  ...changes,
});
const pong = ["o"] as const;

describe("owns", () => {
  test.each([
    ["its attempt, before any link was confirmed", {}, true],
    ["another attempt", { attempt: "other" }, false],
    ["its attempt beside a session that is gone", { sid: "gone", secret: "x" }, true],
    ["its sid without the secret", { sid: "sid", secret: "x" }, false],
  ])("while waiting: %s", (_, changes, isOwned) => {
    const server = createServer();
    attach(server, "a", hello());
    expect(server.owns(hello(changes))).toBe(isOwned);
  });

  test("once confirmed the attempt alone is no proof", () => {
    const { server } = openPair();
    expect(server.owns(hello())).toBe(false);
    expect(server.owns(hello({ sid: "gone", secret: "x" }))).toBe(false);
  });
});

describe("the secret", () => {
  test("rotates with each welcome that is proved to have arrived", () => {
    const server = createServer();
    const first = attach(server, "a", hello());
    server.handle({ type: "frame", link: "a", frame: pong }, 0);
    const second = attach(server, "b", hello({ generation: 2, sid: "sid", secret: first.secret }));
    expect(second.secret).not.toBe(first.secret);
    server.handle({ type: "frame", link: "b", frame: pong }, 0);
    expect(server.owns(hello({ sid: "sid", secret: first.secret }))).toBe(false);
    expect(server.owns(hello({ sid: "sid", secret: second.secret }))).toBe(true);
  });

  test("the one before stays valid while the welcome may be lost", () => {
    const server = createServer();
    const first = attach(server, "a", hello());
    server.handle({ type: "frame", link: "a", frame: pong }, 0);
    let generation = 2;
    const offered = attach(
      server,
      "b",
      hello({ generation: generation++, sid: "sid", secret: first.secret }),
    ).secret;
    for (const link of ["c", "d", "e"]) {
      const again = attach(
        server,
        link,
        hello({ generation: generation++, sid: "sid", secret: first.secret }),
      );
      expect(again.secret).toBe(offered);
    }
  });

  test("showing the new one in a hello is proof too", () => {
    const server = createServer();
    const first = attach(server, "a", hello());
    server.handle({ type: "frame", link: "a", frame: pong }, 0);
    const second = attach(server, "b", hello({ generation: 2, sid: "sid", secret: first.secret }));
    const third = attach(server, "c", hello({ generation: 3, sid: "sid", secret: second.secret }));
    expect(new Set([first.secret, second.secret, third.secret]).size).toBe(3);
    expect(server.owns(hello({ sid: "sid", secret: first.secret }))).toBe(false);
  });
});

describe("generations", () => {
  test("a newer hello fences the older link at once", () => {
    const { server } = openPair();
    const first = server.link;
    server.accept("b", hello({ generation: 2 }), "key", undefined, 0);
    expect(say(server)).toEqual(["drop a 4409", "b: w"]);
    expect([first, server.link, server.state]).toEqual(["a", "b", "open"]);
    server.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    server.handle({ type: "frame", link: "a", frame: ["m", "late"] }, 0);
    expect(say(server)).toEqual([]);
  });

  test.each([
    ["an older one", 1],
    ["the same one", 2],
  ])("%s is refused once the link is confirmed", (_, generation) => {
    const pair = openPair();
    join(pair, "b");
    pair.server.accept("c", hello({ generation }), "key", undefined, 0);
    expect(say(pair.server)).toEqual(["drop c 4409"]);
    expect(pair.server.link).toBe("b");
  });

  test("of two candidates the first that speaks wins", () => {
    for (const [winner, loser] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const server = createServer();
      attach(server, "a", hello());
      attach(server, "b", hello());
      server.handle({ type: "frame", link: winner, frame: pong }, 0);
      expect(say(server)).toEqual([`drop ${loser} 4409`, `open ${winner} from waiting`]);
      expect(server.link).toBe(winner);
    }
  });

  test("what was given to a candidate goes again to the one that wins", () => {
    const server = createServer();
    attach(server, "a", hello());
    server.handle({ type: "send", message: { data: "m1" } }, 0);
    expect(say(server)).toEqual(["a: n1", "a: m1"]);
    attach(server, "b", hello());
    expect(say(server)).toEqual(["b: n1", "b: m1"]);
    server.handle({ type: "frame", link: "a", frame: pong }, 0);
    expect(say(server).slice(-2)).toEqual(["a: n1", "a: m1"]);
  });

  test("with a candidate lost the one before it is next", () => {
    const server = createServer();
    attach(server, "a", hello());
    attach(server, "b", hello());
    server.handle({ type: "lost", link: "b", code: ABNORMAL }, 0);
    expect([server.link, server.state]).toEqual(["a", "waiting"]);
  });

  test("a client that took another link does not leave the session", () => {
    for (const loser of ["a", "b"]) {
      const server = createServer();
      attach(server, "a", hello());
      attach(server, "b", hello());
      server.handle({ type: "lost", link: loser, code: TAKEN_OVER }, 0);
      expect(server.state).toBe("waiting");
      expect(server.link).toBe(loser === "a" ? "b" : "a");
    }
  });

  test("the client says of a link it did not take what leaves the session alone", () => {
    const client = createClient();
    const server = createServer();
    const welcome = attach(server, "a", client.dial("a", false, []));
    attach(server, "b", client.dial("b", true, []));
    server.handle({ type: "lost", link: "a", code: ABNORMAL }, 0);
    client.handle({ type: "frame", link: "a", frame: ["w", welcome] }, 0);
    for (const output of drain(client)) {
      if (output.type === "drop") server.handle({ type: "lost", link: output.link, code: output.code }, 0);
    }
    expect(server.state).toBe("waiting");
  });
});

describe("times", () => {
  test("a session that nobody confirmed ends at the connect timeout", () => {
    const server = createServer();
    attach(server, "a", hello());
    expect(server.deadline).toBe(options.pingIntervalMs);
    server.handle({ type: "tick" }, 1000);
    server.handle({ type: "frame", link: "gone", frame: pong }, 1001);
    server.handle({ type: "tick" }, 2000);
    expect(say(server).slice(-1)).toEqual(["closed 4410 local"]);
  });

  test("a lost session waits for its client, and not for ever", () => {
    const { server } = openPair();
    server.handle({ type: "lost", link: "a", code: ABNORMAL }, 100);
    expect(server.deadline).toBe(100 + options.resumeWindowMs);
    server.handle({ type: "tick" }, 5099);
    expect(say(server)).toContain("away 1006");
    server.handle({ type: "tick" }, 5100);
    expect(say(server)).toEqual(["closed 4410 local"]);
  });

  test("a resume ends the wait", () => {
    const pair = openPair();
    for (const machine of [pair.client, pair.server])
      machine.handle({ type: "lost", link: "a", code: ABNORMAL }, 100);
    join(pair, "b", 200);
    pair.server.handle({ type: "tick" }, 5100);
    expect(pair.server.state).toBe("open");
  });

  test("a resume that is not confirmed does not end it", () => {
    const pair = openPair();
    for (const machine of [pair.client, pair.server])
      machine.handle({ type: "lost", link: "a", code: ABNORMAL }, 100);
    attach(pair.server, "b", pair.client.dial("b", false, []), 200);
    pair.server.handle({ type: "tick" }, 5100);
    expect(pair.server.state).toBe("closed");
  });

  test("a newer link that never spoke is lost as any other", () => {
    const pair = openPair();
    attach(pair.server, "b", pair.client.dial("b", false, []), 100);
    pair.server.handle({ type: "tick" }, 1100);
    pair.server.handle({ type: "tick" }, 1600);
    expect(say(pair.server)).toEqual(["b: p", "drop b 4408", "away 4408"]);
    expect(pair.server.deadline).toBe(1600 + options.resumeWindowMs);
  });
});

describe("what the driver is told of links", () => {
  test("a link whose client said goodbye in a frame is to be closed", () => {
    const { server } = openPair();
    server.handle({ type: "frame", link: "a", frame: ["c", BYE, ""] }, 0);
    expect(say(server)).toEqual(["drop a 4000", "closed 4000 remote"]);
  });

  test("a lost link is to be forgotten", () => {
    const { server } = openPair();
    server.handle({ type: "lost", link: "a", code: ABNORMAL }, 0);
    expect(say(server)).toEqual(["drop a 1006", "away 1006"]);
  });

  // 4409 would tell a client that has just taken the oldest that somebody else has its session
  test("hellos without end keep few links, and take over from none", () => {
    const server = createServer();
    for (let count = 0; count < 100; count++) server.accept(`link${count}`, hello(), "key", undefined, 0);
    const dropped = say(server).filter((line) => line.startsWith("drop"));
    expect(dropped.length).toBeGreaterThanOrEqual(90);
    expect(dropped[0]).toBe("drop link0 4408");
  });
});

test("a client that begins anew has nothing of this session", () => {
  const server = createServer();
  server.accept(
    "a",
    hello({ sid: "gone", secret: "x", received: 7, credit: [99, 9999] }),
    "key",
    "expired",
    0,
  );
  const [output] = drain(server);
  expect(output).toMatchObject({ frame: ["w", { sid: "sid", lost: "expired", received: 0 }] });
  expect([server.state, server.outbox.acked]).toEqual(["waiting", 0]);
});

test("a position beyond what was sent ends the session", () => {
  const server = createServer();
  server.accept("a", hello({ received: 1 }), "key", undefined, 0);
  expect(say(server).slice(-1)).toEqual(["closed 4400 local"]);
});

test("a hello inside the conversation means nothing", () => {
  const pair = openPair();
  pair.server.handle({ type: "frame", link: "a", frame: ["h", hello({ generation: 9 })] }, 0);
  expect(talk(pair)).toEqual([]);
  expect(pair.server.generation).toBe(1);
});

describe("a reader that rests", () => {
  const message = (text: string): Message => ({ data: `m${text}` });

  test("is given nothing, grants no credit, and acknowledges nothing", () => {
    const { client, server } = openPair({ windowMessages: 3 });
    server.pause();
    for (const text of ["1", "2", "3", "4", "5"]) client.handle({ type: "send", message: message(text) }, 0);
    expect(talk({ client, server })).toEqual([]);
    expect([server.received, client.outbox.window.length, client.outbox.queue.length]).toEqual([0, 3, 2]);
    expect(server.heldBytes).toBe(3 * 66);
    server.resume();
    const delivered = talk({ client, server }, 100);
    expect(delivered).toEqual([1, 2, 3, 4, 5].map((number) => `server deliver ${number} m${number}`));
    expect([server.heldBytes, client.outbox.window.length]).toEqual([0, 0]);
  });

  test("bytes that wait are a copy: the transport reads the next ones into the same memory", () => {
    const { server } = openPair();
    const chunk = Uint8Array.of(109, 1);
    server.pause();
    server.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    server.handle({ type: "frame", link: "a", frame: ["m", chunk] }, 0);
    drain(server);
    chunk.fill(0);
    server.resume();
    expect(drain(server)).toMatchObject([{ type: "deliver", data: Uint8Array.of(109, 1) }]);
  });

  test("is given nothing of what had come already", () => {
    const { server } = openPair();
    for (const text of ["1", "2"]) {
      server.handle({ type: "frame", link: "a", frame: ["n", Number(text)] }, 0);
      server.handle({ type: "frame", link: "a", frame: ["m", `m${text}`] }, 0);
    }
    expect(server.take()).toMatchObject({ type: "deliver", number: 1 });
    server.pause();
    server.pause();
    expect(say(server)).toEqual([]);
    server.resume();
    expect(say(server)).toEqual(["deliver 2 m2"]);
  });

  test("misses what is volatile", () => {
    const { server } = openPair();
    server.pause();
    server.handle({ type: "frame", link: "a", frame: ["v", "v1"] }, 0);
    server.resume();
    expect(say(server)).toEqual([]);
  });

  test("is given what waits when the client leaves, and then the end", () => {
    const { server } = openPair();
    server.pause();
    server.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    server.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    server.handle({ type: "frame", link: "a", frame: ["c", 4000, ""] }, 0);
    expect(say(server)).toEqual(["drop a 4000", "deliver 1 m1", "closed 4000 remote"]);
  });
});
