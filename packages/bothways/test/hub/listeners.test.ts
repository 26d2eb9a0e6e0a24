/** Listeners of any event, of those that leave, and `using`. */
import { describe, expect, test } from "vitest";
import { connectSocket, createHub, event } from "./fake-peer.ts";

describe("listeners of any event", () => {
  test("come in the order they were added or put first, and go", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const log: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((name) => () => void log.push(name)) as [
      () => void,
      () => void,
      () => void,
    ];
    socket.onAny(b).prependAny(a).onAny(c);
    expect(socket.listenersAny()).toEqual([a, b, c]);
    hub.receive(peer, event(["x"]));
    socket.offAny(b);
    hub.receive(peer, event(["x"]));
    socket.offAny();
    hub.receive(peer, event(["x"]));
    expect(log.join("")).toBe("abcac");
    expect(socket.listenersAny()).toEqual([]);
  });
});

describe("listeners of what is sent", () => {
  test("hear emits, broadcasts and volatile events, not answers nor joins", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const log: unknown[] = [];
    socket.onAnyOutgoing((...args) => log.push(["b", ...args]));
    socket.prependAnyOutgoing((...args) => log.push(["a", ...args]));
    socket.on("ask", () => "answer");
    socket.emit("x", 1);
    expect(log).toEqual([
      ["a", "x", 1],
      ["b", "x", 1],
    ]);
    log.length = 0;
    hub.sockets.emit("y");
    socket.volatile.emit("z");
    hub.receive(peer, event(["ask"], 1));
    expect(log.map((entry) => (entry as string[])[1])).toEqual(["y", "y", "z", "z"]);
  });

  test("go, and what they throw is reported", () => {
    const { hub, platform } = createHub();
    const { peer, socket } = connectSocket(hub);
    const bad = (): never => {
      throw new Error("thrown");
    };
    const unheard = (): void => expect.unreachable();
    socket.offAnyOutgoing().onAnyOutgoing(unheard).onAnyOutgoing(bad).offAnyOutgoing(unheard);
    expect(socket.listenersAnyOutgoing()).toEqual([bad]);
    socket.emit("x");
    socket.offAnyOutgoing();
    socket.emit("x");
    expect(platform.messages).toEqual(["thrown"]);
    expect(peer.lines.slice(1)).toEqual(['EVENT / ["x"]', 'EVENT / ["x"]']);
  });
});

test("a socket can be disposed of", () => {
  const { peer, socket } = connectSocket(createHub().hub);
  socket[Symbol.dispose]();
  expect(peer.lines[1]).toBe("DISCONNECT /");
});
