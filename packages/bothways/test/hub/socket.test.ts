import { describe, expect, test } from "vitest";
import type { BothwaysError } from "../../src/model/bothways-error.ts";
import { reservedEvents } from "../../src/model/events.ts";
import type { DisconnectReason } from "../../src/model/reasons.ts";
import {
  ack,
  ackError,
  connect,
  connectSocket,
  createHub,
  disconnectPacket,
  event,
  FakePeer,
  settled,
} from "./fake-peer.ts";

describe("what a socket knows", () => {
  test("handshake, identity, data and connection", () => {
    const { hub } = createHub();
    const peer = new FakePeer();
    hub.join(peer, "/", { token: "t" });
    hub.confirm(peer);
    const socket = hub.sockets.sockets.get("s1");
    expect(socket).toMatchObject({ id: "s1", connected: true, disconnected: false, recovered: false });
    expect(socket?.nsp).toBe(hub.sockets);
    expect(socket?.handshake).toEqual({ ...peer.handshake, auth: { token: "t" } });
    expect(socket?.handshake).toBe(socket?.handshake);
    expect(socket?.identity).toEqual({ user: "ada" });
    expect(socket?.conn.transport.name).toBe("websocket");
    peer.transport = "long-polling";
    peer.bufferedBytes = 7;
    expect(socket?.conn.transport.name).toBe("long-polling");
    expect(socket?.conn.bufferedBytes).toBe(7);
  });

  test.each([undefined, null, "token", 1, ["a"]])("auth %j is none", (auth) => {
    const { hub } = createHub();
    const peer = new FakePeer();
    hub.join(peer, "/", auth);
    expect(hub.sockets.sockets.get("s1")?.handshake.auth).toEqual({});
  });

  test("data begins empty, is kept and may be replaced", () => {
    const { socket } = connectSocket(createHub().hub);
    expect(socket.data).toEqual({});
    socket.data.name = "ada";
    expect(socket.data).toEqual({ name: "ada" });
    socket.data = { other: 1 };
    expect(socket.data).toEqual({ other: 1 });
  });
});

describe("emit", () => {
  test("sends an event and says whether there is room for more", () => {
    const { peer, socket } = connectSocket(createHub().hub);
    expect(socket.emit("chat", "hi", { a: 1 })).toBe(true);
    peer.hasRoom = false;
    expect(socket.emit("chat")).toBe(false);
    expect(peer.lines.slice(1)).toEqual(['EVENT / ["chat","hi",{"a":1}]', 'EVENT / ["chat"]']);
    expect(peer.last.id).toBeUndefined();
  });

  test("volatile goes its own way, acks included", () => {
    const { peer, socket } = connectSocket(createHub().hub);
    socket.volatile.emit("tick", 1);
    socket.timeout(5).volatile.emit("tick", () => undefined);
    socket.volatile.timeout(5).emit("tick", () => undefined);
    expect(peer.lines).toHaveLength(1);
    expect(peer.volatile.map(({ id }) => id)).toEqual([undefined, 1, 2]);
  });

  test.each([...reservedEvents])("%s is reserved", (name) => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const emits = [
      () => socket.emit(name),
      () => socket.emitWithAck(name),
      () => socket.volatile.emit(name),
      () => socket.timeout(1).emitWithAck(name),
      () => hub.sockets.emit(name),
      () => hub.sockets.to("a").emit(name),
    ];
    for (const emit of emits) expect(emit).toThrow(/^BW_RESERVED_EVENT: /);
    expect(peer.sent).toHaveLength(1);
  });

  test("nothing can be sent from middleware, and nothing is after the socket left", async () => {
    const { hub, platform } = createHub();
    hub.sockets.use((socket, next) => {
      socket.emit("early");
      next();
    });
    const refused = connect(hub);
    expect(platform.messages).toEqual([expect.stringMatching(/^BW_NOT_JOINED/)]);
    expect(refused.lines).toEqual([expect.stringMatching(/^CONNECT_ERROR .*BW_NOT_JOINED/)]);

    const { peer, socket } = connectSocket(createHub().hub);
    socket.disconnect();
    peer.sent.length = 0;
    expect(socket.emit("late")).toBe(false);
    expect(socket.emit("late", () => expect.unreachable())).toBe(false);
    await expect(socket.emitWithAck("late")).rejects.toMatchObject({ code: "BW_DISCONNECTED" });
    const errors: unknown[] = [];
    socket.timeout(5).emit("late", (error: BothwaysError | null) => errors.push(error?.code));
    expect(errors).toEqual(["BW_DISCONNECTED"]);
    expect(peer.sent).toEqual([]);
  });
});

