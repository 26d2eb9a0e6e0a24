/** `for await (const args of socket.events("name"))`. */
import { describe, expect, test } from "vitest";
import { connectSocket, createHub, event } from "./fake-peer.ts";

describe("socket.events", () => {
  test("gives each event's arguments, those that waited and those to come, and ends with the socket", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const seen: unknown[] = [];
    const events = socket.events("x");
    hub.receive(peer, event(["x", 1, 2]));
    hub.receive(peer, event(["other"]));
    const loop = (async () => {
      for await (const args of events) {
        seen.push(args);
        if (seen.length === 1) queueMicrotask(() => hub.receive(peer, event(["x", 3])));
        if (seen.length === 2) hub.receive(peer, event(["x", 4]));
        if (seen.length === 2) hub.leave(peer, "transport close");
      }
    })();
    await loop;
    expect(seen).toEqual([[1, 2], [3], [4]]);
    expect(socket.listeners("x")).toEqual([]);
  });

  test("leaves the ack to the reader", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const next = socket.events("x").next();
    hub.receive(peer, event(["x", 1], 5));
    const [value, answer] = (await next).value ?? [];
    expect(peer.sent).toHaveLength(1);
    answer(value + 1);
    expect(peer.lines[1]).toBe("ACK / [2]");
  });

  test("stops listening at a break, and with `using`", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    hub.receive(peer, event(["x"]));
    const events = socket.events("x");
    hub.receive(peer, event(["x"]));
    hub.receive(peer, event(["x"]));
    for await (const _args of events) break;
    expect(socket.hasListeners("x")).toBe(false);
    expect(await events.next()).toEqual({ value: undefined, done: true });
    const other = socket.events("x");
    await other[Symbol.asyncDispose]();
    expect(socket.hasListeners("x")).toBe(false);
  });

  test("wakes all that wait when the socket leaves", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const events = socket.events("x");
    const waiting = Promise.all([events.next(), events.next()]);
    hub.leave(peer, "transport close");
    expect((await waiting).map(({ done }) => done)).toEqual([true, true]);
    expect((await socket.events("x").next()).done).toBe(true);
    expect(socket.hasListeners("x")).toBe(false);
  });

  test("beyond maxWaitingEvents gives what it has, then BW_EVENTS_WAITING, then nothing", async () => {
    const { hub } = createHub({ maxWaitingEvents: 2 });
    const { peer, socket } = connectSocket(hub);
    const events = socket.events("x");
    for (let index = 0; index < 4; index += 1) hub.receive(peer, event(["x", index]));
    expect(socket.hasListeners("x")).toBe(false);
    expect([(await events.next()).value, (await events.next()).value]).toEqual([[0], [1]]);
    await expect(events.next()).rejects.toMatchObject({ code: "BW_EVENTS_WAITING" });
    expect((await events.next()).done).toBe(true);
    expect(socket.connected).toBe(true);
  });
});
