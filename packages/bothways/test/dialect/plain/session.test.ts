/** The machine of plain clients: its table, the order of joining, its limits and its heartbeat. */
import { describe, expect, test } from "vitest";
import {
  type PlainInput,
  type PlainOutput,
  PlainSession,
  type PlainState,
  transitions,
} from "../../../src/dialect/plain/session.ts";
import { BothwaysError } from "../../../src/model/bothways-error.ts";
import { SLOW_CONSUMER, TIMEOUT } from "../../../src/model/close-code.ts";
import type { Message, OverflowPolicy } from "../../../src/model/message.ts";
import { costOf } from "../../../src/session/outbox.ts";
import { overflows } from "../../../src/session/overflow.ts";

const limits = {
  maxQueueBytes: 1000,
  highWaterMarkBytes: 300,
  pingIntervalMs: 100,
  pingTimeoutMs: 50,
  connectTimeoutMs: 200,
};

function create(policy: OverflowPolicy = "disconnect", answersProbes = true): PlainSession {
  return new PlainSession({ ...limits, overflow: overflows[policy] }, answersProbes, 0);
}

function open(policy?: OverflowPolicy, answersProbes?: boolean): PlainSession {
  const session = create(policy, answersProbes);
  session.handle({ type: "open", greeting: [] }, 0);
  drain(session);
  return session;
}

function message(data: string, more: Partial<Message> = {}): Message {
  return { data, ...more };
}

/** Each output in one word or two. */
function drain(session: PlainSession): string[] {
  const lines: string[] = [];
  for (let output = session.take(); output; output = session.take()) lines.push(toLine(output));
  return lines;
}

function toLine(output: PlainOutput): string {
  switch (output.type) {
    case "message":
      return `say ${output.message.data}`;
    case "deliver":
      return `deliver ${output.data}`;
    case "hold":
      return output.isHeld ? "hold" : "release";
    case "dropped":
      return `dropped ${output.messages.map(({ data }) => data).join(" ")}`;
    case "closed":
      return `closed ${output.code}`;
    default:
      return output.type;
  }
}

describe("the table", () => {
  const make: Record<PlainState, () => PlainSession> = {
    joining: create,
    open,
    closed: () => {
      const session = open();
      session.handle({ type: "close", code: 4000 }, 0);
      drain(session);
      return session;
    },
  };
  const inputs: Record<PlainInput["type"], PlainInput> = {
    open: { type: "open", greeting: [message("welcome")] },
    send: { type: "send", message: message("a") },
    "send-volatile": { type: "send-volatile", message: message("v") },
    message: { type: "message", data: "in" },
    heard: { type: "heard" },
    flushed: { type: "flushed" },
    writable: { type: "writable" },
    blocked: { type: "blocked" },
    pause: { type: "pause" },
    resume: { type: "resume" },
    tick: { type: "tick" },
    close: { type: "close", code: 4000 },
  };
  const expected: Record<PlainState, Partial<Record<PlainInput["type"], string[]>>> = {
    joining: { open: ["say welcome", "open"], close: ["closed 4000"] },
    open: { send: ["say a"], "send-volatile": ["say v"], message: ["deliver in"], close: ["closed 4000"] },
    closed: {},
  };
  const cases = (Object.keys(transitions) as PlainState[]).flatMap((state) =>
    Object.values(inputs).map((input) => ({ state, input, name: input.type })),
  );

  test.each(cases)("$state, $name", ({ state, input }) => {
    const session = make[state]();
    session.handle(input, 0);
    expect(drain(session)).toEqual(expected[state][input.type] ?? []);
    const row: { readonly [event: string]: PlainState } = transitions[state];
    expect(session.state).toBe(row[input.type] ?? state);
  });
});

describe("joining", () => {
  test("the greeting goes before what waits, and what came is heard after it", () => {
    const session = create();
    session.handle({ type: "send", message: message("early") }, 0);
    session.handle({ type: "message", data: "question" }, 0);
    session.handle({ type: "send-volatile", message: message("lost") }, 0);
    expect(drain(session)).toEqual([]);
    session.handle({ type: "open", greeting: [message("welcome")] }, 0);
    expect(drain(session)).toEqual(["say welcome", "say early", "open", "deliver question"]);
  });

  test("takes no longer than connectTimeout", () => {
    const session = create();
    expect(session.deadline).toBe(200);
    session.handle({ type: "heard" }, 150);
    session.handle({ type: "tick" }, 199);
    expect(drain(session)).toEqual([]);
    session.handle({ type: "tick" }, 200);
    expect(drain(session)).toEqual([`closed ${TIMEOUT}`]);
  });

  test("what comes too early and is too much is not read", () => {
    const session = create();
    for (let count = 0; count < 3; count++) session.handle({ type: "message", data: "x".repeat(50) }, 0);
    expect(drain(session)).toEqual(["hold"]);
    expect(session.heldBytes).toBe(3 * costOf(message("x".repeat(50))));
    session.handle({ type: "open", greeting: [] }, 0);
    expect(drain(session).map((line) => line.slice(0, 7))).toEqual([
      "open",
      "deliver",
      "deliver",
      "deliver",
      "release",
    ]);
    expect(session.heldBytes).toBe(0);
  });
});