describe("answers to the server", () => {
  test("a callback gets the arguments of the answer, once", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const answers: unknown[] = [];
    socket.emit("ask", 1, (...args: unknown[]) => answers.push(args));
    expect(peer.last).toMatchObject({ id: 1, data: ["ask", 1] });
    for (const packet of [ack(7, "stray"), ack(undefined, "none"), ack(1, "a", "b"), ack(1, "again")]) {
      hub.receive(peer, packet);
    }
    expect(answers).toEqual([["a", "b"]]);
  });

  test("a callback without timeout hears nothing of failures", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    socket.emit("ask", () => expect.unreachable());
    hub.receive(peer, ackError(1, { message: "no" }));
    socket.emit("ask", () => expect.unreachable());
    hub.leave(peer, "ping timeout");
  });

  test("after timeout() a callback gets null or an error first", () => {
    const { hub, platform } = createHub();
    const { peer, socket } = connectSocket(hub);
    const outcomes: unknown[] = [];
    const callback = (error: BothwaysError | null, ...answers: unknown[]): void => {
      outcomes.push([error?.code ?? null, ...answers]);
    };
    for (let id = 1; id <= 4; id += 1) socket.timeout(50).emit("ask", callback);
    expect([...platform.timers].map(({ ms }) => ms)).toEqual([50, 50, 50, 50]);
    hub.receive(peer, ack(1, "yes"));
    hub.receive(peer, ackError(2, { message: "no" }));
    [...platform.timers][0]?.fire();
    hub.receive(peer, ack(3, "too late"));
    hub.leave(peer, "transport close");
    expect(outcomes).toEqual([[null, "yes"], ["BW_ACK_REFUSED"], ["BW_ACK_TIMEOUT"], ["BW_DISCONNECTED"]]);
    expect(platform.timers.size).toBe(0);
  });

  test("emitWithAck resolves to the first argument, or rejects", async () => {
    const { hub, platform } = createHub();
    const { peer, socket } = connectSocket(hub);
    const answers = [
      socket.emitWithAck("ask"),
      socket.emitWithAck("ask"),
      socket.emitWithAck("ask"),
      socket.timeout(9).emitWithAck("ask"),
      socket.emitWithAck("ask"),
    ];
    hub.receive(peer, ack(1, "yes", "more"));
    hub.receive(peer, ackError(2, { message: "no", data: { a: 1 } }));
    hub.receive(peer, ackError(3, "nonsense"));
    platform.fireAll();
    hub.leave(peer, "transport close");
    const outcomes = await Promise.allSettled(answers);
    expect(outcomes).toMatchObject([
      { value: "yes" },
      { reason: { code: "BW_ACK_REFUSED", detail: "no", data: { a: 1 } } },
      { reason: { code: "BW_ACK_REFUSED", detail: undefined } },
      { reason: { code: "BW_ACK_TIMEOUT" } },
      { reason: { code: "BW_DISCONNECTED" } },
    ]);
  });

  test("acks are settled before `disconnect` is raised", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const log: string[] = [];
    socket.timeout(5).emit("ask", () => log.push("ack"));
    socket.on("disconnecting", () => log.push("disconnecting"));
    socket.on("disconnect", () => log.push("disconnect"));
    hub.leave(peer, "transport close");
    expect(log).toEqual(["disconnecting", "ack", "disconnect"]);
  });

  test("no more than maxAcks are awaited (option: maxAcks)", async () => {
    const { hub } = createHub({ maxAcks: 2 });
    const { peer, socket } = connectSocket(hub);
    socket.emit("ask", () => undefined);
    socket.emit("ask", () => undefined);
    expect(() => socket.emit("ask", () => undefined)).toThrow(/^BW_ACK_LIMIT/);
    await expect(socket.emitWithAck("ask")).rejects.toMatchObject({ code: "BW_ACK_LIMIT" });
    expect(peer.sent).toHaveLength(3);
    hub.receive(peer, ack(1));
    expect(socket.emit("ask", () => undefined)).toBe(true);
  });

  test("an event that cannot be encoded throws, and its answer is not awaited", async () => {
    const { hub } = createHub({ maxAcks: 1 });
    const { peer, socket } = connectSocket(hub);
    peer.refuses = () => true;
    expect(() => socket.emit("ask")).toThrow(TypeError);
    expect(() => socket.emit("ask", () => undefined)).toThrow(TypeError);
    await expect(socket.emitWithAck("ask")).rejects.toThrow(TypeError);
    peer.refuses = () => false;
    expect(socket.emit("ask", () => undefined)).toBe(true);
  });

  test("a callback that throws is reported", () => {
    const { hub, platform } = createHub();
    const { peer, socket } = connectSocket(hub);
    socket.emit("ask", () => {
      throw new Error("oops");
    });
    hub.receive(peer, ack(1));
    expect(platform.messages).toEqual(["oops"]);
  });
});

