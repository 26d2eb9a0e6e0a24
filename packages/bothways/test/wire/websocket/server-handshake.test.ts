import { describe, expect, test } from "vitest";
import type { Headers } from "../../../src/model/handshake.ts";
import {
  checkUpgrade,
  encodeAcceptResponse,
  encodeRefusal,
  type UpgradeRequest,
} from "../../../src/wire/websocket/server-handshake.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";

const validHeaders: Headers = {
  host: "example.com",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": key,
  "sec-websocket-version": "13",
};

function request(headers: Headers = {}, parts: Partial<UpgradeRequest> = {}): UpgradeRequest {
  return {
    method: "GET",
    httpVersion: "1.1",
    headers: { ...validHeaders, ...headers },
    earlyBytes: 0,
    ...parts,
  };
}

describe("requests accepted", () => {
  test.each<[string, Headers]>([
    ["the plainest", {}],
    ["other cases, other tokens", { upgrade: "h2c, WebSocket", connection: "keep-alive, UPGRADE" }],
    ["a list in several lines", { connection: ["keep-alive", "Upgrade"] }],
    ["an empty body", { "content-length": "0" }],
    [
      "extensions, which are ignored",
      { "sec-websocket-extensions": 'constructor; __proto__=1, a; b="\\c\\c' },
    ],
    ["headers named like object members", { constructor: "x", toString: "y" } as unknown as Headers],
  ])("%s", (_name, headers) => {
    expect(checkUpgrade(request(headers))).toEqual({ ok: true, key, protocols: [] });
  });

  test("RFC6455-4.2.1-9 subprotocols come in the client's order", () => {
    const headers = { "sec-websocket-protocol": ["z, bothways.1", "a"] };
    expect(checkUpgrade(request(headers))).toMatchObject({ protocols: ["z", "bothways.1", "a"] });
  });
});

describe("RFC6455-4.2.1-1..7 requests refused", () => {
  test.each<[string, Headers, Partial<UpgradeRequest>]>([
    ["HTTP/1.0", {}, { httpVersion: "1.0" }],
    ["no Host", { host: undefined }, {}],
    ["an empty Host", { host: "" }, {}],
    ["no Upgrade", { upgrade: undefined }, {}],
    ["another Upgrade", { upgrade: "websocket2" }, {}],
    ["no Connection", { connection: undefined }, {}],
    ["another Connection", { connection: "keep-alive" }, {}],
    ["no key", { "sec-websocket-key": undefined }, {}],
    ["two keys", { "sec-websocket-key": [key, key] }, {}],
    ["two keys in one line", { "sec-websocket-key": `${key}, ${key}` }, {}],
    ["a short key", { "sec-websocket-key": "dGhlIHNhbXBsZQ==" }, {}],
    ["a chunked body", { "transfer-encoding": "chunked" }, {}],
    ["a body", { "content-length": "5" }, {}],
    ["a strange length", { "content-length": "00" }, {}],
    ["early bytes", {}, { earlyBytes: 1 }],
    ["a subprotocol twice", { "sec-websocket-protocol": "a, b, a" }, {}],
    ["a subprotocol that is no token", { "sec-websocket-protocol": "a b" }, {}],
    ["an empty subprotocol", { "sec-websocket-protocol": "a,,b" }, {}],
  ])("%s: 400", (_name, headers, parts) => {
    expect(checkUpgrade(request(headers, parts))).toMatchObject({
      ok: false,
      code: "BW_WS_HANDSHAKE",
      status: 400,
    });
  });

  test.each([undefined, "12", "8", "13, 8", "0x0d", "013", " 13"])(
    "RFC6455-4.2.2-4 RFC6455-4.4-1 version %j: 426, naming 13",
    (version) => {
      expect(checkUpgrade(request({ "sec-websocket-version": version }))).toMatchObject({
        ok: false,
        code: "BW_WS_VERSION",
        status: 426,
        headers: { "Sec-WebSocket-Version": "13" },
      });
    },
  );

  test.each(["POST", "HEAD", "get", "CONNECT"])("method %s: 405", (method) => {
    expect(checkUpgrade(request({}, { method }))).toMatchObject({
      ok: false,
      status: 405,
      headers: { Allow: "GET" },
    });
  });

  test("no headers at all", () => {
    expect(checkUpgrade({ method: "GET", httpVersion: "1.1", headers: {}, earlyBytes: 0 })).toMatchObject({
      ok: false,
    });
    const bare: Headers = Object.create(null);
    expect(checkUpgrade({ method: "GET", httpVersion: "1.1", headers: bare, earlyBytes: 0 })).toMatchObject({
      ok: false,
    });
  });

  test("each header alone missing, empty or repeated never throws and never passes", () => {
    for (const name of Object.keys(validHeaders)) {
      for (const value of [undefined, "", [], ["", ""]]) {
        expect(checkUpgrade(request({ [name]: value }))).toMatchObject({ ok: false });
      }
    }
  });
});

