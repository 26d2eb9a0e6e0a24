import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Hub } from "../../src/hub/hub.ts";
import type { Socket } from "../../src/hub/socket.ts";
import type { BroadcastError } from "../../src/model/events.ts";
import { ack, ackError, connect, connectSocket, createHub, type FakePeer } from "./fake-peer.ts";

interface Member {
  readonly peer: FakePeer;
  readonly socket: Socket;
}

/** Four members: a in room 1, b in 1 and 2, c in 2, d in none. */
function meet(hub: Hub): Record<"a" | "b" | "c" | "d", Member> {
  const members = {
    a: connectSocket(hub),
    b: connectSocket(hub),
    c: connectSocket(hub),
    d: connectSocket(hub),
  };
  members.a.socket.join("1");
  members.b.socket.join(["1", "2"]);
  members.c.socket.join("2");
  return members;
}

type Members = ReturnType<typeof meet>;

const cases: [string, (hub: Hub, members: Members) => unknown, string][] = [
  ["io.emit", (hub) => hub.sockets.emit("x"), "abcd"],
  ["io.to(1)", (hub) => hub.sockets.to("1").emit("x"), "ab"],
  ["io.in(1)", (hub) => hub.sockets.in("1").emit("x"), "ab"],
  ["io.to(1).to(2)", (hub) => hub.sockets.to("1").to("2").emit("x"), "abc"],
  ["io.to([1, 2])", (hub) => hub.sockets.to(["1", "2"]).emit("x"), "abc"],
  ["io.to([])", (hub) => hub.sockets.to([]).emit("x"), ""],
  ["io.to(nobody)", (hub) => hub.sockets.to("nobody").emit("x"), ""],
  ["io.except(1)", (hub) => hub.sockets.except("1").emit("x"), "cd"],
  ["io.except([1, 2])", (hub) => hub.sockets.except(["1", "2"]).emit("x"), "d"],
  ["io.to(1).except(2)", (hub) => hub.sockets.to("1").except("2").emit("x"), "a"],
  ["io.to(id)", (hub, { c }) => hub.sockets.to(c.socket.id).emit("x"), "c"],
  ["io.except(id)", (hub, { c }) => hub.sockets.except(c.socket.id).emit("x"), "abd"],
  ["socket.emit", (_hub, { a }) => a.socket.emit("x"), "a"],
  ["socket.broadcast", (_hub, { a }) => a.socket.broadcast.emit("x"), "bcd"],
  ["socket.to(1)", (_hub, { a }) => a.socket.to("1").emit("x"), "b"],
  ["socket.in(1)", (_hub, { a }) => a.socket.in("1").emit("x"), "b"],
  ["socket.except(2)", (_hub, { a }) => a.socket.except("2").emit("x"), "d"],
  ["socket.broadcast.to(2)", (_hub, { a }) => a.socket.broadcast.to("2").emit("x"), "bc"],
  ["socket.timeout.to(1)", (_hub, { a }) => a.socket.timeout(5).to("1").emit("x"), "b"],
  ["socket.timeout.in(1)", (_hub, { a }) => a.socket.timeout(5).in("1").emit("x"), "b"],
  ["socket.timeout.except(2)", (_hub, { a }) => a.socket.timeout(5).except("2").emit("x"), "d"],
  ["socket.timeout.broadcast", (_hub, { a }) => a.socket.timeout(5).broadcast.emit("x"), "bcd"],
];

describe("a broadcast reaches", () => {
  test.each(cases)("%s", (_name, broadcast, expected) => {
    const { hub } = createHub();
    const members = meet(hub);
    hub.of("/other");
    const outsider = connect(hub, "/other");
    broadcast(hub, members);
    const reached = Object.entries(members).filter(([, { peer }]) => peer.last.type !== 0);
    expect(reached.map(([name]) => name).join("")).toBe(expected);
    expect(outsider.sent).toHaveLength(1);
  });

  test("whoever the rooms say, and nobody twice", () => {
    const names: fc.Arbitrary<string> = fc.constantFrom("1", "2", "3");
    const lists = fc.array(names, { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(lists, { maxLength: 6 }),
        fc.option(lists),
        lists,
        (memberships, rooms, except) => {
          const { hub } = createHub();
          const members = memberships.map((rooms) => {
            const member = connectSocket(hub);
            member.socket.join(rooms);
            return { ...member, rooms };
          });
          const everyone = hub.sockets.except(except);
          (rooms === null ? everyone : everyone.to(rooms)).emit("x");
          for (const member of members) {
            const isIn = (list: readonly string[]): boolean =>
              list.some((room) => member.rooms.includes(room));
            const isReached = (rooms === null || isIn(rooms)) && !isIn(except);
            expect(member.peer.sent).toHaveLength(isReached ? 2 : 1);
          }
        },
      ),
    );
  });
});

