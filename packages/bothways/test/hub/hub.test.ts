import { describe, expect, test } from "vitest";
import { connect, connectPacket, connectSocket, createHub, event, FakePeer, settled } from "./fake-peer.ts";

test.each(["/a,b", "/a\nb"])("of(%j) is refused: packets could not carry it", (name) => {
  expect(() => createHub().hub.of(name)).toThrow("BW_NAMESPACE");
});

describe("joining", () => {
  test("a known namespace is answered at once, with the socket's id", () => {
    const { hub } = createHub();
    const peer = new FakePeer();
    hub.join(peer, "/", undefined);
    expect(peer.lines).toEqual(['CONNECT / {"sid":"s1"}']);
  });

  test("an unknown one is refused in Socket.IO's words", () => {
    const { hub } = createHub();
    const peer = connect(hub, "/nowhere");
    expect(peer.lines).toEqual(['CONNECT_ERROR /nowhere {"message":"Invalid namespace"}']);
    hub.receive(peer, event(["x"], 1, "/nowhere"));
    expect(peer.sent).toHaveLength(1);
  });

  test.each(["/chat", "chat"])("of(%j)", (name) => {
    const { hub } = createHub();
    expect(hub.of(name)).toBe(hub.of("/chat"));
    expect(hub.of(name).name).toBe("/chat");
    expect(hub.of("/")).toBe(hub.sockets);
  });

  test("later joins come as packets, with auth", () => {
    const { hub } = createHub();
    hub.of("/chat").use((socket, next) => next(socket.handshake.auth.key === "k" ? null : new Error("no")));
    const peer = connect(hub);
    hub.receive(peer, connectPacket("/chat"));
    hub.receive(peer, connectPacket("/chat", { key: "k" }));
    expect(peer.lines.slice(1)).toEqual([
      'CONNECT_ERROR /chat {"message":"no"}',
      'CONNECT /chat {"sid":"s3"}',
    ]);
  });

  test("twice is once, while joining and when joined", async () => {
    const { hub } = createHub();
    let calls = 0;
    hub.sockets.use(async () => {
      calls += 1;
    });
    const peer = connect(hub);
    hub.join(peer, "/", undefined);
    await settled();
    hub.join(peer, "/", undefined);
    await settled();
    expect(calls).toBe(1);
    expect(peer.sent).toHaveLength(1);
  });

  test("one client has a limited number of namespaces, joining ones included (option: maxNamespacesPerPeer)", () => {
    const { hub } = createHub({ maxNamespacesPerPeer: 2 });
    hub.of("/a").use((_socket, _next) => undefined);
    hub.of("/b");
    const peer = connect(hub, "/", "/a", "/b");
    expect(peer.lines).toEqual([
      'CONNECT / {"sid":"s1"}',
      expect.stringMatching(/^CONNECT_ERROR \/b .*BW_NAMESPACE_LIMIT/),
    ]);
  });

  test("connection fires once confirmed and joined, `connect` first", async () => {
    const { hub } = createHub();
    const log: string[] = [];
    hub.sockets.use(async () => {
      await settled();
      log.push("middleware");
    });
    hub.sockets.on("connection", (socket) => {
      log.push(`connection ${socket.id}`);
    });
    hub.sockets.on("connect", (socket) => log.push(`connect ${socket.id}`));
    connect(hub);
    expect(log).toEqual([]);
    await settled();
    await settled();
    expect(log).toEqual(["middleware", "connect s1", "connection s1"]);
  });

  test("a refusal in middleware; the client may try again", () => {
    const { hub, platform } = createHub();
    let isOpen = false;
    hub.sockets.use((_socket, next) =>
      next(isOpen ? undefined : Object.assign(new Error("closed"), { data: { opens: 9 } })),
    );
    hub.sockets.on("connection", (socket) => {
      socket.on("disconnect", () => expect.unreachable());
    });
    const peer = connect(hub);
    isOpen = true;
    hub.join(peer, "/", undefined);
    expect(peer.lines).toEqual([
      'CONNECT_ERROR / {"message":"closed","data":{"opens":9}}',
      'CONNECT / {"sid":"s2"}',
    ]);
    expect(platform.errors).toEqual([]);
  });

  test("a client that left while middleware ran hears no more and is never heard of", async () => {
    const { hub } = createHub();
    hub.sockets.use(async () => settled());
    hub.sockets.on("connection", () => expect.unreachable());
    const peer = connect(hub);
    hub.leave(peer, "transport close");
    await settled();
    await settled();
    expect(peer.sent).toEqual([]);
    expect(hub.sockets.sockets.size).toBe(0);
    expect(hub.clientsCount).toBe(0);
  });

  test("nor is it refused any more", () => {
    const { hub } = createHub();
    let refuse = (_error: Error): void => undefined;
    hub.sockets.use((_socket, next) => {
      refuse = next;
    });
    const peer = connect(hub);
    hub.leave(peer, "transport close");
    refuse(new Error("no"));
    expect(peer.sent).toEqual([]);
  });

  test("a client that was never confirmed is never heard of", () => {
    const { hub } = createHub();
    hub.sockets.use((socket, next) => {
      socket.on("disconnecting", () => expect.unreachable()).on("disconnect", () => expect.unreachable());
      next();
    });
    hub.sockets.on("connection", () => expect.unreachable());
    const peer = new FakePeer();
    hub.join(peer, "/", undefined);
    expect(hub.sockets.sockets.size).toBe(1);
    hub.leave(peer, "session expired");
    expect(hub.sockets.sockets.size).toBe(0);
    expect(hub.sockets).toHaveProperty("index.size", 0);
  });

  test("middleware added while a join is under way is for later ones", () => {
    const { hub } = createHub();
    let letIn = (): void => undefined;
    hub.sockets.use((_socket, next) => {
      letIn = next;
    });
    const peer = connect(hub);
    hub.sockets.use((_socket, next) => next(new Error("no")));
    letIn();
    expect(peer.lines).toEqual(['CONNECT / {"sid":"s1"}']);
  });
});

