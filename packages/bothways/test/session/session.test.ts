/** docs/protocol/bothways-1.md §4 and §6: the machine both sides run. Every state meets every input, on either side. */
import { describe, expect, test } from "vitest";
import { ABNORMAL, BYE, GONE, PROTOCOL_ERROR, TAKEN_OVER } from "../../src/model/close-code.ts";
import type { Frame } from "../../src/model/frame.ts";
import type { Message } from "../../src/model/message.ts";
import { type Input, NEVER, type Session, type State, transitions } from "../../src/session/session.ts";
import {
  attach,
  createClient,
  createServer,
  drain,
  join,
  openPair,
  options,
  type Pair,
  say,
  talk,
} from "./machines.ts";

type Side = "client" | "server";
type Row = Readonly<Record<State, State>>;

const frame = (value: Frame | undefined): Input<string, Message> => ({
  type: "frame",
  link: "a",
  frame: value,
});
const welcome: Frame = [
  "w",
  { sid: "sid", secret: "s", key: "k", received: 0, credit: [9, 999], ping: [1000, 500] },
];
const same: Row = { waiting: "waiting", open: "open", away: "away", closed: "closed" };
const closes: Row = { waiting: "closed", open: "closed", away: "closed", closed: "closed" };
/** A server's link is proved by its first frame. */
const proves: Row = { waiting: "open", open: "open", away: "open", closed: "closed" };

/**
 * In `waiting` and `away` link `a` is attached and not confirmed; in `open` it is current; in `closed` there is none.
 * The columns: the input, and the state it leads to at the client and at the server.
 */
const inputs: [name: string, input: Input<string, Message>, client: Row, server: Row][] = [
  ["send", { type: "send", message: { data: "m" } }, same, same],
  ["send-volatile", { type: "send-volatile", message: { data: "v" } }, same, same],
  ["tick", { type: "tick" }, same, same],
  ["close", { type: "close", code: BYE }, closes, closes],
  ["writable", { type: "writable", link: "a", rewinds: false }, same, same],
  ["writable again and again", { type: "writable", link: "a", rewinds: true }, same, same],
  ["blocked", { type: "blocked", link: "a" }, same, same],
  ["lost", { type: "lost", link: "a", code: ABNORMAL }, same, same],
  ["lost: unknown session", { type: "lost", link: "a", code: GONE }, same, same],
  ["lost: taken over", { type: "lost", link: "a", code: TAKEN_OVER }, closes, same],
  ["lost: refused", { type: "lost", link: "a", code: PROTOCOL_ERROR }, closes, closes],
  ["frame n", frame(["n", 1]), same, proves],
  ["frame m without its number", frame(["m", "m"]), same, { ...proves, open: "closed" }],
  ["frame v", frame(["v", "v"]), same, proves],
  ["frame a", frame(["a", 0, 9, 999]), same, proves],
  ["frame a beyond what was sent", frame(["a", 5, 9, 999]), same, closes],
  ["frame p", frame(["p"]), same, proves],
  ["frame o", frame(["o"]), same, proves],
  ["frame w", frame(welcome), proves, proves],
  ["frame c: gone", frame(["c", GONE, ""]), same, same],
  ["frame c: refused", frame(["c", PROTOCOL_ERROR, ""]), same, closes],
  ["malformed frame", frame(undefined), closes, closes],
];

/** What differs where the link in question is the one in use. */
const whenOpen: Record<string, readonly [client: State, server: State]> = {
  lost: ["away", "away"],
  "lost: unknown session": ["away", "away"],
  "lost: taken over": ["closed", "away"],
  "frame c: gone": ["open", "away"],
  "frame m without its number": ["closed", "closed"],
  "frame a beyond what was sent": ["closed", "closed"],
};

/** A message without its number ends the link, and with it a session whose link was proved by it. */
const expected = (name: string, side: Side, state: State, row: Row): State => {
  const changed = whenOpen[name]?.[side === "client" ? 0 : 1];
  if (state === "open" && changed) return changed;
  if (name === "frame m without its number" && side === "server") return "closed";
  return row[state];
};