describe("rooms", () => {
  test("a socket is in its own room, and in those it joined until it left", () => {
    const { hub } = createHub();
    const { socket } = connectSocket(hub);
    socket.join(["a", "b"]);
    socket.join("a");
    expect([...socket.rooms]).toEqual(["s1", "a", "b"]);
    socket.leave("a");
    socket.leave("never");
    expect([...socket.rooms]).toEqual(["s1", "b"]);
    let rooms: string[] = [];
    socket.on("disconnecting", () => {
      socket.join("last");
      rooms = [...socket.rooms];
    });
    socket.disconnect();
    expect(rooms).toEqual(["s1", "b", "last"]);
    expect(socket.rooms.size).toBe(0);
    socket.join("too late");
    expect(socket.rooms.size).toBe(0);
    expect(hub.sockets).toHaveProperty("index.size", 0);
  });

  test("a socket may leave its own room", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    socket.leave(socket.id);
    hub.sockets.to(socket.id).emit("x");
    expect(peer.sent).toHaveLength(1);
    expect(hub.sockets).toHaveProperty("index.size", 0);
  });

  test("rooms joined in middleware count from the moment the client knows", async () => {
    const { hub } = createHub();
    let letIn = (): void => undefined;
    hub.sockets.use((socket, next) => {
      socket.join("lobby");
      letIn = next;
    });
    const peer = connect(hub);
    hub.sockets.to("lobby").emit("early");
    expect(await hub.sockets.to("lobby").emitWithAck("early")).toEqual([]);
    expect(peer.sent).toEqual([]);
    letIn();
    hub.sockets.to("lobby").emit("hello");
    expect(peer.lines).toEqual(['CONNECT / {"sid":"s1"}', 'EVENT / ["hello"]']);
    expect([...(hub.sockets.sockets.get("s1")?.rooms ?? [])].sort()).toEqual(["lobby", "s1"]);
  });

  test("a refused socket leaves no room behind", () => {
    const { hub } = createHub();
    hub.sockets.use((socket, next) => {
      socket.join("lobby");
      next(new Error("no"));
    });
    connect(hub);
    expect(hub.sockets).toHaveProperty("index.size", 0);
    expect(hub.sockets.sockets.size).toBe(0);
  });

  test("a room's name has a limit (option: maxRoomNameLength)", () => {
    const { hub } = createHub({ maxRoomNameLength: 3 });
    const { socket } = connectSocket(hub);
    expect(() => socket.join(["abc", "abcd"])).toThrow(/^BW_ROOM_NAME/);
    expect(socket.rooms.has("abc")).toBe(false);
    socket.join("abc");
    expect(socket.rooms.has("abc")).toBe(true);
  });
});

