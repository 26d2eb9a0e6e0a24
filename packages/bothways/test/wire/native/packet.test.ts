import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nativeCodec } from "../../../src/dialect/native/codec.ts";
import type { Packet } from "../../../src/model/packet.ts";
import { decodePacket, encodePacket } from "../../../src/wire/native/packet.ts";

const packets: readonly (readonly [Packet, string])[] = [
  [{ type: 0, namespace: "/", data: { token: "t" } }, 'm0{"token":"t"}'],
  [{ type: 0, namespace: "/chat" }, "m0/chat,"],
  [{ type: 1, namespace: "/" }, "m1"],
  [{ type: 2, namespace: "/", data: ["hi", 1, null] }, 'm2["hi",1,null]'],
  [{ type: 2, namespace: "/a", id: 12, data: ["hi"] }, 'm2/a,12["hi"]'],
  [{ type: 3, namespace: "/", id: 0, data: [] }, "m30[]"],
  [{ type: 4, namespace: "/a", data: { message: "no" } }, 'm4/a,{"message":"no"}'],
  [{ type: 5, namespace: "/", id: 3, data: { message: "no", data: [1] } }, 'm53{"message":"no","data":[1]}'],
];

describe("packets", () => {
  test.each(packets)("%j is written and read", (packet, data) => {
    expect(encodePacket(packet)).toBe(data);
    expect(decodePacket(data)).toEqual(packet);
  });

  test("a volatile packet differs in its kind only", () => {
    const packet: Packet = { type: 2, namespace: "/", data: ["hi", Uint8Array.of(1)] };
    expect(encodePacket(packet, true)[0]).toBe("v".charCodeAt(0));
    expect(encodePacket({ type: 2, namespace: "/", data: ["hi"] }, true)).toBe('v2["hi"]');
    expect(decodePacket(encodePacket(packet, true))).toEqual(decodePacket(encodePacket(packet)));
  });

  test("binary values travel as attachments, at any depth", () => {
    const buffer = Buffer.from([4, 5]);
    const data = [
      "x",
      { a: [Uint8Array.of(1, 2)], b: new Uint16Array([3]).buffer, c: buffer },
      new Uint8Array(),
    ];
    const message = encodePacket({ type: 2, namespace: "/", data });
    expect(message).toBeInstanceOf(Uint8Array);
    expect(decodePacket(message).data).toEqual([
      "x",
      { a: [Uint8Array.of(1, 2)], b: Uint8Array.of(3, 0), c: Uint8Array.of(4, 5) },
      new Uint8Array(),
    ]);
  });

  test("what an application keeps is a copy", () => {
    const message = encodePacket({ type: 2, namespace: "/", data: ["x", Uint8Array.of(7)] }) as Uint8Array;
    const received = decodePacket(Buffer.from(message)).data as [string, Uint8Array];
    message.fill(0);
    expect(received[1]).toEqual(Uint8Array.of(7));
    expect(received[1].buffer.byteLength).toBe(1);
  });

  test("strings that look like attachments stay strings", () => {
    const data = ["!0", "!", "!!1", { "!0": "!0" }, Uint8Array.of(9)];
    expect(decodePacket(encodePacket({ type: 2, namespace: "/", data })).data).toEqual(data);
  });

  test("__proto__ stays a key", () => {
    const { data } = decodePacket('m2["x",{"__proto__":{"polluted":1}}]') as { data: [string, object] };
    expect(Object.hasOwn(data[1], "__proto__")).toBe(true);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test.each(["m", "m6", "mx", 'm2["x"', 'm2/a["x"]', 'm2["x"]trailing'])("%j is malformed", (data) => {
    expect(() => decodePacket(data)).toThrow();
  });

  test.each([
    ["no text", [109]],
    ["a length cut off", [109, 0, 0]],
    ["a length beyond the end", [109, 0, 0, 0, 9, 50]],
    ["text that is not UTF-8", [109, 0, 0, 0, 2, 50, 0xff]],
    [
      "an attachment that is not there",
      [109, 0, 0, 0, 9, ...new TextEncoder().encode('2["x","!0"]').slice(0, 9)],
    ],
  ])("binary with %s is malformed", (_what, bytes) => {
    expect(() => decodePacket(Uint8Array.from(bytes))).toThrow();
  });

  test("a placeholder without an attachment is malformed", () => {
    const text = new TextEncoder().encode('2["x","!1"]');
    expect(() => decodePacket(Uint8Array.of(109, 0, 0, 0, text.length, ...text, 0, 0, 0, 0))).toThrow();
  });

  test("nesting far too deep is no crash", () => {
    const deep = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;
    const text = new TextEncoder().encode(`2["x",${deep}]`);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, text.length);
    const binary = new Uint8Array(5 + text.length);
    binary.set([109, ...length]);
    binary.set(text, 5);
    expect(() => nativeCodec.toPacket(binary, "/")).not.toThrow();
    expect(() => nativeCodec.toPacket(`m2["x",${deep}]`, "/")).not.toThrow();
  });

  test("what JSON cannot hold is our caller's error", () => {
    const cycle: unknown[] = ["x"];
    cycle.push(cycle);
    expect(() => encodePacket({ type: 2, namespace: "/", data: cycle })).toThrow();
    expect(() => encodePacket({ type: 2, namespace: "/", data: ["x", 1n] })).toThrow(TypeError);
  });

  const leaf = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("!", "!0", "!!"),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 20 }),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("tree")), fc.dictionary(fc.string(), tie("tree"))),
  }));

  test("any data comes out as it went in", () => {
    fc.assert(
      fc.property(fc.array(tree), fc.option(fc.nat(), { nil: undefined }), (args, id) => {
        const packet: Packet = { type: 2, namespace: "/n", id, data: ["event", ...args] };
        expect(decodePacket(encodePacket(packet))).toEqual(packet);
      }),
    );
  });
});
