import { describe, expect, test } from "vitest";
import { type Middleware, runMiddleware } from "../../src/hub/middleware.ts";
import { settled } from "./fake-peer.ts";

interface Guest {
  readonly name: string;
}

function run(...functions: Middleware<Guest>[]): unknown[] {
  const log: unknown[] = [];
  runMiddleware(
    functions,
    { name: "guest" },
    {
      passed: () => log.push("passed"),
      refused: (refusal) => log.push(refusal),
      failed: (error) => log.push(error instanceof Error ? `failed: ${error.message}` : error),
    },
  );
  return log;
}

const withData = Object.assign(new Error("not allowed"), { data: { code: 7 } });

const cases: [string, Middleware<Guest>[], unknown[]][] = [
  ["none", [], ["passed"]],
  ["next", [(_guest, next) => next()], ["passed"]],
  ["next(null)", [(_guest, next) => next(null)], ["passed"]],
  ["next(error)", [(_guest, next) => next(new Error("no"))], [{ message: "no" }]],
  [
    "next(error with data)",
    [(_guest, next) => next(withData)],
    [{ message: "not allowed", data: { code: 7 } }],
  ],
  ["next twice", [(_guest, next) => [next(), next()]], ["passed"]],
  ["next, then an error", [(_guest, next) => [next(), next(new Error("late"))]], ["passed"]],
  ["neither next nor a promise", [() => true], []],
  ["rest parameters do not pass by themselves", [(...args) => args.length], []],
  ["rest parameters may call next", [(...[, next]) => next()], ["passed"]],
  ["async without next", [async () => undefined], ["passed"]],
  ["async with next", [async (_guest, next) => next()], ["passed"]],
  ["async that declares next and never calls it", [async (_guest, _next) => undefined], []],
  [
    "throws",
    [
      () => {
        throw new Error("secret");
      },
    ],
    ["failed: secret", { message: "internal error" }],
  ],
  [
    "throws data for the peer",
    [
      () => {
        throw withData;
      },
    ],
    ["failed: not allowed", { message: "not allowed", data: { code: 7 } }],
  ],
  ["rejects", [() => Promise.reject(new Error("secret"))], ["failed: secret", { message: "internal error" }]],
  [
    "throws after next",
    [
      (_guest, next) => {
        next();
        throw new Error("late");
      },
    ],
    ["passed", "failed: late"],
  ],
];

describe("runMiddleware", () => {
  test.each(cases)("%s", async (_name, functions, expected) => {
    const log = run(...functions);
    await settled();
    expect(log).toEqual(expected);
  });

  test("runs one after the other, and stops at the first refusal", async () => {
    const order: string[] = [];
    const log = run(
      async (guest) => {
        await settled();
        order.push(guest.name, "first");
      },
      (_guest, next) => {
        order.push("second");
        next(new Error("no"));
      },
      (_guest, next) => {
        order.push("third");
        next();
      },
    );
    expect(order).toEqual([]);
    await settled();
    await settled();
    expect(order).toEqual(["guest", "first", "second"]);
    expect(log).toEqual([{ message: "no" }]);
  });

  test("decides before it returns where nothing is asynchronous", () => {
    expect(
      run(
        (_guest, next) => next(),
        (_guest, next) => next(),
      ),
    ).toEqual(["passed"]);
  });
});
