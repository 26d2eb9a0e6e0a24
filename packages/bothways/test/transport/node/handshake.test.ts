import { describe, expect, test } from "vitest";
import { isSecure, type RequestHead, readAddress, readHost } from "../../../src/transport/node/address.ts";
import { describeRequest, isAtPath } from "../../../src/transport/node/handshake.ts";

function requestOf(headers: RequestHead["headers"] = {}, encrypted = false, url = "/bothways/"): RequestHead {
  return { method: "POST", url, headers, socket: { remoteAddress: "10.0.0.9", encrypted } };
}

const forwarded = {
  host: "inner:3000",
  "x-forwarded-for": "6.6.6.6, 1.2.3.4",
  "x-forwarded-proto": "https",
  "x-forwarded-host": "good.com",
};

describe("address", () => {
  test("of the socket", () => {
    expect(readAddress(requestOf(forwarded), false)).toBe("10.0.0.9");
    expect(readHost(requestOf(forwarded), false)).toBe("inner:3000");
    expect(isSecure(requestOf(forwarded), false)).toBe(false);
    expect(isSecure(requestOf({}, true), false)).toBe(true);
  });

  test("of the trusted proxy's headers, from the right", () => {
    expect(readAddress(requestOf(forwarded), true)).toBe("1.2.3.4");
    expect(readAddress(requestOf(forwarded), 2)).toBe("6.6.6.6");
    expect(readAddress(requestOf(forwarded), 3)).toBe("6.6.6.6");
    expect(readHost(requestOf(forwarded), true)).toBe("good.com");
    expect(isSecure(requestOf(forwarded), true)).toBe(true);
    expect(isSecure(requestOf({ "x-forwarded-proto": "http" }, true), true)).toBe(false);
  });

  test("of the socket where the proxy says nothing", () => {
    expect(readAddress(requestOf({ "x-forwarded-for": " " }), true)).toBe("10.0.0.9");
    expect(isSecure(requestOf({}, true), true)).toBe(true);
    expect(readAddress({ ...requestOf(), socket: {} }, true)).toBe("");
  });
});

describe("handshake", () => {
  test("by Socket.IO's names", () => {
    const headers = { host: "good.com" };
    const now = Date.UTC(2026, 0, 2);
    const request = requestOf(headers, true, "/bothways/?a=1&b=%20x&a=2&__proto__=3");
    expect(describeRequest(request, { trustProxy: false, xdomain: true, now })).toEqual({
      headers,
      query: Object.assign(Object.create(null), { a: "2", b: " x", ["__proto__"]: "3" }),
      address: "10.0.0.9",
      secure: true,
      xdomain: true,
      time: new Date(now).toString(),
      issued: now,
      url: "/bothways/?a=1&b=%20x&a=2&__proto__=3",
    });
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test.each<[string | undefined, boolean]>([
    ["/bothways/", true],
    ["/bothways/?x=1", true],
    ["/bothways", true],
    ["/bothways?x=1", true],
    ["/bothways/client.js", false],
    ["/bothway", false],
    ["/bothwaysx", false],
    ["/", false],
    ["", false],
    [undefined, false],
  ])("%s is at /bothways/: %s", (url, isAt) => {
    expect(isAtPath(url, "/bothways/")).toBe(isAt);
  });
});
