import { describe, expect, test } from "vitest";
import type { RequestHead } from "../../../src/transport/node/address.ts";
import { AddressLimit } from "../../../src/transport/node/address-limit.ts";

function from(remoteAddress: string, forwarded?: string): RequestHead {
  return {
    method: "GET",
    url: "/",
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    socket: { remoteAddress },
  };
}

test("as many as the limit may be there at once; who leaves makes room for one", () => {
  const limit = new AddressLimit({ maxConnectionsPerAddress: 2 });
  const [first, second] = [limit.enter(from("10.0.0.1")), limit.enter(from("10.0.0.1"))];
  expect([typeof first, typeof second, limit.enter(from("10.0.0.1"))]).toEqual([
    "function",
    "function",
    undefined,
  ]);
  expect(limit.enter(from("10.0.0.2"))).toBeDefined();
  first?.();
  first?.();
  expect(limit.enter(from("10.0.0.1"))).toBeDefined();
  expect(limit.enter(from("10.0.0.1"))).toBeUndefined();
});

test.each([
  ["2001:db8::1", "2001:db8::2", true],
  ["2001:db8::1", "2001:0DB8:0:0:ffff:ffff:ffff:ffff", true],
  ["2001:db8:0:1::1", "2001:db8::1", false],
  ["2001:db8:1::", "2001:db8:1:0:5::", true],
  ["fe80::1%eth0", "fe80::2%eth1", true],
  ["::1", "::2", true],
  ["::1", "1::", false],
  ["::1:2:3:4:5:6:7", "0:1:2:3::", true],
  ["::ffff:10.0.0.1", "10.0.0.1", true],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.2", false],
  ["10.0.0.1", "10.0.0.2", false],
  ["made up: by a proxy", "made up", false],
])("do %s and %s count as one? %o (RFC6177 §2)", (one, other, isOne) => {
  const limit = new AddressLimit({ maxConnectionsPerAddress: 1 });
  expect(limit.enter(from(one))).toBeDefined();
  expect(limit.enter(from(other)) === undefined).toBe(isOne);
});

describe("behind proxies the address is the one that the outermost of them wrote", () => {
  test.each([
    [false, ["6.6.6.6, 1.1.1.1", "6.6.6.6, 2.2.2.2"], false],
    [1, ["6.6.6.6, 1.1.1.1", "6.6.6.6, 2.2.2.2"], true],
    [1, ["6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1"], false],
    [true, ["1.1.1.1", "2.2.2.2"], true],
    [2, ["6.6.6.6, 1.1.1.1", "6.6.6.6, 2.2.2.2"], false],
    [1, [undefined, undefined], false],
  ] as const)("trustProxy %o, %o: both enter? %o", (trustProxy, [one, other], isOther) => {
    const limit = new AddressLimit({ maxConnectionsPerAddress: 1, trustProxy });
    expect(limit.enter(from("10.0.0.1", one))).toBeDefined();
    expect(limit.enter(from("10.0.0.1", other)) !== undefined).toBe(isOther);
  });
});

test("0 is no limit, and what is no number is refused", () => {
  const limit = new AddressLimit({});
  for (let i = 0; i < 1_000; i++) expect(limit.enter(from("::1"))).toBeDefined();
  expect(() => new AddressLimit({ maxConnectionsPerAddress: -1 })).toThrow(TypeError);
  expect(() => new AddressLimit({ maxConnectionsPerAddress: Number.NaN })).toThrow(TypeError);
});
