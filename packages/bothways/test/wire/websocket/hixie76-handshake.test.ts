import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Headers } from "../../../src/model/handshake.ts";
import {
  checkHixie76,
  hixie76AnswerLines,
  hixie76Challenge,
  isHixie76,
} from "../../../src/wire/websocket/hixie76-handshake.ts";

const valid: Headers = {
  host: "example.com",
  connection: "Upgrade",
  upgrade: "WebSocket",
  origin: "http://example.com",
  "sec-websocket-key1": "4 @1  46546xW%0l 1 5",
  "sec-websocket-key2": "12998 5 Y3 1  .P00",
};
const check = (headers: Headers = {}, method = "GET") =>
  checkHixie76({ method, httpVersion: "1.1", headers: { ...valid, ...headers } });

test.each([
  // the examples of the draft
  ["4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", "^n:ds[4U", "8jKS'y:G*Co,Wxa-"],
  ["3e6b263  4 17 80", "17  9 G`ZD9   2 2b 7X 3 /r90", "WjN}|M(6", "n`9eBk9z$R8pOtVb"],
])("%s and %s are answered as in the draft", (key1, key2, key3, answer) => {
  const accepted = check({ "sec-websocket-key1": key1, "sec-websocket-key2": key2 });
  if (!accepted.ok) throw new Error(accepted.detail);
  const challenge = hixie76Challenge(accepted.numbers, Buffer.from(key3));
  expect(createHash("md5").update(challenge).digest().toString("latin1")).toBe(answer);
});

test("the head of the answer", () => {
  const accepted = check({ "sec-websocket-protocol": "sample" });
  if (!accepted.ok) throw new Error(accepted.detail);
  expect(accepted.protocols).toEqual(["sample"]);
  expect(hixie76AnswerLines(accepted, "/demo?a=1", true)).toEqual([
    "HTTP/1.1 101 WebSocket Protocol Handshake",
    "Upgrade: WebSocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Origin: http://example.com",
    "Sec-WebSocket-Location: wss://example.com/demo?a=1",
  ]);
  expect(hixie76AnswerLines(accepted, "/", false)).toContain("Sec-WebSocket-Location: ws://example.com/");
});

describe("refused", () => {
  test.each<[string, Headers]>([
    ["no Host", { host: undefined }],
    ["no Upgrade", { upgrade: undefined }],
    ["no Connection", { connection: "close" }],
    ["no Origin", { origin: undefined }],
    ["two Origins", { origin: ["a", "b"] }],
    ["a body", { "content-length": "8" }],
    ["a body in chunks", { "transfer-encoding": "chunked" }],
    ["a key without digits", { "sec-websocket-key1": "a b" }],
    ["a key without spaces", { "sec-websocket-key2": "1234" }],
    ["a key that its spaces do not divide", { "sec-websocket-key1": "7 a b" }],
    ["a number above 32 bits", { "sec-websocket-key1": "4294967296 a" }],
    ["digits without end", { "sec-websocket-key2": `${"9".repeat(5_000)} ` }],
    ["a key twice", { "sec-websocket-key1": ["1 2", "1 2"] }],
    ["an invalid subprotocol", { "sec-websocket-protocol": "a b" }],
  ])("%s", (_, headers) => {
    expect(check(headers)).toMatchObject({ ok: false, code: "BW_WS_HANDSHAKE", status: 400 });
  });

  test("another method", () => expect(check({}, "POST").ok).toBe(false));
});

test("a handshake of the RFC is never taken for one", () => {
  expect(isHixie76(valid)).toBe(true);
  expect(isHixie76({ ...valid, "sec-websocket-version": "13" })).toBe(false);
  expect(isHixie76({ ...valid, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" })).toBe(false);
  expect(isHixie76({ ...valid, "sec-websocket-key1": undefined })).toBe(false);
  expect(isHixie76({})).toBe(false);
});
