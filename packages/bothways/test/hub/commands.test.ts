/** What is done to many sockets at once, and what is asked of other servers. */
import { describe, expect, test } from "vitest";
import { BroadcastOperator } from "../../src/hub/broadcast.ts";
import type { Hub } from "../../src/hub/hub.ts";
import { ack, connectSocket, createHub, type FakePeer } from "./fake-peer.ts";

type Operator = Pick<Hub["sockets"], "fetchSockets" | "socketsJoin" | "socketsLeave" | "disconnectSockets">;

const audiences: [string, (hub: Hub) => Operator, string[]][] = [
  ["the namespace", (hub) => hub.sockets, ["s1", "s2", "s3"]],
  ["io.local", (hub) => hub.sockets.local, ["s1", "s2", "s3"]],
  ["in(room)", (hub) => hub.sockets.in("a"), ["s1", "s2"]],
  ["in(two rooms)", (hub) => hub.sockets.in(["a", "b"]), ["s1", "s2"]],
  ["in(room).except(other)", (hub) => hub.sockets.in("a").except("b"), ["s1"]],
  ["except(room)", (hub) => hub.sockets.except("a"), ["s3"]],
  ["in(nobody's room)", (hub) => hub.sockets.in("x"), []],
  ["a socket's others", (hub) => hub.sockets.sockets.get("s1")?.broadcast as Operator, ["s2", "s3"]],
  ["its local", (hub) => hub.sockets.sockets.get("s1")?.local as Operator, ["s2", "s3"]],
];

/** s1 in a, s2 in a and b, s3 in none. */
function meet(): { hub: Hub; peers: FakePeer[] } {
  const { hub } = createHub();
  const members = [connectSocket(hub), connectSocket(hub), connectSocket(hub)];
  members[0]?.socket.join("a");
  members[1]?.socket.join(["a", "b"]);
  return { hub, peers: members.map(({ peer }) => peer) };
}

const inRoom = (hub: Hub, room: string): string[] =>
  [...hub.sockets.sockets.values()].filter(({ rooms }) => rooms.has(room)).map(({ id }) => id);

describe.each(audiences)("%s", (_name, audience, expected) => {
  test("fetchSockets", async () => {
    const { hub } = meet();
    expect((await audience(hub).fetchSockets()).map(({ id }) => id)).toEqual(expected);
  });

  test("socketsJoin and socketsLeave, of one room or several", () => {
    const { hub } = meet();
    const target = audience(hub);
    target.socketsJoin("c");
    target.socketsJoin(["d", "e"]);
    for (const room of ["c", "d", "e"]) expect(inRoom(hub, room)).toEqual(expected);
    target.socketsLeave("c");
    target.socketsLeave(["d", "e"]);
    for (const room of ["c", "d", "e"]) expect(inRoom(hub, room)).toEqual([]);
  });

  test.each([false, true])("disconnectSockets(%s)", (close) => {
    const { hub, peers } = meet();
    audience(hub).disconnectSockets(close);
    const gone = ["s1", "s2", "s3"].filter((id) => !hub.sockets.sockets.has(id));
    expect(gone).toEqual(expected);
    expect(peers.filter(({ closed }) => closed.length > 0)).toHaveLength(close ? expected.length : 0);
  });
});

test("all may leave the very room they were found by", () => {
  const { hub } = meet();
  hub.sockets.in("a").socketsLeave("a");
  expect(inRoom(hub, "a")).toEqual([]);
});

describe("a fetched socket", () => {
  test("is a picture of the moment", async () => {
    const { hub } = meet();
    const socket = hub.sockets.sockets.get("s1");
    if (socket) socket.data.name = "ada";
    const [remote] = await hub.sockets.in("a").fetchSockets();
    socket?.leave("a");
    expect(remote).toMatchObject({ id: "s1", data: { name: "ada" }, handshake: socket?.handshake });
    expect([...(remote?.rooms ?? [])]).toEqual(["s1", "a"]);
  });

  test("can be told things, and asked", async () => {
    const { hub, peers } = meet();
    const [remote] = await hub.sockets.fetchSockets();
    const [peer] = peers as [FakePeer];
    remote?.emit("x", 1);
    expect(peer.lines[1]).toBe('EVENT / ["x",1]');
    const answers = [remote?.emitWithAck("ask"), remote?.timeout(5).emitWithAck("ask")];
    hub.receive(peer, ack(1, "one"));
    hub.receive(peer, ack(2, "two"));
    expect(await Promise.all(answers)).toEqual(["one", "two"]);
    remote?.join(["c", "d"]);
    remote?.leave("c");
    expect([inRoom(hub, "c"), inRoom(hub, "d")]).toEqual([[], ["s1"]]);
    expect(remote?.disconnect()).toBe(remote);
    expect(hub.sockets.sockets.has("s1")).toBe(false);
    expect(peer.closed).toEqual([]);
  });

  test("can be disconnected from all namespaces", async () => {
    const { hub, peers } = meet();
    const [remote] = await hub.sockets.fetchSockets();
    remote?.disconnect(true);
    expect(peers[0]?.closed).toEqual(["BW_CLOSED"]);
  });
});

describe("other servers", () => {
  test("there are none: serverSideEmit is heard by nobody here, and answered by none", async () => {
    const { hub } = createHub();
    const seen: unknown[] = [];
    hub.sockets.on("hello", () => expect.unreachable());
    expect(hub.sockets.serverSideEmit("hello", 1)).toBe(true);
    hub.sockets.serverSideEmit("hello", 1, (error: unknown, answers: unknown) => seen.push(error, answers));
    expect(seen).toEqual([null, []]);
    expect(await hub.sockets.serverSideEmitWithAck("hello")).toEqual([]);
  });

  test("cannot be sent what namespaces raise themselves", async () => {
    const { hub } = createHub();
    for (const name of ["connect", "connection", "new_namespace"]) {
      expect(() => hub.sockets.serverSideEmit(name)).toThrow(/BW_RESERVED_EVENT/);
      await expect(hub.sockets.serverSideEmitWithAck(name)).rejects.toThrow(/BW_RESERVED_EVENT/);
    }
  });

  test("what a callback throws is reported", () => {
    const { hub, platform } = createHub();
    hub.sockets.serverSideEmit("hello", () => {
      throw new Error("thrown");
    });
    expect(platform.messages).toEqual(["thrown"]);
  });
});

test("compress changes nothing as yet", () => {
  const { hub, peers } = meet();
  hub.sockets.compress(true).emit("x");
  hub.sockets.to("a").compress(false).emit("x");
  hub.sockets.sockets.get("s1")?.compress(true).compress(false).emit("x");
  expect(peers.map(({ lines }) => lines.length)).toEqual([4, 3, 2]);
  expect(hub.sockets.compress(true)).toBeInstanceOf(BroadcastOperator);
});
