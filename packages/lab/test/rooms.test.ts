import { expect, test } from "vitest";
import { FIRST_ROOM, MAX_ROOMS, Rooms } from "../src/chat/rooms.ts";

/** As many rooms as there may be; the higher the number the later it was touched. */
function fill(rooms: Rooms): void {
  for (let i = 1; i < MAX_ROOMS; i++) {
    const room = rooms.open(`room ${i}`);
    if (room !== undefined) room.touchedAt = i;
  }
}

test("the same name is the same room", () => {
  const rooms = new Rooms();
  expect(rooms.open("tea")).toBe(rooms.open("tea"));
  expect(rooms.open(FIRST_ROOM)).toBe(rooms.first);
});

test("one more room closes the empty one that was quiet longest", () => {
  const rooms = new Rooms();
  fill(rooms);
  rooms.open("room 1")?.enter("ann", "socket", "Ann");
  expect(rooms.open("one more")).toBeDefined();
  const names = rooms.summaries.map((room) => room.name);
  expect(names).toHaveLength(MAX_ROOMS);
  expect(names).toContain("room 1");
  expect(names).toContain(FIRST_ROOM);
  expect(names).not.toContain("room 2");
});

test("there is no more room where somebody is in each", () => {
  const rooms = new Rooms();
  fill(rooms);
  for (const { name } of rooms.summaries) rooms.open(name)?.enter(name, "socket", "Ann");
  expect(rooms.open("one more")).toBeUndefined();
  expect(rooms.summaries).toHaveLength(MAX_ROOMS);
});
