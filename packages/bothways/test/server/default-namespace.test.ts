/** What is said to `io` reaches the default namespace. */
import { expect, test, vi } from "vitest";
import { Server } from "../../src/server/index.ts";

const { signal } = new AbortController();

const calls: [keyof Server["sockets"] & keyof Server, unknown[]][] = [
  ["on", ["hello", () => undefined]],
  ["once", ["hello", () => undefined]],
  ["off", ["hello", () => undefined]],
  ["use", [() => undefined]],
  ["emit", ["x", 1]],
  ["emitWithAck", ["x", 1]],
  ["to", ["a"]],
  ["in", [["a", "b"]]],
  ["except", ["a"]],
  ["timeout", [5]],
  ["signal", [signal]],
  ["compress", [true]],
  ["fetchSockets", []],
  ["socketsJoin", ["a"]],
  ["socketsLeave", ["a"]],
  ["disconnectSockets", [true]],
  ["serverSideEmit", ["x", 1]],
  ["serverSideEmitWithAck", ["x", 1]],
  ["history", [{ maxMessages: 1 }]],
  ["presence", [{ key: () => "a" }]],
];

test.each(calls)("io.%s", (name, args) => {
  const io = new Server();
  const method = vi.spyOn(io.sockets, name as "to");
  const face = io as unknown as Record<string, (...args: unknown[]) => unknown>;
  const result = face[name]?.(...args);
  expect(method).toHaveBeenCalledExactlyOnceWith(...(args as [string]));
  const given: unknown = method.mock.results[0]?.value;
  if (given === io.sockets) expect(result).toBe(io);
  else expect(result).toBe(given);
});

test.each(["volatile", "local"] as const)("io.%s", (name) => {
  const io = new Server();
  const getter = vi.spyOn(io.sockets, name, "get");
  expect(io[name]).toBe(getter.mock.results[0]?.value);
});

test("the hub's limits are options of the server; one that is undefined keeps its default", () => {
  const io = new Server({ maxRoomNameLength: 7, maxAcks: undefined, maxWaitingEvents: 3 } as object);
  expect(io.sockets).toMatchObject({ limits: { maxRoomNameLength: 7, maxAcks: 1024, maxWaitingEvents: 3 } });
  expect(io.sockets).not.toHaveProperty("limits.onError");
});
