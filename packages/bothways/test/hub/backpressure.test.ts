import { describe, expect, test } from "vitest";
import { connectSocket, createHub, settled } from "./fake-peer.ts";

describe("an emit's policy", () => {
  test("and its key travel with the packet, from whatever it was chosen on", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    socket.policy("drop-oldest").emit("a");
    socket.timeout(5).policy("latest-by-key", "k").emit("b");
    hub.sockets.policy("latest-by-key").emit("c");
    hub.sockets.to(socket.id).policy("block", "k").emit("d");
    socket.emit("e");
    expect(peer.sent.slice(-5)).toMatchObject([
      { policy: "drop-oldest", key: undefined },
      { policy: "latest-by-key", key: "k" },
      { policy: "latest-by-key", key: undefined, encoded: {} },
      { policy: "block", key: "k", encoded: {} },
      { policy: undefined, key: undefined },
    ]);
  });

  test("block: where one receiver has no room, nobody gets it", () => {
    const { hub } = createHub();
    const [one, other] = [connectSocket(hub), connectSocket(hub)];
    other.peer.isFull = true;
    expect(() => hub.sockets.policy("block").emit("a")).toThrow("BW_BACKPRESSURE");
    expect([one.peer.lines, other.peer.lines].flat().filter((line) => line.startsWith("EVENT"))).toEqual([]);
    hub.sockets.policy("block").except(other.socket.id).emit("a");
    expect(one.peer.lines.at(-1)).toBe('EVENT / ["a"]');
  });
});

test("a client's policy is that of all its sockets", () => {
  const { hub } = createHub();
  const { peer, socket } = connectSocket(hub);
  expect(socket.slowConsumer).toBe("disconnect");
  socket.slowConsumer = "drop-oldest";
  expect(peer.policy).toBe("drop-oldest");
});

describe("ready", () => {
  test("is at once where there is room", async () => {
    const { hub } = createHub();
    const { socket } = connectSocket(hub);
    await socket.ready();
    await hub.sockets.to("nobody").ready();
  });

  test("waits for drain, of every receiver", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    connectSocket(hub);
    const seen: string[] = [];
    peer.isFull = true;
    socket.on("drain", () => seen.push("drain"));
    void socket.ready().then(() => seen.push("socket"));
    void hub.sockets
      .to([...hub.sockets.sockets.keys()])
      .ready()
      .then(() => seen.push("room"));
    await settled();
    expect(seen).toEqual([]);
    peer.isFull = false;
    hub.drain(peer);
    await settled();
    await settled();
    expect(seen).toEqual(["drain", "socket", "room"]);
  });

  test("rejects when the client is gone; a room does not wait for who is gone", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    peer.isFull = true;
    const waiting = [socket.ready(), hub.sockets.to(socket.id).ready()];
    hub.leave(peer, "transport close");
    const [one, room] = await Promise.allSettled(waiting);
    expect(one).toMatchObject({ reason: { code: "BW_DISCONNECTED" } });
    expect(room).toMatchObject({ status: "fulfilled" });
    await expect(socket.ready()).rejects.toMatchObject({ code: "BW_DISCONNECTED" });
  });
});

test("what a policy drops is told to all sockets of the client", () => {
  const { hub } = createHub();
  const { peer, socket } = connectSocket(hub);
  const counts: number[] = [];
  socket.on("dropped", (count) => counts.push(count));
  hub.dropped(peer, 3);
  expect(counts).toEqual([3]);
});

test("pause and resume are the client's", () => {
  const { hub } = createHub();
  const { peer, socket } = connectSocket(hub);
  expect(socket.pause()).toBe(socket);
  expect(peer.isPaused).toBe(true);
  socket.resume();
  expect(peer.isPaused).toBe(false);
});
