/** What a contract lets pass, and what it says of the rest. */
import { describe, expect, test } from "vitest";
import { defineContract, type SchemaResult, type StandardSchema } from "../../src/contract/index.ts";
import type { Check } from "../../src/model/contract.ts";
import { settled } from "../hub/fake-peer.ts";

type Verdict = SchemaResult<unknown>;

function schema(validate: (value: unknown) => Verdict | Promise<Verdict>): StandardSchema {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const even = schema((value) =>
  Number(value) % 2 === 0 ? { value } : { issues: [{ message: `${value} is odd` }] },
);
const doubled = schema((value) => ({ value: Number(value) * 2 }));
const slowEven = schema(async (value) => even["~standard"].validate(value));
const deep = schema(() => ({
  issues: [{ message: "too short", path: ["list", { key: 3 }, Symbol("s"), { key: "name" }] }],
}));
const throwing = schema(() => {
  throw new Error("bug");
});

const { checkEvent, checkAnswer } = defineContract({
  toServer: {
    one: even,
    two: [even, doubled],
    none: [],
    slow: [slowEven, doubled],
    answered: { args: [even], ack: doubled },
    single: { args: even, ack: doubled },
    deep: [even, deep],
    broken: [slowEven, throwing, schema(() => Promise.reject(new Error("another")))],
  },
  toClient: { ask: { args: [], ack: doubled }, tell: [doubled] },
});

/** The arguments that come out, or `[code, detail, issues]` of the refusal. */
async function outcome(check: Check, event: string, ...args: unknown[]): Promise<unknown> {
  try {
    return await check(event, args);
  } catch (error) {
    const { code, detail, data } = error as { code: string; detail: string; data: { issues: unknown } };
    expect(data).toMatchObject({ code });
    return [code, detail, data.issues];
  }
}

function invalid(detail: string, ...issues: [path: unknown[], message: string][]): unknown[] {
  return ["BW_INVALID_ARGUMENT", detail, issues.map(([path, message]) => ({ path, message }))];
}

const cases: [event: string, args: unknown[], expected: unknown][] = [
  ["one", [2], [2]],
  ["one", [3], invalid("one[0]: 3 is odd", [[0], "3 is odd"])],
  ["one", [], invalid("one[0]: undefined is odd", [[0], "undefined is odd"])],
  ["one", [2, 4], invalid("one[1]: not expected", [[1], "not expected"])],
  ["two", [2, 4], [2, 8]],
  ["two", [2], [2, Number.NaN]],
  ["none", [], []],
  ["none", [1], invalid("none[0]: not expected", [[0], "not expected"])],
  ["slow", [2, 4], [2, 8]],
  ["slow", [3, 4], invalid("slow[0]: 3 is odd", [[0], "3 is odd"])],
  ["answered", [2], [2]],
  ["answered", [3], invalid("answered[0]: 3 is odd", [[0], "3 is odd"])],
  ["single", [3], invalid("single[0]: 3 is odd", [[0], "3 is odd"])],
  [
    "deep",
    [3, {}],
    invalid("deep[0]: 3 is odd", [[0], "3 is odd"], [[1, "list", 3, "Symbol(s)", "name"], "too short"]),
  ],
  [
    "deep",
    [2, {}],
    invalid("deep[1].list[3].Symbol(s).name: too short", [[1, "list", 3, "Symbol(s)", "name"], "too short"]),
  ],
  ["unheard", [], ["BW_UNKNOWN_EVENT", "unheard", []]],
  ["__proto__", [], ["BW_UNKNOWN_EVENT", "__proto__", []]],
  ["toString", [], ["BW_UNKNOWN_EVENT", "toString", []]],
  ["ask", [], ["BW_UNKNOWN_EVENT", "ask", []]],
];

describe("events", () => {
  test.each(cases)("%s %j", async (event, args, expected) => {
    expect(await outcome(checkEvent, event, ...args)).toEqual(expected);
  });

  test("are judged at once where every schema is", () => {
    expect(checkEvent("two", [2, 4])).toEqual([2, 8]);
    expect(checkEvent("slow", [2, 4])).toBeInstanceOf(Promise);
  });

  test("the values that came are not changed", () => {
    const args = Object.freeze([2, 4]);
    checkEvent("two", args);
    expect(args).toEqual([2, 4]);
  });

  test("a schema that throws is not the peer's error, and leaves no promise behind", async () => {
    await expect(checkEvent("broken", [2, 2, 2])).rejects.toThrow("bug");
    await settled();
  });

  test("unknown ones pass as they are where they are allowed", () => {
    const loose = defineContract({ unknownEvents: "allow" });
    expect(loose.checkEvent("unheard", [1, 2])).toEqual([1, 2]);
  });

  test("a contract without events lets none pass", () => {
    expect(() => defineContract({}).checkEvent("any", [])).toThrow("BW_UNKNOWN_EVENT");
  });
});

test("lists of a class of the library's own are read as lists", async () => {
  class Path extends Array<PropertyKey> {
    constructor(...steps: PropertyKey[]) {
      super();
      this.push(...steps);
    }
  }
  const own = schema(() => ({ issues: [{ message: "no", path: new Path() }] }));
  const strict = defineContract({ toServer: { one: own } });
  expect(await outcome(strict.checkEvent, "one", 1)).toEqual(invalid("one[0]: no", [[0], "no"]));
});

describe("what a peer is told is bounded", () => {
  test("ten issues, whose keys and messages are cut", async () => {
    const long = "x".repeat(10_000);
    const deep = Array.from({ length: 1000 }, () => 0);
    const issues = Array.from({ length: 1000 }, () => ({ message: long, path: [long, ...deep] }));
    const strict = defineContract({
      toServer: { all: [schema(() => ({ issues })), schema(() => ({ issues }))] },
    });
    const [, , told] = (await outcome(strict.checkEvent, "all", 1, 2)) as [string, string, unknown[]];
    expect(told).toHaveLength(10);
    expect(JSON.stringify(told).length).toBeLessThan(5000);
  });

  test("the name of an unknown event is cut", async () => {
    const [, detail] = (await outcome(checkEvent, "x".repeat(10_000))) as [string, string];
    expect(detail).toHaveLength(201);
  });
});

test.each(["toServer", "toClient"])("reserved events in %s are a mistake", (side) => {
  expect(() => defineContract({ [side]: { disconnect: [] } })).toThrow("BW_RESERVED_EVENT");
});

describe("answers", () => {
  test("come out as the schema makes them", async () => {
    expect(await outcome(checkAnswer, "ask", 4)).toEqual([8]);
  });

  test("more than one value is refused", async () => {
    const issues = [{ path: [1], message: "not expected" }];
    expect(await outcome(checkAnswer, "ask", 4, 4)).toEqual([
      "BW_INVALID_ANSWER",
      "ask[1]: not expected",
      issues,
    ]);
  });

  test("to events without an ack pass as they are", async () => {
    expect(await outcome(checkAnswer, "tell", 4, 4)).toEqual([4, 4]);
  });
});