function build(side: Side, state: State): Session<string> {
  const pair = state === "waiting" ? { client: createClient(), server: createServer() } : openPair();
  if (state === "away") {
    for (const machine of [pair.client, pair.server])
      machine.handle({ type: "lost", link: "a", code: ABNORMAL }, 0);
  }
  if (state === "waiting" || state === "away") attach(pair.server, "a", pair.client.dial("a", false, []));
  if (state === "closed")
    for (const machine of [pair.client, pair.server]) machine.handle({ type: "close", code: BYE }, 0);
  for (const machine of [pair.client, pair.server]) drain(machine);
  return pair[side];
}

describe.each(["client", "server"] as const)("%s", (side) => {
  describe.each(Object.keys(transitions) as State[])("%s", (state) => {
    test.each(inputs)("meets %s", (name, input, client, server) => {
      const machine = build(side, state);
      expect(machine.state).toBe(state);
      machine.handle(input, 0);
      const outputs = drain(machine);
      expect(machine.state).toBe(expected(name, side, state, side === "client" ? client : server));
      // one output tells of each move, and none is told without a move of the table
      const events = outputs.flatMap(({ type }) =>
        type === "open" ? ["confirm"] : type === "away" ? ["lose"] : type === "closed" ? ["close"] : [],
      );
      const reached = events.reduce<State>(
        (from, event) => (transitions[from] as Record<string, State>)[event] ?? from,
        state,
      );
      expect(reached).toBe(machine.state);
      if (state === "closed") expect(outputs).toEqual([]);
      if (machine.state === "closed")
        expect([machine.link, machine.deadline >= NEVER || side === "server"]).toEqual([undefined, true]);
    });
  });
});

test("the table reaches every state from the first one, and leaves the last one never", () => {
  const reached = new Set<State>(["waiting"]);
  for (const state of reached) for (const next of Object.values(transitions[state])) reached.add(next);
  expect([...reached].sort()).toEqual(["away", "closed", "open", "waiting"]);
  expect(transitions.closed).toEqual({});
});

function send({ client, server }: Pair, side: Side, ...texts: string[]): void {
  for (const data of texts)
    (side === "client" ? client : server).handle({ type: "send", message: { data } }, 0);
}

