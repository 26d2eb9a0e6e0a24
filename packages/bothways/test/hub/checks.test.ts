/** A contract between a socket and its handlers: order, refusals, limits. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Hub } from "../../src/hub/hub.ts";
import type { Socket } from "../../src/hub/socket.ts";
import { BothwaysError } from "../../src/model/bothways-error.ts";
import type { Contract } from "../../src/model/contract.ts";
import {
  ack,
  connectSocket,
  createHub,
  event,
  type FakePeer,
  type FakePlatform,
  settled,
} from "./fake-peer.ts";

/** Calls that wait for the test to decide, in the order they came. */
class Decisions {
  readonly waiting: {
    args: readonly unknown[];
    pass(args: readonly unknown[]): void;
    fail(error: unknown): void;
  }[] = [];

  ask(args: readonly unknown[]): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => this.waiting.push({ args, pass: resolve, fail: reject }));
  }

  async pass(): Promise<void> {
    const first = this.waiting.shift();
    first?.pass(first.args);
    await settled();
  }
}

const refusal = new BothwaysError("BW_INVALID_ARGUMENT", "say[0]: no", { data: { issues: [] } });

interface Stage {
  readonly hub: Hub;
  readonly peer: FakePeer;
  readonly socket: Socket;
  readonly platform: FakePlatform;
  readonly decisions: Decisions;
  /** What handlers got. */
  readonly heard: unknown[];
  say(value: unknown, id?: number): void;
}

/** `"no"` is refused, `"bug"` breaks the check, `"slow…"` waits for a decision; all else comes out in capitals. */
function open(maxWaitingEvents?: number): Stage {
  const { hub, platform } = createHub(maxWaitingEvents === undefined ? {} : { maxWaitingEvents });
  const decisions = new Decisions();
  const contract: Contract = {
    checkEvent: (_event, args) => {
      const text = String(args[0]);
      if (text === "no") throw refusal;
      if (text === "bug") throw new TypeError("secret");
      return text.startsWith("slow") ? decisions.ask(args) : [text.toUpperCase()];
    },
    checkAnswer: (_event, args) => {
      if (args[0] === "no") throw new BothwaysError("BW_INVALID_ANSWER");
      if (args[0] === "bug") throw new TypeError("secret");
      return args[0] === "slow" ? decisions.ask(["slow"]) : [String(args[0]).toUpperCase()];
    },
  };
  hub.of("/", contract);
  const { peer, socket } = connectSocket(hub);
  const heard: unknown[] = [];
  socket.on("say", (value) => {
    heard.push(value);
    return value;
  });
  const say = (value: unknown, id?: number): void => hub.receive(peer, event(["say", value], id));
  return { hub, peer, socket, platform, decisions, heard, say };
}

