/** What a plain client is told first, and from where it may go on. docs/protocol/plain.md §3. */
import { expect, test } from "vitest";
import { eventStreamCodec, jsonCodec } from "../../../src/dialect/plain/codec.ts";
import { greet, refuse } from "../../../src/dialect/plain/greeting.ts";
import { readEventStream } from "../../wire/eventstream/reader.ts";

const entrant = { namespace: "/", sid: "s", since: undefined, position: "e.5", recovered: true, replayed: 0 };

test.each([
  ["one that begins", {}, ["connect e.5"]],
  ["one in rooms that keep nothing", { position: "" }, ["connect"]],
  ["one that missed nothing", { since: "e.5" }, ["connect e.5"]],
  ["one that is sent what it missed", { since: "e.3", replayed: 2 }, ["connect"]],
  ["one that missed more than is kept", { since: "e.1", recovered: false, replayed: 2 }, ["gap", "connect"]],
  ["one that comes from elsewhere", { since: "x", recovered: false }, ["gap", "connect e.5"]],
])("%s", (_who, more, told) => {
  const { events } = readEventStream(
    greet(eventStreamCodec, { ...entrant, ...more })
      .map(({ data }) => data)
      .join(""),
  );
  expect(events.map(({ event, id }) => `${event} ${id}`.trim())).toEqual(told);
  const messages = greet(jsonCodec, { ...entrant, ...more }).map(({ data }) => JSON.parse(String(data)));
  expect(messages.map(({ event, position = "" }) => `${event} ${position}`.trim())).toEqual(told);
});

test("both forms say the same", () => {
  const [gap, connect] = greet(jsonCodec, { ...entrant, since: "x", recovered: false });
  expect([gap?.data, connect?.data]).toEqual([
    '{"event":"gap","args":[{"since":"x"}]}',
    '{"event":"connect","args":[{"sid":"s"}],"position":"e.5"}',
  ]);
  expect(refuse(jsonCodec, "/", { message: "no", data: 1 }).data).toBe(
    '{"event":"connect_error","args":[{"message":"no","data":1}]}',
  );
});