describe("what waits", () => {
  const long = "x".repeat(236);

  test("between two flushes the link gets a high-water mark, and the rest when it was flushed", () => {
    const session = open();
    for (const name of ["1", "2", "3"]) session.handle({ type: "send", message: message(name + long) }, 0);
    expect(drain(session)).toEqual([`say 1${long}`, `say 2${long}`]);
    expect(session.outbox.queueBytes).toBe(301);
    expect(session.isOverHighWater).toBe(true);
    session.handle({ type: "flushed" }, 0);
    expect(drain(session)).toEqual([`say 3${long}`, "drain"]);
    expect(session.isOverHighWater).toBe(false);
  });

  test("leaves in order when the link is writable again, and volatile messages do not wait", () => {
    const session = open();
    session.handle({ type: "blocked" }, 0);
    session.handle({ type: "send", message: message("a") }, 0);
    session.handle({ type: "send-volatile", message: message("v") }, 0);
    session.handle({ type: "send", message: message("b") }, 0);
    expect(drain(session)).toEqual([]);
    session.handle({ type: "writable" }, 0);
    expect(drain(session)).toEqual(["say a", "say b"]);
  });

  /** A blocked link, and a queue with no room for one more. */
  function full(policy: OverflowPolicy): PlainSession {
    const session = open(policy);
    session.handle({ type: "blocked" }, 0);
    for (const name of ["1", "2", "3"])
      session.handle({ type: "send", message: message(name + long, { key: "k" }) }, 0);
    expect(drain(session)).toEqual([]);
    return session;
  }

  test.each([
    ["disconnect", [`closed ${SLOW_CONSUMER}`]],
    ["drop-oldest", [`dropped 1${long}`]],
    ["latest-by-key", [`dropped 3${long} 2${long} 1${long}`]],
  ] as const)("at its limit the policy decides: %s", (policy, outputs) => {
    const session = full(policy);
    session.handle({ type: "send", message: message(`4${long}`, { key: "k" }) }, 0);
    expect(drain(session)).toEqual(outputs);
  });

  test("under `block` the sender is refused and told when there is room", () => {
    const session = full("block");
    const send = (): void => session.handle({ type: "send", message: message(`4${long}`) }, 0);
    expect(send).toThrow(BothwaysError);
    expect(session.isOverHighWater).toBe(true);
    session.handle({ type: "writable" }, 0);
    session.handle({ type: "flushed" }, 0);
    expect(drain(session)).toEqual([`say 1${long}`, `say 2${long}`, `say 3${long}`, "drain"]);
    expect(send).not.toThrow();
  });

  test("is said before the end where the link takes it, and dropped where not", () => {
    const session = open();
    for (const name of ["1", "2", "3"]) session.handle({ type: "send", message: message(name + long) }, 0);
    session.handle({ type: "close", code: 4503 }, 0);
    expect(drain(session)).toEqual([`say 1${long}`, `say 2${long}`, `say 3${long}`, "closed 4503"]);
    const blocked = full("disconnect");
    blocked.handle({ type: "close", code: 4503 }, 0);
    expect(drain(blocked)).toEqual(["closed 4503"]);
    expect(blocked.outbox.queueBytes).toBe(0);
  });
});

describe("while paused", () => {
  test("nothing is delivered, and what came is in order afterwards", () => {
    const session = open();
    session.handle({ type: "pause" }, 0);
    session.handle({ type: "message", data: "1" }, 0);
    session.handle({ type: "message", data: "2" }, 0);
    expect(drain(session)).toEqual([]);
    session.handle({ type: "resume" }, 0);
    session.handle({ type: "message", data: "3" }, 0);
    expect(drain(session)).toEqual(["deliver 1", "deliver 2", "deliver 3"]);
  });

  test("what was about to be delivered waits too", () => {
    const session = open();
    for (const data of ["1", "2"]) session.handle({ type: "message", data }, 0);
    session.handle({ type: "send", message: message("a") }, 0);
    expect(toLine(session.take() as PlainOutput)).toBe("deliver 1");
    session.handle({ type: "pause" }, 0);
    expect(drain(session)).toEqual(["say a"]);
    session.handle({ type: "resume" }, 0);
    expect(drain(session)).toEqual(["deliver 2"]);
  });

  test("a client that is not read is not said to be silent", () => {
    const session = open();
    session.handle({ type: "pause" }, 0);
    for (let count = 0; count < 3; count++) session.handle({ type: "message", data: "x".repeat(50) }, 0);
    expect(drain(session)).toEqual(["hold"]);
    expect(session.deadline).toBe(Number.POSITIVE_INFINITY);
    session.handle({ type: "resume" }, 1000);
    expect(session.deadline).toBe(1100);
  });
});

describe("the heartbeat", () => {
  test("a silent client is probed, and gone where it does not answer", () => {
    const session = open();
    session.handle({ type: "heard" }, 60);
    session.handle({ type: "tick" }, 100);
    expect(drain(session)).toEqual([]);
    session.handle({ type: "tick" }, 160);
    expect(drain(session)).toEqual(["probe"]);
    session.handle({ type: "heard" }, 200);
    session.handle({ type: "tick" }, 210);
    expect(session.deadline).toBe(300);
    session.handle({ type: "tick" }, 300);
    session.handle({ type: "tick" }, 350);
    expect(drain(session)).toEqual(["probe", `closed ${TIMEOUT}`]);
  });

  test("a subscriber gets one where it was told nothing, and need not answer", () => {
    const session = open("disconnect", false);
    session.handle({ type: "send", message: message("a") }, 50);
    session.handle({ type: "tick" }, 100);
    expect(drain(session)).toEqual(["say a"]);
    for (const now of [150, 250, 350]) session.handle({ type: "tick" }, now);
    expect(drain(session)).toEqual(["probe", "probe", "probe"]);
  });
});