describe("disconnect", () => {
  test("leaves the namespace: the client is told first, the session goes on", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const log: string[] = [];
    const note = (name: string) => (reason: DisconnectReason) =>
      log.push(`${name} ${reason} ${socket.connected} ${peer.lines.at(-1)}`);
    socket.on("disconnecting", note("disconnecting")).on("disconnect", note("disconnect"));
    expect(socket.disconnect()).toBe(socket);
    socket.disconnect();
    expect(log).toEqual([
      "disconnecting server namespace disconnect true DISCONNECT /",
      "disconnect server namespace disconnect false DISCONNECT /",
    ]);
    expect(peer.lines).toHaveLength(2);
    expect(peer.closed).toEqual([]);
    expect(hub.sockets.sockets.size).toBe(0);
  });

  test("with close, every namespace and the session", () => {
    const { hub } = createHub();
    hub.of("/chat");
    const peer = connect(hub, "/", "/chat");
    const reasons: unknown[] = [];
    for (const name of ["/", "/chat"]) {
      for (const socket of hub.of(name).sockets.values()) {
        socket.on("disconnect", (reason) => reasons.push([name, reason]));
      }
    }
    hub.sockets.sockets.get("s1")?.disconnect(true);
    expect(reasons).toEqual([
      ["/", "server namespace disconnect"],
      ["/chat", "server namespace disconnect"],
    ]);
    expect(peer.closed).toEqual(["BW_CLOSED"]);
  });

  test("in middleware it refuses", () => {
    const { hub } = createHub();
    hub.sockets.use((socket, next) => {
      socket.disconnect();
      next();
    });
    const peer = connect(hub);
    expect(peer.lines).toEqual([expect.stringMatching(/^CONNECT_ERROR \/ .*BW_CONNECT_REFUSED/)]);
  });

  test("in a connection handler it spares the socket what waited", () => {
    const { hub } = createHub();
    const peer = new FakePeer();
    hub.sockets.on("connection", (socket) => {
      socket.on("x", () => expect.unreachable());
      socket.disconnect();
    });
    hub.join(peer, "/", undefined);
    hub.receive(peer, event(["x"]));
    hub.confirm(peer);
    expect(peer.lines).toEqual(['CONNECT / {"sid":"s1"}', "DISCONNECT /"]);
  });

  test("a client that left may join again, as somebody new", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    hub.receive(peer, disconnectPacket());
    hub.join(peer, "/", undefined);
    expect(socket.connected).toBe(false);
    expect([...hub.sockets.sockets.keys()]).toEqual(["s2"]);
  });
});

describe("errors of handlers", () => {
  test("go to the platform with where they were, and nothing else changes", async () => {
    const { hub, platform } = createHub();
    hub.sockets.on("connection", () => {
      throw new Error("in connection");
    });
    const { peer, socket } = connectSocket(hub);
    const seen: unknown[] = [];
    socket.on("x", () => {
      throw new Error("in x");
    });
    socket.on("x", () => Promise.reject(new Error("async in x")));
    socket.on("x", (value) => seen.push(value));
    socket.onAny(() => {
      throw new Error("in any");
    });
    socket.on("away", () => {
      throw new Error("in away");
    });
    hub.receive(peer, event(["x", 1]));
    hub.away(peer);
    await settled();
    expect(seen).toEqual([1]);
    expect(platform.messages).toEqual(["in connection", "in any", "in x", "in away", "async in x"]);
    expect(platform.errors.map(({ context }) => context.event)).toEqual([
      "connection",
      "x",
      "x",
      "away",
      "x",
    ]);
    expect(platform.errors.every(({ context }) => context.socket === "s1" && context.namespace === "/")).toBe(
      true,
    );
  });
});

describe("malformed and early packets", () => {
  test.each([undefined, null, "x", [], [1], { 0: "x" }])("event data %j is reported", (data) => {
    const { hub, platform } = createHub();
    const { peer } = connectSocket(hub);
    hub.receive(peer, event(data));
    expect(platform.messages).toEqual([expect.stringMatching(/^BW_PACKET/)]);
  });

  test("what comes before the socket is open is void", () => {
    const { hub, platform } = createHub();
    const seen: unknown[] = [];
    hub.sockets.on("connection", (socket) => socket.onAny((name) => seen.push(name)));
    const hasty = new FakePeer();
    hub.join(hasty, "/", undefined);
    for (const name of ["a", "b"]) hub.receive(hasty, event([name]));
    hub.confirm(hasty);
    hub.receive(hasty, event(["c"]));
    expect(seen).toEqual(["c"]);
    expect([hasty.closed, platform.messages]).toEqual([[], []]);
  });
});
