/** docs/protocol/bothways-1.md §6, the client's side: rounds, hedges, welcomes, and whose doing a 4409 is. */
import { describe, expect, test } from "vitest";
import {
  ABNORMAL,
  BYE,
  DRAINING,
  GONE,
  PROTOCOL_ERROR,
  TAKEN_OVER,
  TIMEOUT,
} from "../../src/model/close-code.ts";
import type { Welcome } from "../../src/model/frame.ts";
import type { ClientSession } from "../../src/session/client-session.ts";
import { attach, createClient, drain, join, openPair, say } from "./machines.ts";

const welcome = (changes: Partial<Welcome> = {}): Welcome => ({
  sid: "sid",
  secret: "secret1",
  key: "key",
  received: 0,
  credit: [9, 999],
  ping: [1000, 500],
  ...changes,
});

function receive(client: ClientSession<string>, link: string, changes: Partial<Welcome> = {}): void {
  client.handle({ type: "frame", link, frame: ["w", welcome(changes)] }, 0);
}

function lose(client: ClientSession<string>, link: string, code: number = ABNORMAL): void {
  client.handle({ type: "lost", link, code }, 0);
}

describe("hellos", () => {
  test("one attempt id for all that may make the first session", () => {
    const client = createClient();
    const first = client.dial("a", false, [["/"]]);
    const hedge = client.dial("b", true, []);
    lose(client, "a");
    lose(client, "b");
    const second = client.dial("c", false, []);
    expect(first).toMatchObject({ version: 1, generation: 1, received: 0, join: [["/"]], sid: undefined });
    expect([first.attempt, hedge.attempt, second.attempt]).toEqual(Array(3).fill(first.attempt));
    expect([first.generation, hedge.generation, second.generation]).toEqual([1, 1, 2]);
  });

  test("a resume shows the session, the newest secret and the position", () => {
    const client = createClient();
    client.dial("a", false, []);
    receive(client, "a");
    client.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    client.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    drain(client);
    lose(client, "a");
    expect(client.dial("b", false, [])).toMatchObject({
      sid: "sid",
      secret: "secret1",
      received: 1,
      credit: [17, 4098],
    });
    receive(client, "b", { secret: "secret2" });
    lose(client, "b");
    expect(client.dial("c", false, [])).toMatchObject({ sid: "sid", secret: "secret2" });
  });

  test("after a gap another attempt id, so that a late copy of the old hello finds nothing", () => {
    const client = createClient();
    const first = client.dial("a", false, []);
    receive(client, "a");
    lose(client, "a");
    client.dial("b", false, []);
    receive(client, "b", { sid: "sid2", lost: "expired" });
    lose(client, "b");
    expect(client.dial("c", false, []).attempt).not.toBe(first.attempt);
  });
});

describe("welcomes", () => {
  test("the first wins, the other attempt is dropped", () => {
    for (const [winner, loser] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const client = createClient();
      client.dial("a", false, []);
      client.dial("b", true, []);
      receive(client, winner);
      const said = say(client);
      expect(said[0]).toMatch(new RegExp(`^drop ${loser} `));
      expect(said[1]).toBe(`open ${winner} from waiting`);
      receive(client, loser);
      expect(say(client)).toEqual([]);
    }
  });

  test("nothing of a link counts before its welcome", () => {
    const client = createClient();
    client.dial("a", false, []);
    client.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    client.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    expect([client.state, say(client)]).toEqual(["waiting", []]);
  });

  test("what both have is settled by it: the rest goes at once", () => {
    const client = createClient();
    client.dial("a", false, []);
    receive(client, "a");
    client.handle({ type: "writable", link: "a", rewinds: false }, 0);
    for (const data of ["m1", "m2", "m3"]) client.handle({ type: "send", message: { data } }, 0);
    drain(client);
    lose(client, "a");
    client.dial("b", false, []);
    client.handle({ type: "writable", link: "b", rewinds: false }, 0);
    drain(client);
    receive(client, "b", { received: 2 });
    expect(say(client).slice(0, 3)).toEqual(["open b from away", "b: n3", "b: m3"]);
  });

  test("one that claims more than was sent ends the session", () => {
    const client = createClient();
    client.dial("a", false, []);
    receive(client, "a", { received: 1 });
    expect(client.state).toBe("closed");
  });
});

describe("a session that is gone", () => {
  test("a gap first, with what is unknown and what was never sent; then numbers start again", () => {
    const { client, server } = openPair({ windowMessages: 1 });
    server.handle({ type: "blocked", link: "a" }, 0);
    client.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    client.handle({ type: "frame", link: "a", frame: ["m", "got"] }, 0);
    for (const data of ["m1", "m2"]) client.handle({ type: "send", message: { data } }, 0);
    drain(client);
    lose(client, "a");
    drain(client);
    client.dial("b", false, []);
    client.handle({ type: "writable", link: "b", rewinds: false }, 0);
    receive(client, "b", { sid: "sid2", lost: "server-lost" });
    expect(say(client).slice(0, 2)).toEqual([
      "gap 2 server-lost unknown=m1 unsent=m2",
      "open b from waiting",
    ]);
    client.handle({ type: "send", message: { data: "m3" } }, 0);
    expect(say(client)).toEqual(["b: n1", "b: m3"]);
    expect(client.received).toBe(0);
  });

  test("the gap of a server that does not say why", () => {
    const { client } = openPair();
    lose(client, "a");
    drain(client);
    client.dial("b", false, []);
    receive(client, "b", { sid: "sid2" });
    expect(say(client)[0]).toBe("gap 1 epoch unknown= unsent=");
  });
});

