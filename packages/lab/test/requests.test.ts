import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits, parseDraft, parseEntry, parseMessageId, parsePlace } from "../src/chat/requests.ts";

const visitor = "0123456789abcdef0123456789abcdef";
const png = (length: number) => ({ type: "image/png", bytes: new Uint8Array(length) });

describe("names and rooms", () => {
  test.each([
    ["  Ann \n Bo ", "Ann Bo"],
    ["Ann\u202E", "Ann"],
    ["A\u0000nn", "Ann"],
    ["e\u0301", "\u00e9"],
    ["김민지", "김민지"],
    ["👩‍💻", "👩‍💻"],
  ])("%j is cleaned to %j", (name, cleaned) => {
    expect(parsePlace({ name, room: "lobby" })?.name).toBe(cleaned);
  });

  test.each([
    undefined,
    null,
    1,
    "",
    "   ",
    "\u202E",
    {},
    "x".repeat(limits.nameLength + 1),
    "x".repeat(1e6),
  ])("%j is no name", (name) => {
    expect(parsePlace({ name, room: "lobby" })).toBeUndefined();
  });

  test("an entry needs the visitor's secret", () => {
    const entry = { visitor, name: "Ann", room: "lobby" };
    expect(parseEntry(entry)).toEqual(entry);
    for (const other of [undefined, "", visitor.slice(1), `${visitor}0`, visitor.toUpperCase(), 5]) {
      expect(parseEntry({ ...entry, visitor: other })).toBeUndefined();
    }
  });
});

describe("drafts", () => {
  test.each([
    ["bad-request", undefined],
    ["bad-request", "text"],
    ["bad-request", { text: "no key" }],
    ["bad-request", { key: "k".repeat(65), text: "" }],
    ["bad-request", { key: "k", text: 5 }],
    ["bad-request", { key: "k", text: "", picture: { type: "image/png", bytes: [1, 2] } }],
    ["bad-request", { key: "k", text: "", picture: png(0) }],
    ["empty", { key: "k", text: " \n" }],
    ["text-too-long", { key: "k", text: "x".repeat(limits.textLength + 1) }],
    ["picture-type", { key: "k", text: "", picture: { type: "image/svg+xml", bytes: new Uint8Array(1) } }],
    ["picture-too-large", { key: "k", text: "", picture: png(limits.pictureBytes + 1) }],
  ])("%s: %j", (refused, draft) => {
    expect(parseDraft(draft)).toBe(refused);
  });

  test("keeps a copy of exactly the picture's bytes", () => {
    const arrived = Buffer.from("....picture....").subarray(4, 11);
    const draft = parseDraft({ key: "k", text: "", picture: { type: "image/webp", bytes: arrived } });
    if (typeof draft === "string") throw new Error(draft);
    expect(draft.picture?.bytes).toEqual(new TextEncoder().encode("picture"));
    expect(draft.picture?.bytes.buffer.byteLength).toBe(7);
  });

  test("whatever arrives, nothing throws, and what is kept is within the limits", () => {
    const anything = fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true });
    const nearlyDraft = fc.record(
      {
        key: fc.oneof(fc.string({ maxLength: 80 }), anything),
        text: fc.oneof(fc.string({ maxLength: 2 * limits.textLength, size: "max" }), anything),
        picture: fc.oneof(
          fc.record({ type: fc.constantFrom("image/png", "text/html"), bytes: fc.uint8Array() }),
          anything,
        ),
        other: anything,
      },
      { requiredKeys: [] },
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(anything, nearlyDraft), (value) => {
        parseEntry(value);
        expect(parseMessageId(value)).toBeGreaterThanOrEqual(0);
        const draft = parseDraft(value);
        if (typeof draft === "string") return;
        accepted++;
        const known = ["key", "text", "picture"];
        expect(Object.keys(draft).filter((key) => !known.includes(key))).toEqual([]);
        expect(draft.text.length).toBeLessThanOrEqual(limits.textLength);
        expect(draft.picture?.type ?? "image/png").toBe("image/png");
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});