describe.each([
  ["client", "server"],
  ["server", "client"],
] as const)("%s to %s", (from, to) => {
  test("messages are numbered from one and delivered in order", () => {
    const pair = openPair();
    send(pair, from, "m1", "m2");
    expect(say(pair[from])).toEqual(["a: n1", "a: m1", "a: m2"]);
  });

  test("only the first message on a link is preceded by its number", () => {
    const pair = openPair();
    send(pair, from, "m1");
    expect(talk(pair)).toEqual([`${to} deliver 1 m1`]);
    send(pair, from, "m2");
    expect(say(pair[from])).toEqual(["a: m2"]);
  });

  test("what a lost link may have lost goes again on the next, and comes once", () => {
    const pair = openPair();
    send(pair, from, "m1", "m2");
    const [number, first] = drain(pair[from]);
    for (const output of [number, first]) {
      if (output?.type === "frame") pair[to].handle({ type: "frame", link: "a", frame: output.frame }, 0);
      if (output?.type === "message") pair[to].handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    }
    expect(say(pair[to])).toEqual(["deliver 1 m1"]);
    for (const machine of [pair.client, pair.server])
      machine.handle({ type: "lost", link: "a", code: ABNORMAL }, 0);
    expect(say(pair[from])).toContain("away 1006");
    send(pair, from, "m3");
    expect(say(pair[to])).toContain("away 1006");
    const said: string[] = [];
    const hello = pair.client.dial("b", false, []);
    const given = attach(pair.server, "b", hello);
    pair.client.handle({ type: "frame", link: "b", frame: ["w", given] }, 0);
    pair.client.handle({ type: "writable", link: "b", rewinds: false }, 0);
    said.push(...talk(pair));
    expect(said.filter((line) => line.startsWith(`${to} deliver`))).toEqual([
      `${to} deliver 2 m2`,
      `${to} deliver 3 m3`,
    ]);
    expect(pair[to].received).toBe(3);
  });

  test("duplicates on an exchange are dropped and counted", () => {
    const pair = openPair();
    const machine = pair[to];
    machine.handle({ type: "writable", link: "a", rewinds: true }, 0);
    for (let count = 0; count < 2; count++) {
      machine.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
      machine.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
      machine.handle({ type: "frame", link: "a", frame: ["m", "m2"] }, 0);
    }
    expect(say(machine)).toEqual(["deliver 1 m1", "deliver 2 m2"]);
    expect(machine.duplicates).toBe(2);
  });

  test("an exchange that leaves one out ends its link, and nothing of it is delivered", () => {
    const { [to]: machine } = openPair();
    machine.handle({ type: "writable", link: "a", rewinds: true }, 0);
    for (const data of [
      ["n", 2],
      ["m", "m2"],
      ["m", "m3"],
    ] as const) {
      machine.handle({ type: "frame", link: "a", frame: data }, 0);
    }
    expect(say(machine)).toEqual(["drop a 4408", "away 4408"]);
  });

  test("a hole on an ordered link is a breach of the protocol", () => {
    const { [to]: machine } = openPair();
    machine.handle({ type: "frame", link: "a", frame: ["n", 2] }, 0);
    machine.handle({ type: "frame", link: "a", frame: ["m", "m2"] }, 0);
    expect(say(machine).slice(0, 1)).toEqual(["drop a 4400"]);
  });

  test("the position moves when a message is taken, not when it came in", () => {
    const { [to]: machine } = openPair();
    machine.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    machine.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    expect(machine.position()[1]).toBe(0);
    expect(machine.take()).toMatchObject({ type: "deliver", number: 1 });
    expect(machine.position()[1]).toBe(1);
  });

  test("an acknowledgement waits for more, up to its delay or a quarter of the window", () => {
    const pair = openPair();
    send(pair, from, "m1");
    expect(talk(pair)).toEqual([`${to} deliver 1 m1`]);
    expect(pair[to].deadline).toBe(options.ackDelayMs);
    expect(pair[from].outbox.acked).toBe(0);
    pair[to].handle({ type: "tick" }, options.ackDelayMs);
    expect(say(pair[to])[0]).toMatch(/^a: a1,17,/);
    send(pair, from, "m2", "m3", "m4", "m5", "m6");
    talk(pair);
    expect(pair[from].outbox.acked).toBe(6);
  });

  test("an acknowledgement goes along with a message, but not with each, and not for nothing", () => {
    const pair = openPair();
    const { [to]: machine } = pair;
    const soon = options.ackDelayMs / 2;
    const answer = (now: number): string[] => {
      machine.handle({ type: "send", message: { data: "m" } }, now);
      return say(machine).filter((line) => !/n\d/.test(line));
    };
    send(pair, from, "m1");
    talk(pair, soon);
    expect(answer(soon)).toEqual(["a: m", expect.stringMatching(/^a: a1,17,/)]);
    send(pair, from, "m2");
    talk(pair, soon);
    expect(answer(soon)).toEqual(["a: m"]);
    expect(answer(2 * soon)).toEqual(["a: m", expect.stringMatching(/^a: a2,18,/)]);
    expect(answer(4 * soon)).toEqual(["a: m"]);
    expect(machine.deadline).toBeGreaterThan(4 * soon + options.ackDelayMs);
  });

  test("without credit nothing leaves but answers, and credit comes back by itself", () => {
    const pair = openPair({ windowMessages: 2 });
    pair[to].handle({ type: "blocked", link: "a" }, 0);
    send(pair, from, "m1", "m2", "m3");
    pair[from].handle({ type: "send", message: { data: "m4", isAnswer: true } }, 0);
    expect(talk(pair)).toEqual([`${to} deliver 1 m1`, `${to} deliver 2 m2`, `${to} deliver 3 m4`]);
    pair[to].handle({ type: "writable", link: "a", rewinds: false }, 0);
    expect(talk(pair)).toEqual([`${to} deliver 4 m3`]);
  });

  test("volatile messages leave at once or never, and outside the numbers", () => {
    const pair = openPair({ windowMessages: 1 });
    pair[from].handle({ type: "send-volatile", message: { data: "v1" } }, 0);
    expect(talk(pair)).toEqual([`${to} deliver 0 v1`]);
    pair[from].handle({ type: "blocked", link: "a" }, 0);
    pair[from].handle({ type: "send-volatile", message: { data: "v2" } }, 0);
    pair[from].handle({ type: "writable", link: "a", rewinds: false }, 0);
    expect(talk(pair)).toEqual([]);
    send(pair, from, "m1", "m2");
    pair[from].handle({ type: "send-volatile", message: { data: "v3" } }, 0);
    expect(say(pair[from])).toEqual(["a: n1", "a: m1"]);
  });

  test("frames of a link that is not attached are ignored", () => {
    const { [to]: machine } = openPair();
    const before = machine.position();
    machine.handle({ type: "frame", link: "other", frame: ["n", 1] }, 0);
    machine.handle({ type: "frame", link: "other", frame: ["m", "m1"] }, 0);
    machine.handle({ type: "frame", link: "other", frame: undefined }, 0);
    machine.handle({ type: "lost", link: "other", code: BYE }, 0);
    expect(say(machine)).toEqual([]);
    expect(machine.position()).toEqual(before);
  });

  test("before a close leaves all that has credit", () => {
    const pair = openPair();
    send(pair, from, "m1");
    pair[from].handle({ type: "close", code: BYE }, 0);
    expect(say(pair[from])).toEqual(["a: n1", "a: m1", "drop a 4000", "closed 4000 local"]);
  });
});