describe("events", () => {
  test("handlers and observers get what the check made of them", () => {
    const { socket, say, heard, peer } = open();
    const seen: unknown[] = [];
    socket.onAny((name, ...args) => seen.push(name, args.length, args[0]));
    say("hi", 1);
    expect(heard).toEqual(["HI"]);
    // the second is the callback
    expect(seen).toEqual(["say", 2, "HI"]);
    expect(peer.last.data).toEqual(["HI"]);
  });

  test("a refused one reaches no handler; the one who asked is told why", () => {
    const { say, heard, peer, platform } = open();
    say("no", 1);
    expect(heard).toEqual([]);
    expect(peer.lines.at(-1)).toBe(
      `ACK_ERROR / ${JSON.stringify({ message: refusal.message, data: { issues: [] } })}`,
    );
    expect(platform.errors).toEqual([]);
  });

  test("without an ack it is dropped and reported", () => {
    const { say, heard, peer, platform, socket } = open();
    say("no");
    expect(heard).toEqual([]);
    expect(peer.sent).toHaveLength(1);
    expect(platform.errors).toEqual([
      { error: refusal, context: { namespace: "/", socket: socket.id, event: "say" } },
    ]);
  });

  test("a check that breaks is reported, and the peer learns nothing of it", () => {
    const { say, peer, platform } = open();
    say("bug", 1);
    expect(peer.lines.at(-1)).toBe('ACK_ERROR / {"message":"internal error"}');
    expect(platform.messages).toEqual(["secret"]);
  });

  test("those behind a slow one wait, also where they are refused at once", async () => {
    const { say, heard, peer, decisions } = open();
    say("slow");
    say("a");
    say("no", 1);
    say("slow 2");
    say("b");
    expect([heard, peer.sent.length]).toEqual([[], 1]);
    await decisions.pass();
    expect([heard, peer.sent.length]).toEqual([["slow", "A"], 2]);
    await decisions.pass();
    expect(heard).toEqual(["slow", "A", "slow 2", "B"]);
  });

  test("a slow one that is refused lets the others go on", async () => {
    const { say, heard, decisions, platform } = open();
    say("slow");
    say("a");
    decisions.waiting[0]?.fail(refusal);
    await settled();
    expect([heard, platform.messages]).toEqual([["A"], [refusal.message]]);
  });

  test("come out in order, however long each takes", async () => {
    const delays = fc.array(fc.nat({ max: 3 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, async (turns) => {
        const { hub } = createHub();
        const checkEvent = (_event: string, args: readonly unknown[]) => {
          const left = turns[Number(args[0])] ?? 0;
          const wait = async (): Promise<readonly unknown[]> => {
            for (let turn = 1; turn < left; turn += 1) await undefined;
            return args;
          };
          return left === 0 ? args : wait();
        };
        hub.of("/", { checkEvent, checkAnswer: (_event, args) => args });
        const { peer, socket } = connectSocket(hub);
        const heard: unknown[] = [];
        socket.on("n", (value) => heard.push(value));
        turns.forEach((_, index) => void hub.receive(peer, event(["n", index])));
        for (let turn = 0; turn < 10 * turns.length; turn += 1) await undefined;
        expect(heard).toEqual(turns.map((_, index) => index));
      }),
    );
  });

  test("another socket does not wait", () => {
    const { hub, say } = open();
    say("slow");
    const { peer, socket } = connectSocket(hub);
    const heard: unknown[] = [];
    socket.on("say", (value) => heard.push(value));
    hub.receive(peer, event(["say", "a"]));
    expect(heard).toEqual(["A"]);
  });

  test("a client that sends more than may wait for one is disconnected (option: maxWaitingEvents)", async () => {
    const { say, heard, decisions, platform, socket } = open(2);
    for (const value of ["slow", "a", "b", "c"]) say(value);
    expect(socket.connected).toBe(false);
    expect(platform.errors).toMatchObject([{ error: { code: "BW_EVENTS_WAITING" } }]);
    await decisions.pass();
    expect(heard).toEqual([]);
  });

  test("what waits when the socket leaves is not handled", async () => {
    const { say, heard, decisions, socket } = open();
    say("slow");
    say("a");
    socket.disconnect();
    await decisions.pass();
    expect(heard).toEqual([]);
  });

  test("nor what waits behind a handler that disconnects", async () => {
    const { say, heard, decisions, socket } = open();
    socket.on("say", () => socket.disconnect());
    say("slow");
    say("a");
    await decisions.pass();
    expect(heard).toEqual(["slow"]);
  });
});

describe("answers of the client", () => {
  const cases: [answer: string, expected: unknown][] = [
    ["yes", "YES"],
    ["no", "BW_INVALID_ANSWER"],
    ["bug", "BW_INVALID_ANSWER"],
    ["slow", "slow"],
  ];

  test.each(cases)("%s, to one", async (answer, expected) => {
    const { hub, peer, socket, decisions } = open();
    const answered = socket.emitWithAck("ask").catch(({ code }) => code);
    hub.receive(peer, ack(peer.last.id, answer));
    await decisions.pass();
    expect(await answered).toBe(expected);
  });

  test("those to a broadcast are judged one by one", async () => {
    const { hub, peer, decisions } = open();
    const { peer: other } = connectSocket(hub);
    const answered = hub.sockets.emitWithAck("ask").catch(({ code, responses }) => [code, responses]);
    hub.receive(peer, ack(peer.last.id, "slow"));
    hub.receive(other, ack(other.last.id, "no"));
    await decisions.pass();
    expect(await answered).toEqual(["BW_INVALID_ANSWER", ["slow"]]);
  });

  test("an error instead of an answer is not judged", async () => {
    const { socket } = open();
    const answered = socket.emitWithAck("ask").catch(({ code }) => code);
    socket.disconnect();
    expect(await answered).toBe("BW_DISCONNECTED");
  });
});

test("each namespace has its own contract, or none", () => {
  const { hub } = open();
  hub.of("/free");
  const { peer, socket } = connectSocket(hub, "/free");
  const heard: unknown[] = [];
  socket.on("say", (value) => heard.push(value));
  hub.receive(peer, event(["say", "no"], undefined, "/free"));
  expect(heard).toEqual(["no"]);
});
