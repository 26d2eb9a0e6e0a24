import { describe, expect, test } from "vitest";
import { MAX_HISTORY_BYTES, MAX_HISTORY_MESSAGES, Room } from "../src/chat/room.ts";

const ann = { id: 1, name: "Ann" };
const draft = (key: string, text = "hello", bytes = 0) =>
  bytes === 0 ? { key, text } : { key, text, picture: { type: "image/png", bytes: new Uint8Array(bytes) } };

describe("history", () => {
  test("messages are numbered from one, without holes", () => {
    const room = new Room("lobby");
    const ids = ["a", "b", "c"].map((key) => room.say(ann, draft(key), 0).message.id);
    expect(ids).toEqual([1, 2, 3]);
    expect(room.lastId).toBe(3);
  });

  test("a draft sent again by the same member is kept once", () => {
    const room = new Room("lobby");
    const first = room.say(ann, draft("a"), 1);
    const again = room.say(ann, draft("a"), 2);
    expect(again).toEqual({ message: first.message, isNew: false });
    expect(room.say({ id: 2, name: "Bo" }, draft("a"), 3).isNew).toBe(true);
    expect(room.history).toHaveLength(2);
  });

  test("keeps the newest messages up to its count", () => {
    const room = new Room("lobby");
    for (let i = 0; i < MAX_HISTORY_MESSAGES + 7; i++) room.say(ann, draft(String(i)), 0);
    expect(room.history).toHaveLength(MAX_HISTORY_MESSAGES);
    expect(room.history[0]?.id).toBe(8);
  });

  test("keeps the newest messages up to its bytes", () => {
    const room = new Room("lobby");
    const size = 2 * 1024 * 1024;
    for (let i = 0; i < 10; i++) room.say(ann, draft(String(i), "", size), 0);
    const kept = room.history.reduce((sum, message) => sum + (message.picture?.bytes.length ?? 0), 0);
    expect(kept).toBeLessThanOrEqual(MAX_HISTORY_BYTES);
    expect(kept).toBeGreaterThan(MAX_HISTORY_BYTES - 2 * size);
    expect(room.history.at(-1)?.id).toBe(10);
  });
});

describe("members", () => {
  test.each([
    [
      ["Ann", "Ann", "Ann"],
      ["Ann", "Ann 2", "Ann 3"],
    ],
    [
      ["Ann", "ann"],
      ["Ann", "ann 2"],
    ],
    [
      ["Ann", "Ａｎｎ"],
      ["Ann", "Ａｎｎ 2"],
    ],
    [
      ["Ann", "Bo"],
      ["Ann", "Bo"],
    ],
  ])("%j are shown as %j", (wanted, shown) => {
    const room = new Room("lobby");
    for (const [index, name] of wanted.entries()) room.enter(`visitor ${index}`, `socket ${index}`, name);
    expect(room.members.map((member) => member.name)).toEqual(shown);
  });

  test("a visitor who comes back on another socket keeps the seat, and the old socket has no say", () => {
    const room = new Room("lobby");
    const before = room.enter("ann", "old", "Ann");
    room.say(ann, draft("a"), 0);
    room.setSeen("ann", 1);
    expect(room.setAway("ann", "old", true)?.away).toBe(true);
    const after = room.enter("ann", "new", "Ann");
    expect(after).toEqual({ ...before, seen: 1 });
    expect(room.leave("ann", "old")).toBeUndefined();
    expect(room.setAway("ann", "old", true)).toBeUndefined();
    expect(room.leave("ann", "new")).toEqual(after);
    expect(room.size).toBe(0);
  });

  test("what is seen only grows, and not beyond what was said", () => {
    const room = new Room("lobby");
    room.enter("ann", "socket", "Ann");
    room.say(ann, draft("a"), 0);
    room.say(ann, draft("b"), 0);
    expect(room.setSeen("ann", 99)?.seen).toBe(2);
    expect(room.setSeen("ann", 1)).toBeUndefined();
    expect(room.setSeen("nobody", 1)).toBeUndefined();
  });
});