describe("an exchange link", () => {
  test("each answer of a server starts again after the last number acknowledged", () => {
    const pair = openPair();
    const { server } = pair;
    server.handle({ type: "writable", link: "a", rewinds: true }, 0);
    send(pair, "server", "m1", "m2");
    expect(say(server)).toEqual(["a: n1", "a: m1", "a: m2"]);
    server.handle({ type: "blocked", link: "a" }, 0);
    server.handle({ type: "frame", link: "a", frame: ["a", 1, 9, 999] }, 0);
    server.handle({ type: "writable", link: "a", rewinds: true }, 0);
    expect(say(server)).toEqual(["a: n2", "a: m2"]);
  });

  test("a client goes on after a batch that was answered, and names where", () => {
    const pair = openPair();
    const { client } = pair;
    client.handle({ type: "writable", link: "a", rewinds: true }, 0);
    send(pair, "client", "m1", "m2");
    expect(say(client)).toEqual(["a: n1", "a: m1", "a: m2"]);
    client.handle({ type: "blocked", link: "a" }, 0);
    client.handle({ type: "frame", link: "a", frame: ["a", 0, 9, 999] }, 0);
    client.handle({ type: "writable", link: "a", rewinds: true }, 0);
    expect(say(client)).toEqual([]);
    send(pair, "client", "m3");
    expect(say(client)).toEqual(["a: n3", "a: m3"]);
  });

  test("needs no acknowledgement of its own where an answer tells in time, however much came", () => {
    const { server } = openPair({ windowMessages: 1 });
    server.handle({ type: "writable", link: "a", rewinds: true }, 0);
    server.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    server.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    expect(say(server)).toEqual(["deliver 1 m1"]);
    server.position();
    server.handle({ type: "tick" }, options.ackDelayMs);
    expect(say(server)).toEqual([]);
  });

  test("what was delivered after its batch was answered is told on the way down", () => {
    const { server } = openPair({ windowMessages: 1 });
    server.handle({ type: "writable", link: "a", rewinds: true }, 0);
    server.pause();
    server.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    server.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    expect(say(server)).toEqual([]);
    server.position();
    server.resume();
    expect(say(server)).toEqual(["deliver 1 m1"]);
    server.handle({ type: "tick" }, server.deadline);
    expect(say(server)).toEqual(["a: a1,2,4098"]);
  });
});

