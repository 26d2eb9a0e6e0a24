import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHello } from "../../../src/wire/native/hello.ts";

const valid = {
  version: 1,
  attempt: "0123456789abcdefghijkl",
  generation: 1,
  received: 0,
  credit: [1024, 1_048_576],
  join: [["/", { token: "t" }], ["/chat"]],
};

function parse(changes: object, maxNamespaces = 32): unknown {
  return parseHello(`h${JSON.stringify({ ...valid, ...changes })}`, maxNamespaces);
}

describe("hello", () => {
  test("a valid one is what it says", () => {
    expect(parse({})).toEqual(valid);
    expect(parse({ sid: "s", secret: "x" })).toEqual({ ...valid, sid: "s", secret: "x" });
  });

  test("unknown fields are left out", () => {
    expect(parse({ constructor: 1, more: 2 })).toEqual(valid);
  });

  test.each([2, 0, 99])("version %j is one we do not speak", (version) => {
    expect(parse({ version })).toBe("version");
  });

  test.each([
    { version: "1" },
    { version: undefined },
    { attempt: "short" },
    { attempt: 1 },
    { attempt: "x".repeat(129) },
    { generation: 0 },
    { generation: -1 },
    { generation: 1.5 },
    { generation: Number.MAX_VALUE },
    { received: -1 },
    { received: null },
    { credit: [1] },
    { credit: [1, -1] },
    { credit: "x" },
    { join: {} },
    { join: ["/"] },
    { join: [["chat"]] },
    { join: [["/a,b"]] },
    { join: [["/a\n"]] },
    { join: [[1]] },
    { sid: "s" },
    { secret: "x" },
    { sid: "s", secret: 1 },
    { sid: "", secret: "x" },
    { sid: "s".repeat(129), secret: "x" },
  ])("%j is malformed", (changes) => expect(parse(changes)).toBeUndefined());

  test("more namespaces than the limit are malformed", () => {
    const join = Array.from({ length: 3 }, (_, index) => [`/${index}`]);
    expect(parse({ join }, 3)).toBeDefined();
    expect(parse({ join }, 2)).toBe("namespaces");
  });

  test.each(["", "h", "h{", "hnull", "h1", "h[]", "x{}"])("%j is malformed", (data) => {
    expect(parseHello(data, 32)).toBeUndefined();
  });

  test("any JSON is a hello, another version or malformed, and nothing is thrown", () => {
    const values = fc.record(
      Object.fromEntries(Object.keys({ ...valid, sid: 1, secret: 1 }).map((key) => [key, fc.jsonValue()])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, (value) => {
        const hello = parseHello(`h${JSON.stringify(value)}`, 32);
        if (typeof hello === "object") expect(hello.version).toBe(1);
      }),
    );
  });
});
