/** Rooms that remember: docs/guide/history.md. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RoomHistory } from "../../src/hub/history.ts";
import type { Namespace } from "../../src/hub/namespace.ts";
import { EVENT } from "../../src/model/packet.ts";
import { connectSocket, createHub, FakePeer, FakePlatform } from "./fake-peer.ts";

/** Says "0", "1" … in room `r`; returns their positions. */
function say(nsp: Namespace, count: number, room = "r"): string[] {
  const { peer, socket } = connectSocket(hubOf(nsp));
  socket.join(room);
  for (let index = 0; index < count; index += 1) nsp.to(room).emit("m", index);
  socket.disconnect();
  return peer.sent.flatMap(({ data }) => (Array.isArray(data) ? [data[2]] : []));
}

const hubs = new WeakMap<Namespace, ReturnType<typeof createHub>["hub"]>();
function hubOf(nsp: Namespace): ReturnType<typeof createHub>["hub"] {
  const hub = hubs.get(nsp);
  if (hub === undefined) throw new Error("no hub");
  return hub;
}

function stage(options = {}): { nsp: Namespace; platform: FakePlatform } {
  const { hub, platform } = createHub();
  const nsp = hub.sockets.history(options);
  hubs.set(nsp, hub);
  return { nsp, platform };
}

/** What a newcomer is sent of room `r`, and told. */
async function rejoin(nsp: Namespace, since: string | null | undefined, room = "r") {
  const { peer, socket } = connectSocket(hubOf(nsp));
  const { recovered, replayed, position } = await socket.join(room, { since });
  const heard = peer.sent.slice(1).map(({ data }) => (data as unknown[])[1]);
  return { heard, recovered, replayed, position, peer, socket };
}