describe("an exchange link whose way down is streams", () => {
  test("what the reader's pause held back goes on, and only a new stream begins again", () => {
    const pair = openPair();
    const { server } = pair;
    server.handle({ type: "writable", link: "a", rewinds: true }, 0);
    send(pair, "server", "m1");
    server.handle({ type: "blocked", link: "a" }, 0);
    send(pair, "server", "m2");
    server.handle({ type: "writable", link: "a", rewinds: false }, 0);
    expect(say(server)).toEqual(["a: n1", "a: m1", "a: m2"]);
    server.handle({ type: "writable", link: "a", rewinds: true }, 0);
    expect(say(server)).toEqual(["a: n1", "a: m1", "a: m2"]);
  });

  test.each(["client", "server"] as const)("the %s acknowledges by itself", (side) => {
    const { [side]: machine } = openPair();
    machine.handle({ type: "writable", link: "a", rewinds: true }, 0);
    say(machine);
    machine.handle({ type: "frame", link: "a", frame: ["n", 1] }, 0);
    machine.handle({ type: "frame", link: "a", frame: ["m", "m1"] }, 0);
    expect(say(machine)).toEqual(["deliver 1 m1"]);
    const { deadline } = machine;
    expect(deadline).toBeLessThanOrEqual(options.ackDelayMs + 1);
    machine.handle({ type: "tick" }, deadline);
    expect(say(machine)).toEqual([expect.stringMatching(/^a: a1/)]);
  });

  test("who leaves while a batch is on its way says all that is not acknowledged with the goodbye", () => {
    const pair = openPair();
    const { client } = pair;
    client.handle({ type: "writable", link: "a", rewinds: true }, 0);
    send(pair, "client", "m1");
    say(client);
    client.handle({ type: "blocked", link: "a" }, 0);
    send(pair, "client", "m2");
    client.handle({ type: "close", code: BYE }, 0);
    expect(say(client)).toEqual(["a: n1", "a: m1", "a: m2", "drop a 4000", "closed 4000 local"]);
  });
});

