/** docs/protocol/bothways-1.md §3, as a server takes it: what the data of each type of packet has to be. */
import { describe, expect, test } from "vitest";
import { nativeCodec } from "../../../src/dialect/native/codec.ts";
import type { Packet } from "../../../src/model/packet.ts";

const { toMessage } = nativeCodec;
const toPacket = (data: string): Packet | undefined => nativeCodec.toPacket(data, "/");

describe("packets of a client", () => {
  test.each([
    ["m0", 0],
    ['m0/chat,{"token":"t"}', 0],
    ["m1/chat,", 1],
    ['m2["hi",1]', 2],
    ["m31[]", 3],
    ['m51{"message":"no"}', 5],
  ])("%j is taken", (data, type) => expect(toPacket(data)?.type).toBe(type));

  test.each([
    "m",
    "m6",
    "mx",
    "m2",
    "m2{}",
    "m2[]",
    "m2[1]",
    'm2/a["x"]',
    'm2["x"',
    "m3[]",
    "m31{}",
    "m4",
    "m4{}",
    "m4null",
    'm5{"message":"no id"}',
    "m51null",
    'm2["x"]trailing',
  ])("%j is malformed", (data) => expect(toPacket(data)).toBeUndefined());
});

test("a packet for many is encoded once", () => {
  const packet: Packet = { type: 2, namespace: "/", data: ["hi"], encoded: {} };
  expect(toMessage(packet, false)).toBe(toMessage(packet, false));
});

test("an answer is marked as one", () => {
  const packet: Packet = { type: 3, namespace: "/", id: 1, data: [1] };
  expect(toMessage(packet, false)).toMatchObject({ data: "m31[1]", isAnswer: true });
});