describe("namespaces of one client", () => {
  test("are apart: events, rooms and disconnects", () => {
    const { hub } = createHub();
    hub.of("/chat");
    const peer = connect(hub, "/", "/chat");
    const [root] = hub.sockets.sockets.values();
    const [chat] = hub.of("/chat").sockets.values();
    const seen: unknown[] = [];
    root?.on("x", () => seen.push("/")).join("r");
    chat?.on("x", () => seen.push("/chat"));
    hub.receive(peer, event(["x"], undefined, "/chat"));
    hub.of("/chat").to("r").emit("y");
    chat?.disconnect();
    hub.receive(peer, event(["x"], undefined, "/chat"));
    hub.receive(peer, event(["x"]));
    expect(seen).toEqual(["/chat", "/"]);
    expect(peer.lines.slice(2)).toEqual(["DISCONNECT /chat"]);
    expect(root?.connected).toBe(true);
  });

  test("the session's fate is told to all that are open", () => {
    const { hub } = createHub();
    hub.of("/chat");
    const peer = connect(hub, "/", "/chat");
    const log: string[] = [];
    for (const namespace of [hub.sockets, hub.of("/chat")]) {
      for (const socket of namespace.sockets.values()) {
        for (const name of ["away", "back", "drain"] as const) socket.on(name, () => log.push(name));
        socket.on("disconnect", (reason) => log.push(reason));
      }
    }
    hub.away(peer);
    hub.back(peer);
    hub.drain(peer);
    hub.leave(peer, "ping timeout");
    hub.leave(peer, "transport close");
    expect(log).toEqual([
      ...["away", "away", "back", "back", "drain", "drain"],
      ...["ping timeout", "ping timeout"],
    ]);
  });
});

describe("strangers", () => {
  test("calls for a client that is not known do nothing", () => {
    const { hub, platform } = createHub();
    const peer = new FakePeer();
    hub.receive(peer, event(["x"]));
    hub.away(peer);
    hub.back(peer);
    hub.drain(peer);
    hub.leave(peer, "transport close");
    expect(hub.clientsCount).toBe(0);
    expect(peer.sent).toEqual([]);
    expect(platform.errors).toEqual([]);
  });

  test("a client may be confirmed before it joins anything", () => {
    const { hub } = createHub();
    const peer = new FakePeer();
    hub.confirm(peer);
    expect(hub.clientsCount).toBe(1);
    let isConnected = false;
    hub.sockets.on("connection", () => {
      isConnected = true;
    });
    hub.receive(peer, connectPacket("/"));
    expect(isConnected).toBe(true);
  });
});

describe("close", () => {
  test("disconnects every socket and ends every session, of clients without sockets too", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const idle = connect(hub, "/nowhere");
    const reasons: string[] = [];
    socket.on("disconnect", (reason) => reasons.push(reason));
    hub.close();
    expect(reasons).toEqual(["server shutting down"]);
    expect([peer.closed, idle.closed]).toEqual([["BW_SHUTDOWN"], ["BW_SHUTDOWN"]]);
    hub.leave(peer, "transport close");
    expect(reasons).toHaveLength(1);
  });

  test("for a reason of its caller's", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const reasons: string[] = [];
    socket.on("disconnect", (reason) => reasons.push(reason));
    hub.close("forced server close", "BW_CLOSED");
    expect(reasons).toEqual(["forced server close"]);
    expect(peer.closed).toEqual(["BW_CLOSED"]);
  });
});