describe("heartbeat", () => {
  test("the server asks after silence and gives the link up when nothing comes", () => {
    const { server } = openPair();
    expect(server.deadline).toBe(options.pingIntervalMs);
    server.handle({ type: "tick" }, 999);
    expect(say(server)).toEqual([]);
    server.handle({ type: "tick" }, 1000);
    expect(say(server)).toEqual(["a: p"]);
    server.handle({ type: "tick" }, 1499);
    expect(say(server)).toEqual([]);
    server.handle({ type: "tick" }, 1500);
    expect(say(server)).toEqual(["drop a 4408", "away 4408"]);
  });

  test.each([
    ["later", 1001],
    ["in the same millisecond", 1000],
  ])("any frame is an answer (%s)", (_, now) => {
    const { server } = openPair();
    server.handle({ type: "tick" }, 1000);
    drain(server);
    server.handle({ type: "frame", link: "a", frame: ["o"] }, now);
    server.handle({ type: "tick" }, 1500);
    expect(server.state).toBe("open");
    server.handle({ type: "tick" }, now + 1000);
    expect(say(server)).toEqual(["a: p"]);
  });

  test("a client that talks all the time is asked all the same: it needs to hear us", () => {
    const { server } = openPair();
    for (let now = 100; now <= 900; now += 100) {
      server.handle({ type: "frame", link: "a", frame: ["v", "v2"] }, now);
    }
    drain(server);
    server.handle({ type: "tick" }, 1000);
    expect(say(server)).toEqual(["a: p"]);
  });

  test("over HTTP the position in a batch's answer is no sign of life: the polls may be dead", () => {
    const { client } = openPair();
    client.handle({ type: "writable", link: "a", rewinds: true }, 0);
    const position = ["a", 0, 9, 999] as const;
    client.handle({ type: "frame", link: "a", frame: position }, 1400);
    client.handle({ type: "tick" }, 1500);
    expect(say(client)).toEqual(["drop a 4408", "away 4408"]);
  });

  test("the client answers, and gives up after both times", () => {
    const pair = openPair();
    pair.client.handle({ type: "frame", link: "a", frame: ["p"] }, 10);
    expect(say(pair.client)).toEqual(["a: o"]);
    pair.client.handle({ type: "tick" }, 1509);
    expect(say(pair.client)).toEqual([]);
    pair.client.handle({ type: "tick" }, 1510);
    expect(say(pair.client)).toEqual(["drop a 4408", "away 4408"]);
  });

  test("each loss to silence makes both more patient, until more than a first frame came through", () => {
    const pair = openPair();
    let now = 0;
    const untilAway = (machine: Session<string>, since: number): number => {
      let at = since;
      while (machine.state === "open") {
        at = machine.deadline;
        machine.handle({ type: "tick" }, at);
        drain(machine);
      }
      return at - since;
    };
    /** How long each of the two bears silence on its link. */
    const bear = (): [client: number, server: number] => {
      const times: [number, number] = [untilAway(pair.client, now), untilAway(pair.server, now)];
      now += Math.max(...times);
      return times;
    };
    const borne = [..."bcdef"].map((link) => {
      const times = bear();
      join(pair, link, now);
      return times;
    });
    expect(borne).toEqual([
      [1500, 1500],
      [3000, 2000],
      [6000, 3000],
      [12_000, 5000],
      [12_000, 5000],
    ]);
    pair.client.handle({ type: "frame", link: "f", frame: ["p"] }, now);
    send(pair, "client", "m1");
    talk(pair, now);
    expect(bear()).toEqual([1500, 1500]);
  });

  test("a pong waits for its link", () => {
    const { client } = openPair();
    client.handle({ type: "blocked", link: "a" }, 0);
    client.handle({ type: "frame", link: "a", frame: ["p"] }, 10);
    expect(say(client)).toEqual([]);
    client.handle({ type: "writable", link: "a", rewinds: false }, 20);
    expect(say(client)).toEqual(["a: o"]);
  });

  test("a probe is answered, or the link is given up", () => {
    const pair = openPair();
    pair.client.probe(100);
    expect(talk(pair, 100)).toEqual([]);
    pair.client.handle({ type: "tick" }, 700);
    expect(pair.client.state).toBe("open");
    pair.client.probe(800);
    expect(say(pair.client)).toEqual(["a: p"]);
    pair.client.handle({ type: "tick" }, 1300);
    expect(say(pair.client)).toEqual(["drop a 4408", "away 4408"]);
  });
});

test("a live switch loses nothing and is no interruption", () => {
  const pair = openPair();
  send(pair, "client", "m1");
  send(pair, "server", "m1");
  const welcomed = attach(pair.server, "b", pair.client.dial("b", false, []));
  pair.client.handle({ type: "frame", link: "b", frame: ["w", welcomed] }, 0);
  pair.client.handle({ type: "writable", link: "b", rewinds: false }, 0);
  const said = talk(pair);
  expect(said.filter((line) => line.includes("deliver"))).toEqual([
    "server deliver 1 m1",
    "client deliver 1 m1",
  ]);
  expect(said.filter((line) => line.includes("open"))).toEqual([
    "client open b from open",
    "server open b from open",
  ]);
  expect(said.filter((line) => line.includes("away"))).toEqual([]);
  join(pair, "c");
  expect(pair.client.link).toBe("c");
});