describe("taken over", () => {
  test("by our own later round: the old link stays in name until that is decided", () => {
    const { client } = openPair();
    client.dial("b", false, []);
    lose(client, "a", TAKEN_OVER);
    expect([client.state, client.link, say(client)]).toEqual(["open", "a", ["drop a 4409"]]);
    client.handle({ type: "send", message: { data: "m1" } }, 0);
    expect(say(client)).toEqual([]);
    client.handle({ type: "writable", link: "b", rewinds: false }, 0);
    receive(client, "b");
    const said = say(client);
    expect(said).toContain("open b from open");
    expect(said.slice(-3, -1)).toEqual(["b: n1", "b: m1"]);
  });

  test("by our own later round, which then fails", () => {
    const { client } = openPair();
    client.dial("b", false, []);
    lose(client, "a", TAKEN_OVER);
    lose(client, "b");
    expect([client.state, say(client)]).toEqual(["away", ["drop a 4409", "drop b 1006", "away 1006"]]);
  });

  test("by our own later round, which failed before", () => {
    const { client } = openPair();
    client.dial("b", false, []);
    lose(client, "b", TIMEOUT);
    expect(client.state).toBe("open");
    lose(client, "a", TAKEN_OVER);
    expect([client.state, say(client)]).toEqual(["away", ["drop b 4408", "drop a 4409", "away 4409"]]);
  });

  test("by another holder of the secret: it ends, and does not come back", () => {
    const { client } = openPair();
    lose(client, "a", TAKEN_OVER);
    expect([client.state, say(client)]).toEqual(["closed", ["drop a 4409", "closed 4409 remote"]]);
  });

  test("an attempt refused because another came first is no end", () => {
    const { client } = openPair();
    client.dial("b", false, []);
    client.dial("c", false, []);
    lose(client, "b", TAKEN_OVER);
    expect(client.state).toBe("open");
  });
});

describe("a page that goes away", () => {
  test.each([BYE, DRAINING])("ends all links with %d, and waits to be resumed", (code) => {
    const { client } = openPair();
    client.dial("b", false, []);
    client.handle({ type: "send", message: { data: "m1" } }, 0);
    client.leave(code);
    expect(say(client)).toEqual(["a: n1", "a: m1", `drop a ${code}`, `drop b ${code}`, `away ${code}`]);
    expect([client.state, client.deadline]).toEqual(["away", Number.POSITIVE_INFINITY]);
    expect(client.dial("c", false, [])).toMatchObject({ sid: "sid", received: 0 });
  });

  test("what a batch on its way may not bring goes again", () => {
    const { client } = openPair();
    client.handle({ type: "writable", link: "a", rewinds: true }, 0);
    client.handle({ type: "send", message: { data: "m1" } }, 0);
    drain(client);
    client.handle({ type: "blocked", link: "a" }, 0);
    client.handle({ type: "send", message: { data: "m2" } }, 0);
    client.leave(DRAINING);
    expect(say(client)).toEqual(["a: n1", "a: m1", "a: m2", "drop a 4503", "away 4503"]);
  });

  test.each(["waiting", "away"] as const)("%s: attempts end, and nothing is told", (state) => {
    const { client } = state === "away" ? openPair() : { client: createClient() };
    if (state === "away") lose(client, "a");
    drain(client);
    client.dial("b", false, []);
    client.leave(BYE);
    expect([client.state, say(client)]).toEqual([state, ["drop b 4000"]]);
  });
});

describe("attempts that fail", () => {
  test.each([
    [ABNORMAL, "waiting"],
    [TIMEOUT, "waiting"],
    [GONE, "waiting"],
    [PROTOCOL_ERROR, "closed"],
    [4403, "closed"],
    [4503, "waiting"],
  ])("with %d the first attempt leaves it %s", (code, state) => {
    const client = createClient();
    client.dial("a", false, []);
    lose(client, "a", code);
    expect(client.state).toBe(state);
  });

  test("a refusal of a second link leaves the first alone", () => {
    const { client } = openPair();
    client.dial("b", false, []);
    lose(client, "b", PROTOCOL_ERROR);
    expect([client.state, client.link, say(client)]).toEqual(["open", "a", ["drop b 4400"]]);
  });
});

test("a late welcome of an earlier round ends nobody's session", () => {
  const pair = openPair();
  const late = attach(pair.server, "b", pair.client.dial("b", false, []));
  join(pair, "c");
  pair.client.handle({ type: "frame", link: "b", frame: ["w", late] }, 0);
  expect([pair.client.link, pair.server.link, pair.client.state]).toEqual(["c", "c", "open"]);
});
