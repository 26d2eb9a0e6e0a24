import { describe, expect, test } from "vitest";
import { checkUpgradeResponse, encodeUpgradeRequest } from "../../../src/wire/websocket/client-handshake.ts";
import { acceptKey, createKey } from "../../../src/wire/websocket/handshake-key.ts";
import { ResponseHeadParser } from "../../../src/wire/websocket/response-head.ts";
import { checkUpgrade, encodeAcceptResponse } from "../../../src/wire/websocket/server-handshake.ts";
import { primitives, utf8 } from "./harness.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = acceptKey(key, primitives);

describe("the request", () => {
  test("RFC6455-4.1-18..27 RFC6455-4.1-31..32 as it goes out", () => {
    const headers = { Origin: "https://example.com" };
    expect(
      encodeUpgradeRequest({ host: "example.com:81", path: "/a?b=c", key, protocols: ["x", "y"], headers }),
    ).toBe(
      `GET /a?b=c HTTP/1.1\r\nHost: example.com:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: x, y\r\n` +
        `Origin: https://example.com\r\n\r\n`,
    );
  });

  test.each([
    ["a path without a slash", { path: "a" }],
    ["no path", { path: "" }],
    ["a space in the path", { path: "/a b" }],
    ["a line break in the path", { path: "/a\r\nX: y" }],
    ["a path that is not ASCII", { path: "/é" }],
    ["a line break in the host", { host: "a\r\nb" }],
    ["a key of another length", { key: "AAAA" }],
    ["a subprotocol twice", { protocols: ["a", "a"] }],
    ["a subprotocol that is no token", { protocols: ["a,b"] }],
    ["a line break in a header", { headers: { a: "b\nc" } }],
  ])("RFC6455-4.1-33..34 throws on %s", (_name, parts) => {
    expect(() => encodeUpgradeRequest({ host: "h", path: "/", key, ...parts })).toThrow(TypeError);
  });
});

describe("the response", () => {
  const valid = { upgrade: ["websocket"], connection: ["Upgrade"], "sec-websocket-accept": [accept] };
  const check = (headers: Record<string, string[] | undefined>, protocols: string[] = [], status = 101) =>
    checkUpgradeResponse({ status, headers: { ...valid, ...headers } }, { accept, protocols });

  test("accepted", () => {
    expect(check({})).toEqual({ ok: true, protocol: undefined });
    expect(check({ upgrade: ["WebSocket"], connection: ["keep-alive, upgrade"] })).toMatchObject({
      ok: true,
    });
    expect(check({ "sec-websocket-protocol": ["b"] }, ["a", "b"])).toEqual({ ok: true, protocol: "b" });
  });

  test.each<[string, Record<string, string[] | undefined>, string[]]>([
    ["no Upgrade", { upgrade: undefined }, []],
    ["another Upgrade", { upgrade: ["websocket, h2c"] }, []],
    ["no Connection", { connection: undefined }, []],
    ["no accept", { "sec-websocket-accept": undefined }, []],
    ["a wrong accept", { "sec-websocket-accept": [accept.toLowerCase()] }, []],
    ["two accepts", { "sec-websocket-accept": [accept, accept] }, []],
    ["an extension", { "sec-websocket-extensions": ["permessage-deflate"] }, []],
    ["a subprotocol where none was offered", { "sec-websocket-protocol": ["a"] }, []],
    ["another subprotocol", { "sec-websocket-protocol": ["A"] }, ["a"]],
    ["two subprotocols", { "sec-websocket-protocol": ["a, b"] }, ["a", "b"]],
    ["two lines of them", { "sec-websocket-protocol": ["a", "b"] }, ["a", "b"]],
    ["none where some were offered", {}, ["a"]],
  ])("RFC6455-4.1-36..42 refused: %s", (_name, headers, protocols) => {
    expect(check(headers, protocols)).toMatchObject({ ok: false, code: "BW_WS_ACCEPT" });
  });

  test.each([100, 200, 301, 401, 426, 500])("refused: status %i", (status) => {
    expect(check({}, [], status)).toMatchObject({ ok: false, code: "BW_WS_HANDSHAKE" });
  });
});

test("RFC6455-4.2.2-6 both sides agree with each other", () => {
  const ownKey = createKey(primitives);
  const lines = encodeUpgradeRequest({ host: "h", path: "/", key: ownKey, protocols: ["a", "b"] })
    .split("\r\n")
    .slice(1, -2);
  const headers = Object.fromEntries(
    lines.map((line) => line.split(": ")).map(([name = "", value]) => [name.toLowerCase(), value]),
  );
  const request = checkUpgrade({ method: "GET", httpVersion: "1.1", headers, earlyBytes: 0 });
  if (!request.ok) throw new Error(request.detail);
  const answer = encodeAcceptResponse({
    accept: acceptKey(String(request.key), primitives),
    protocol: request.protocols[1],
  });
  const result = new ResponseHeadParser(1_000).feed(utf8(answer));
  if (!result?.ok) throw new Error("no head");
  const expected = { accept: acceptKey(ownKey, primitives), protocols: ["a", "b"] };
  expect(checkUpgradeResponse(result.head, expected)).toEqual({ ok: true, protocol: "b" });
});