describe("a room with a history", () => {
  test("gives each message a position, behind its arguments", () => {
    const { nsp } = stage();
    const positions = say(nsp, 3);
    expect(new Set(positions).size).toBe(3);
    for (const position of positions) expect(position).toMatch(/^[^.]+\.\d+$/);
  });

  test("sends what came after a position, in order, before the socket is in the room", async () => {
    const { nsp } = stage();
    const [, second] = say(nsp, 4);
    const { heard, recovered, replayed, peer, position } = await rejoin(nsp, second);
    expect({ heard, recovered, replayed }).toEqual({ heard: [2, 3], recovered: true, replayed: 2 });
    nsp.to("r").emit("m", 4);
    expect(peer.last.data).toEqual(["m", 4, expect.stringMatching(/\.5$/)]);
    expect((await rejoin(nsp, position)).heard).toEqual([4]);
  });

  test("of several rooms that are joined at once each message comes once, in order, after one position", async () => {
    const { nsp } = stage();
    const since = say(nsp, 1)[0];
    nsp.to("a").emit("m", 1);
    nsp.to(["r", "a"]).emit("m", 2);
    nsp.to("b").emit("m", "not asked for");
    nsp.to("r").emit("m", 3);
    const { peer, socket } = connectSocket(hubOf(nsp));
    const joined = await socket.join(["r", "a"], { since });
    expect(peer.sent.slice(1).map(({ data }) => (data as unknown[])[1])).toEqual([1, 2, 3]);
    expect(joined).toMatchObject({ recovered: true, replayed: 3 });
    expect(peer.last.position).toBe((peer.last.data as unknown[])[2]);
    expect([...socket.rooms]).toEqual([socket.id, "r", "a"]);
    // what it is in already has told it
    expect(await socket.join(["r", "b"], { since })).toMatchObject({ replayed: 1 });
  });

  test("that is not kept has lost what was said", async () => {
    const { nsp } = stage({ rooms: "r" });
    const [since] = say(nsp, 1);
    expect(await rejoin(nsp, since, "other")).toMatchObject({ recovered: false, replayed: 0 });
    expect(await rejoin(nsp, undefined, "other")).toMatchObject({ recovered: true, replayed: 0 });
  });

  test("sends the packet that was encoded, not another", async () => {
    const { nsp } = stage();
    const { peer, socket } = connectSocket(hubOf(nsp));
    socket.join("r");
    nsp.to("r").emit("m", 0);
    expect((await rejoin(nsp, "")).peer.last).toBe(peer.last);
  });

  test.each<[string, (positions: readonly string[]) => unknown, unknown]>([
    ["nothing", () => undefined, { heard: [], recovered: true }],
    ["null, as JSON makes of it", () => null, { heard: [], recovered: true }],
    ["the beginning", () => "", { heard: [0, 1, 2], recovered: true }],
    ["the first", (positions) => positions[0], { heard: [1, 2], recovered: true }],
    ["the last", (positions) => positions[2], { heard: [], recovered: true }],
    [
      "one never reached",
      (positions) => positions[0]?.replace(/\d+$/, "9"),
      { heard: [0, 1, 2], recovered: false },
    ],
    ["another epoch's", () => "other.1", { heard: [0, 1, 2], recovered: false }],
    [
      "less than none",
      (positions) => positions[0]?.replace(/\d+$/, "-1"),
      { heard: [0, 1, 2], recovered: false },
    ],
    [
      "a fraction",
      (positions) => positions[0]?.replace(/\d+$/, "1.5"),
      { heard: [0, 1, 2], recovered: false },
    ],
    [
      "no number",
      (positions) => positions[0]?.replace(/\d+$/, "1e0"),
      { heard: [0, 1, 2], recovered: false },
    ],
    ["too much", (positions) => `${positions[0]}.1`, { heard: [0, 1, 2], recovered: false }],
    ["no text", () => ({ toString: "x" }), { heard: [0, 1, 2], recovered: false }],
    ["a list", () => [1], { heard: [0, 1, 2], recovered: false }],
  ])("since %s", async (_what, since, expected) => {
    const { nsp } = stage();
    const positions = say(nsp, 3);
    expect(await rejoin(nsp, since(positions) as string)).toMatchObject(expected as object);
  });

  test("sends a member nothing, and keeps it in", async () => {
    const { nsp } = stage();
    say(nsp, 2);
    const { socket, peer } = await rejoin(nsp, "");
    peer.sent.length = 0;
    expect(await socket.join("r", { since: "" })).toMatchObject({ recovered: true, replayed: 0 });
    expect(peer.sent).toEqual([]);
    expect(socket.rooms).toContain("r");
  });

  test("judges `except` anew, by the rooms of the one who returns", async () => {
    const { nsp } = stage();
    nsp.to("r").except("banned").emit("m", 0);
    nsp.to("r").emit("m", 1);
    const { peer, socket } = connectSocket(hubOf(nsp));
    socket.join("banned");
    expect(await socket.join("r", { since: "" })).toMatchObject({ replayed: 1, recovered: true });
    expect(peer.last.data).toEqual(["m", 1, expect.anything()]);
  });

  test("keeps a message to two rooms in both", async () => {
    const { nsp } = stage({ rooms: ["r", "s"] });
    nsp.to("r").to("s").to("t").to("r").emit("m", 0);
    expect((await rejoin(nsp, "", "r")).heard).toEqual([0]);
    expect((await rejoin(nsp, "", "s")).heard).toEqual([0]);
    expect((await rejoin(nsp, "", "t")).heard).toEqual([]);
  });

  test("keeps nothing that cannot be encoded", async () => {
    const { nsp } = stage();
    const circle: unknown[] = [];
    circle.push(circle);
    expect(() => nsp.to("r").emit("m", circle)).toThrow(TypeError);
    nsp.to("r").emit("m", 1);
    expect((await rejoin(nsp, "")).heard).toEqual([1]);
  });
});