describe("a broadcast", () => {
  test("is one packet for all", () => {
    const { hub } = createHub();
    const { a, b, c } = meet(hub);
    hub.sockets.to(["1", "2"]).emit("x", { big: true });
    expect(a.peer.last).toMatchObject({ type: 2, namespace: "/", data: ["x", { big: true }] });
    expect(b.peer.last).toBe(a.peer.last);
    expect(c.peer.last).toBe(a.peer.last);
  });

  test("an operator can be kept: its steps change nothing", () => {
    const { hub } = createHub();
    const { a, c, d } = meet(hub);
    const room = hub.sockets.to("1");
    room.to("2");
    room.except("1");
    void room.volatile;
    room.timeout(1);
    room.emit("x");
    room.emit("y");
    expect(a.peer.sent).toHaveLength(3);
    expect(c.peer.sent).toHaveLength(1);
    expect(d.peer.sent).toHaveLength(1);
  });

  test("volatile", () => {
    const { hub } = createHub();
    const { a, b } = meet(hub);
    hub.sockets.volatile.to("1").emit("x");
    hub.sockets.to("1").volatile.emit("y");
    b.socket.volatile.to("1").emit("z");
    expect(a.peer.volatile.map(({ data }) => data)).toEqual([["x"], ["y"], ["z"]]);
    expect(a.peer.sent).toHaveLength(1);
  });

  test("says whether all have room for more", () => {
    const { hub } = createHub();
    const { a, b } = meet(hub);
    expect(hub.sockets.emit("x")).toBe(true);
    b.peer.hasRoom = false;
    expect(hub.sockets.emit("x")).toBe(false);
    expect(hub.sockets.to("nobody").emit("x")).toBe(true);
    expect(a.peer.sent).toHaveLength(3);
  });

  test("a receiver that leaves in the middle of it disturbs nobody", () => {
    const { hub } = createHub();
    const { a, b, c, d } = meet(hub);
    a.peer.refuses = () => {
      a.peer.refuses = () => false;
      hub.leave(b.peer, "slow consumer");
      return false;
    };
    hub.sockets.emit("x");
    expect(b.peer.sent).toHaveLength(1);
    for (const { peer } of [a, c, d]) expect(peer.sent).toHaveLength(2);
  });
});

describe("answers to a broadcast", () => {
  test("come together, in the order they came", async () => {
    const { hub, platform } = createHub();
    const { a, b, c } = meet(hub);
    const answers = hub.sockets.timeout(50).to(["1", "2"]).emitWithAck("ask", 1);
    expect(a.peer.last).toMatchObject({ id: 1, data: ["ask", 1] });
    for (const { peer } of [c, a, b])
      hub.receive(peer, ack(1, `from ${[a, b, c].findIndex((m) => m.peer === peer)}`));
    expect(await answers).toEqual(["from 2", "from 0", "from 1"]);
    expect(platform.timers.size).toBe(0);
  });

  test("on timeout, the error carries those that came", async () => {
    const { hub, platform } = createHub();
    const { a, b } = meet(hub);
    const outcomes: unknown[] = [];
    hub.sockets
      .timeout(50)
      .to("1")
      .emit("ask", (error: BroadcastError | null, responses: unknown[]) => {
        outcomes.push([error?.code, error?.responses, responses]);
      });
    hub.receive(a.peer, ack(1, "a"));
    expect(outcomes).toEqual([]);
    platform.fireAll();
    hub.receive(b.peer, ack(1, "too late"));
    expect(outcomes).toEqual([["BW_ACK_TIMEOUT", ["a"], ["a"]]]);
  });

  test("a receiver that leaves, refuses or has too many open is missing", async () => {
    const { hub } = createHub({ maxAcks: 1 });
    const { a, b, c, d } = meet(hub);
    d.socket.emit("other", () => undefined);
    const answers = hub.sockets.emitWithAck("ask");
    hub.leave(a.peer, "transport close");
    hub.receive(b.peer, ackError(2, { message: "no" }));
    hub.receive(c.peer, ack(2, "c"));
    await expect(answers).rejects.toMatchObject({
      code: "BW_ACK_LIMIT",
      detail: "3 of 4 receivers",
      responses: ["c"],
    });
    expect(d.peer.last).toMatchObject({ data: ["ask"] });
  });

  test("with nobody there are none", async () => {
    const { hub, platform } = createHub();
    expect(await hub.sockets.timeout(50).emitWithAck("ask")).toEqual([]);
    expect(platform.timers.size).toBe(0);
  });

  test("ids of broadcasts and of single events do not clash", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const one = socket.emitWithAck("one");
    const all = hub.sockets.emitWithAck("all");
    hub.receive(peer, ack(2, "all"));
    hub.receive(peer, ack(1, "one"));
    expect(await Promise.all([one, all])).toEqual(["one", ["all"]]);
  });

  test("an answer is the receiver's own: another client cannot give it", async () => {
    const { hub } = createHub();
    const { a, b } = meet(hub);
    const answers = hub.sockets.to(a.socket.id).emitWithAck("ask");
    hub.receive(b.peer, ack(1, "forged"));
    hub.receive(a.peer, ack(1, "true"));
    expect(await answers).toEqual(["true"]);
  });

  test("a callback that throws is reported", () => {
    const { hub, platform } = createHub();
    const { peer } = connectSocket(hub);
    hub.sockets.emit("ask", () => {
      throw new Error("oops");
    });
    hub.receive(peer, ack(1));
    expect(platform.errors).toMatchObject([{ error: { message: "oops" }, context: { event: "ask" } }]);
  });

  test("an event that cannot be encoded throws, and nothing is awaited", () => {
    const { hub } = createHub({ maxAcks: 1 });
    const { peer, socket } = connectSocket(hub);
    peer.refuses = () => true;
    expect(() => hub.sockets.emit("ask", () => expect.unreachable())).toThrow(TypeError);
    peer.refuses = () => false;
    expect(socket.emit("ask", () => undefined)).toBe(true);
  });
});
