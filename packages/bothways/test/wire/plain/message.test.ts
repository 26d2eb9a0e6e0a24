/** The JSON of plain clients, both ways. docs/protocol/plain.md §2, §5. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ACK, ACK_ERROR, EVENT, type Packet } from "../../../src/model/packet.ts";
import { jsonNestsDeeper } from "../../../src/wire/json-depth.ts";
import { decodeBase64, encodeBase64 } from "../../../src/wire/plain/base64.ts";
import { parse, stringify } from "../../../src/wire/plain/json.ts";
import { encodeMessage, parseAuth, parseMessage, parsePublication } from "../../../src/wire/plain/message.ts";

const namespace = "/chat";

const messages: [string, Packet][] = [
  ['{"event":"chat","args":["hi"]}', { type: EVENT, namespace, data: ["chat", "hi"] }],
  ['{"event":"chat","args":["hi"],"id":1}', { type: EVENT, namespace, id: 1, data: ["chat", "hi"] }],
  ['{"id":0,"ack":["fine"]}', { type: ACK, namespace, id: 0, data: ["fine"] }],
  [
    '{"id":1,"error":{"message":"no","data":[1]}}',
    { type: ACK_ERROR, namespace, id: 1, data: { message: "no", data: [1] } },
  ],
  [
    '{"event":"put","args":[{"$binary":"AQID"}]}',
    { type: EVENT, namespace, data: ["put", new Uint8Array([1, 2, 3])] },
  ],
];

test.each(messages)("%s", (text, packet) => {
  expect(parseMessage(text, namespace)).toEqual({ id: undefined, ...packet });
  expect(encodeMessage(packet)).toBe(text);
});

test("arguments may be left out, and members of other names are nobody's", () => {
  expect(parseMessage('{"event":"go","type":9,"namespace":"/admin"}', namespace)).toEqual({
    type: EVENT,
    namespace,
    data: ["go"],
  });
});

test("a position stands beside the arguments, of which it is the last for others", () => {
  const packet: Packet = { type: EVENT, namespace, data: ["tick", 1, "e.5"], position: "e.5" };
  expect(encodeMessage(packet)).toBe('{"event":"tick","args":[1],"position":"e.5"}');
});

describe("malformed", () => {
  test.each([
    "",
    "hello",
    "null",
    "1",
    '"event"',
    '["chat"]',
    "{}",
    '{"event":1}',
    '{"event":["chat"]}',
    '{"event":"chat","args":{}}',
    '{"event":"chat","args":"hi"}',
    '{"event":"chat","id":-1}',
    '{"event":"chat","id":1.5}',
    '{"event":"chat","id":"1"}',
    '{"event":"chat","id":1000000000000000}',
    '{"ack":[1]}',
    '{"id":1}',
    '{"id":1,"ack":1}',
    '{"id":1,"error":"no"}',
    '{"id":1,"error":{"message":1}}',
    '{"id":null,"event":"chat"}',
  ])("%s", (text) => {
    expect(parseMessage(text, namespace)).toBeUndefined();
  });
});

test("anything at all is parsed or is malformed, and pollutes nothing", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const packet = parseMessage(text, namespace);
      if (packet) expect(packet.namespace).toBe(namespace);
    }),
  );
  parseMessage(
    '{"event":"x","args":[{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]}',
    "/",
  );
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test("auth is what the first message holds", () => {
  expect(parseAuth('{"auth":{"token":"t"}}')).toEqual({ auth: { token: "t" } });
  expect(parseAuth('{"auth":null}')).toEqual({ auth: null });
  for (const text of ["{}", "[]", '"auth"', "auth"]) expect(parseAuth(text)).toBeUndefined();
});

describe("a publication", () => {
  test("has defaults", () => {
    expect(parsePublication('{"event":"tick"}')).toEqual({
      namespace: "/",
      rooms: undefined,
      event: "tick",
      args: [],
    });
  });

  test.each([
    ["{", "the body is no JSON object"],
    ["[]", "the body is no JSON object"],
    ["{}", "event is no text"],
    ['{"event":"x","args":{}}', "args is no array"],
    ['{"event":"x","namespace":1}', "namespace is no text"],
    ['{"event":"x","rooms":"AAPL"}', "rooms is no array of texts"],
    ['{"event":"x","rooms":[1]}', "rooms is no array of texts"],
  ])("%s: %s", (text, problem) => {
    expect(parsePublication(text)).toBe(problem);
  });
});

describe("bytes", () => {
  test("are the base64 that everyone writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(encodeBase64(bytes)).toBe(text);
        expect(decodeBase64(text)).toEqual(bytes);
      }),
    );
  });

  test.each(["A", "AA", "AAA", "A===", "AA=A", "AQ==AQ==", "AQI-", "AQ ID", "é==="])(
    "%j are none",
    (text) => {
      expect(decodeBase64(text)).toBeUndefined();
      expect(parse(`[{"$binary":"${text}"}]`)).toEqual([{ $binary: text }]);
    },
  );

  test("of every kind that JavaScript has, at any depth", () => {
    const bytes = new Uint8Array([0, 1, 2, 3]);
    const value = { a: [bytes.subarray(1), Buffer.from([9]), bytes.buffer, { $binary: "AA==", b: 1 }] };
    expect(parse(stringify(value))).toEqual({
      a: [bytes.slice(1), new Uint8Array([9]), bytes, { $binary: "AA==", b: 1 }],
    });
  });
});

test.each([
  ["[".repeat(9) + "]".repeat(9), 9],
  [`{"/x":"[[[[[[[[[[[[[[[[[[[[[[[[","a":${"[".repeat(5)}${"]".repeat(5)}}`, 6],
  [`{"\\"[":[[]],"b":"]]]]]]]]]]]]"}`, 3],
])("%s nests %d deep", (text, depth) => {
  expect(jsonNestsDeeper(text, depth)).toBe(false);
  expect(jsonNestsDeeper(text, depth - 1)).toBe(true);
});