describe("extended CONNECT", () => {
  const connect = (changes: Headers = {}, method = "CONNECT") =>
    checkUpgrade({
      method,
      httpVersion: "2.0",
      headers: { ":protocol": "websocket", "sec-websocket-version": "13", ...changes },
      earlyBytes: 0,
    });

  test("RFC8441-5-6 RFC8441-5-7 needs no key, and offers subprotocols as ever", () => {
    expect(connect()).toEqual({ ok: true, key: undefined, protocols: [] });
    expect(connect({ "sec-websocket-protocol": "b, a" })).toMatchObject({ protocols: ["b", "a"] });
    expect(connect({ "sec-websocket-key": "not looked at" })).toMatchObject({ ok: true, key: undefined });
  });

  test.each<[string, Headers, number]>([
    ["another protocol", { ":protocol": "connect-udp" }, 501],
    ["no protocol", { ":protocol": undefined }, 501],
    ["no version", { "sec-websocket-version": undefined }, 426],
    ["another version", { "sec-websocket-version": "8" }, 426],
    ["a subprotocol twice", { "sec-websocket-protocol": "a, a" }, 400],
  ])("%s", (_, headers, status) => {
    expect(connect(headers)).toMatchObject({ ok: false, status });
  });

  test("another method", () => {
    expect(connect({}, "GET")).toMatchObject({ ok: false, status: 405, headers: { Allow: "CONNECT" } });
  });
});

describe("responses", () => {
  test("RFC6455-4.2.2-7 RFC6455-4.2.2-10 101", () => {
    expect(
      encodeAcceptResponse({
        accept: "abc=",
        protocol: "bothways.1",
        headers: { "Set-Cookie": ["a=1", "b=2"] },
      }),
    ).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: abc=\r\n" +
        "Sec-WebSocket-Protocol: bothways.1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
    );
    expect(encodeAcceptResponse({ accept: "abc=" })).not.toContain("Protocol:");
  });

  test.each(["a\r\nX: y", "a\n", "a\0"])("no value can break a line: %j", (value) => {
    expect(() => encodeAcceptResponse({ accept: value })).toThrow(TypeError);
    expect(() => encodeAcceptResponse({ accept: "a", protocol: value })).toThrow(TypeError);
    expect(() => encodeAcceptResponse({ accept: "a", headers: { "X-A": value } })).toThrow(TypeError);
    expect(() => encodeAcceptResponse({ accept: "a", headers: { [value]: "a" } })).toThrow(TypeError);
    expect(() => encodeRefusal(400, { "X-A": value }, "")).toThrow(TypeError);
  });

  test("a refusal is complete: it closes, and its length is in bytes", () => {
    expect(encodeRefusal(426, { "Sec-WebSocket-Version": "13" }, "아니")).toBe(
      "HTTP/1.1 426 \r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n" +
        "Sec-WebSocket-Version: 13\r\n\r\n아니",
    );
    for (const status of [101, 200, 399, 600, 400.5])
      expect(() => encodeRefusal(status, {}, "")).toThrow(RangeError);
  });
});