describe("what is kept", () => {
  test.each<[string, object, (nsp: Namespace) => unknown, number]>([
    ["a room's", {}, (nsp) => nsp.to("r").emit("m"), 1],
    ["of the rooms named: one", { rooms: "r" }, (nsp) => nsp.to("r").emit("m"), 1],
    ["not of another", { rooms: "s" }, (nsp) => nsp.to("r").emit("m"), 0],
    ["by a function", { rooms: (room: string) => room === "r" }, (nsp) => nsp.to("r").emit("m"), 1],
    ["not what is volatile", {}, (nsp) => nsp.to("r").volatile.emit("m"), 0],
    ["not what is to be answered", {}, (nsp) => nsp.to("r").emit("m", () => undefined), 0],
    ["not what everybody gets", {}, (nsp) => nsp.emit("m"), 0],
  ])("%s", async (_what, options, emit, count) => {
    const { nsp } = stage(options);
    emit(nsp);
    expect((await rejoin(nsp, "")).replayed).toBe(count);
  });

  test("not what is for one socket", () => {
    const { nsp } = stage();
    const { peer, socket } = connectSocket(hubOf(nsp));
    nsp.to(socket.id).emit("m", 1);
    expect(peer.last.data).toEqual(["m", 1]);
  });

  test("maxMessages of each room", async () => {
    const { nsp } = stage({ maxMessages: 2 });
    const [first, second] = say(nsp, 4);
    say(nsp, 1, "s");
    expect(await rejoin(nsp, first)).toMatchObject({ heard: [2, 3], recovered: false });
    expect(await rejoin(nsp, second)).toMatchObject({ heard: [2, 3], recovered: true });
    expect(await rejoin(nsp, "")).toMatchObject({ heard: [2, 3], recovered: false });
  });

  test("what is not older than maxAgeMs", async () => {
    const { nsp, platform } = stage({ maxAgeMs: 100 });
    const [first] = say(nsp, 1);
    platform.time = 60;
    nsp.to("r").emit("m", 1);
    platform.time = 100;
    expect(await rejoin(nsp, "")).toMatchObject({ heard: [0, 1], recovered: true });
    platform.time = 101;
    expect(await rejoin(nsp, "")).toMatchObject({ heard: [1], recovered: false });
    expect(await rejoin(nsp, first)).toMatchObject({ heard: [1], recovered: true });
    platform.time = 1000;
    expect(await rejoin(nsp, first)).toMatchObject({ heard: [], recovered: false });
  });

  test("maxBytes of all rooms: the quietest forgets first, then the one that speaks", async () => {
    const { nsp } = stage({ maxBytes: 1000 });
    const [quiet] = say(nsp, 1, "quiet");
    const [, loud] = say(nsp, 2, "loud");
    expect(await rejoin(nsp, "", "quiet")).toMatchObject({ heard: [0], recovered: true });
    say(nsp, 1, "loud");
    expect(await rejoin(nsp, "", "quiet")).toMatchObject({ heard: [], recovered: false });
    expect(await rejoin(nsp, quiet, "quiet")).toMatchObject({ heard: [], recovered: true });
    expect(await rejoin(nsp, "", "loud")).toMatchObject({ heard: [0, 1, 0] });
    say(nsp, 2, "loud");
    expect(await rejoin(nsp, loud, "loud")).toMatchObject({ heard: [0, 0, 1] });
  });

  test("one message, however long", async () => {
    const { nsp } = stage({ maxBytes: 10 });
    say(nsp, 3);
    expect(await rejoin(nsp, "")).toMatchObject({ heard: [2], recovered: false });
  });

  test("never says that nothing is missing where something is", () => {
    const steps = fc.array(
      fc.record({ room: fc.constantFrom("a", "b", "c"), ms: fc.nat(30), size: fc.nat(300) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, fc.nat(40), fc.constantFrom("a", "b", "c"), (said, seen, room) => {
        const platform = new FakePlatform();
        const options = { maxMessages: 5, maxBytes: 3000, maxAgeMs: 200 };
        const history = new RoomHistory(platform, options, () => false);
        const positions: string[] = [""];
        const all: { room: string; value: number }[] = [];
        for (const [value, step] of said.entries()) {
          platform.time += step.ms;
          const data = ["m", value, "x".repeat(step.size)];
          const packet = history.record({ type: EVENT, namespace: "/", data }, data, [step.room], []);
          positions.push(String(Array.isArray(packet?.data) && packet.data.at(-1)));
          all.push({ room: step.room, value });
        }
        const from = Math.min(seen, said.length);
        const { messages, recovered } = history.missed([room], positions[from]);
        const got = messages.map(({ packet }) => (packet.data as unknown[])[1]);
        const due = all
          .slice(from)
          .filter((each) => each.room === room)
          .map(({ value }) => value);
        expect(got).toEqual(due.slice(due.length - got.length));
        if (recovered) expect(got).toEqual(due);
        expect(got.length).toBeLessThanOrEqual(5);
      }),
    );
  });
});

describe("without a history", () => {
  test("a broadcast has no position, and `since` recovers nothing", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    expect(await socket.join("r", { since: null })).toEqual({ position: "", recovered: true, replayed: 0 });
    hub.sockets.to("r").emit("m", 1);
    expect(peer.last.data).toEqual(["m", 1]);
    const other = connectSocket(hub).socket;
    expect(await other.join("r", { since: "x.1" })).toEqual({ position: "", recovered: false, replayed: 0 });
  });
});

describe("join with since rejects", () => {
  test("in middleware, after the socket left, and for a name that is too long", async () => {
    const { hub } = createHub();
    const outcomes: Promise<unknown>[] = [];
    hub.sockets.history().use((socket, next) => [outcomes.push(socket.join("r", { since: "" })), next()]);
    hub.join(new FakePeer(), "/", undefined);
    await expect(outcomes[0]).rejects.toMatchObject({ code: "BW_NOT_JOINED" });
    const { socket } = connectSocket(createHub().hub);
    await expect(socket.join("r".repeat(256), { since: "" })).rejects.toMatchObject({ code: "BW_ROOM_NAME" });
    socket.disconnect();
    await expect(socket.join("r", { since: "" })).rejects.toMatchObject({ code: "BW_DISCONNECTED" });
  });
});
