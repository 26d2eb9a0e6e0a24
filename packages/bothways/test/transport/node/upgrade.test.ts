import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { nodePrimitives } from "../../../src/platform/node.ts";
import { maxHelloChars, readUpgrade } from "../../../src/transport/node/upgrade.ts";

const none = new Uint8Array(0);

function read(headers: Record<string, string | undefined>, head: Uint8Array = none) {
  const base = {
    host: "good.com",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "bothways.1",
  };
  return readUpgrade(
    { method: "GET", httpVersion: "1.1", headers: { ...base, ...headers } },
    head,
    nodePrimitives,
  );
}

function protocols(hello: string | Uint8Array): Record<string, string> {
  return { "sec-websocket-protocol": `bothways.1, ${Buffer.from(hello).toString("base64url")}` };
}

describe("the hello in an upgrade request", () => {
  test.each(["h{}", 'h{"auth":"한국어 🙂"}', "h"])("%s", (hello) => {
    expect(read(protocols(hello))).toEqual({
      ok: true,
      key: "dGhlIHNhbXBsZSBub25jZQ==",
      protocol: "bothways.1",
      hello,
    });
  });

  test("may be missing", () => {
    expect(read({})).toMatchObject({ ok: true, hello: undefined });
  });

  test("may be as long as the limit", () => {
    const hello = "h".repeat((maxHelloChars / 4) * 3);
    expect(read(protocols(hello))).toMatchObject({ ok: true, hello });
    expect(read(protocols(`${hello}h`))).toMatchObject({ ok: false, status: 400, code: "BW_BAD_REQUEST" });
  });

  test.each(["abcde", "ab.c", "ab~c", "_-8"])("%s is none", (item) => {
    const refused = read({ "sec-websocket-protocol": `bothways.1, ${item}` });
    expect(refused).toMatchObject({ ok: false, status: 400, code: "BW_BAD_REQUEST" });
  });

  test("need not be read from a request for another protocol", () => {
    for (const protocol of [undefined, "chat", "chat, bothways.1", "bothways.2, aGk"]) {
      expect(read({ "sec-websocket-protocol": protocol })).toMatchObject({
        ok: false,
        code: "BW_BAD_REQUEST",
      });
    }
  });
});

test("what is no WebSocket upgrade is refused as the handshake says", () => {
  expect(read({ "sec-websocket-version": "8" })).toMatchObject({
    ok: false,
    status: 426,
    code: "BW_WS_VERSION",
  });
  expect(read({ "sec-websocket-key": undefined })).toMatchObject({ ok: false, status: 400 });
  expect(read({}, Uint8Array.of(1))).toMatchObject({ ok: false, status: 400, code: "BW_WS_HANDSHAKE" });
});
