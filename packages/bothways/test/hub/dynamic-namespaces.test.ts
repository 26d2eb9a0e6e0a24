/** Namespaces that clients name and the application allows by a pattern or a function. */
import { describe, expect, test } from "vitest";
import type { NamespaceTest } from "../../src/hub/parent-namespace.ts";
import {
  connect,
  connectPacket,
  createHub,
  disconnectPacket,
  event,
  FakePeer,
  settled,
} from "./fake-peer.ts";

const invalid = (name: string): string => `CONNECT_ERROR ${name} {"message":"Invalid namespace"}`;

/** Which names a parent made of `test` lets in. */
async function verdict(pattern: RegExp | NamespaceTest, name: string): Promise<boolean> {
  const { hub } = createHub();
  hub.of(pattern);
  const peer = connect(hub, name);
  await settled();
  return peer.last.type === 0;
}

const cases: [string, RegExp | NamespaceTest, string, boolean][] = [
  ["a pattern that matches", /^\/room-\d+$/, "/room-1", true],
  ["one that does not", /^\/room-\d+$/, "/room-x", false],
  ["a function that allows", (_name, _auth, next) => next(null, true), "/a", true],
  ["one that does not", (_name, _auth, next) => next(null, false), "/a", false],
  ["one that says nothing of it", (_name, _auth, next) => next(null), "/a", false],
  ["one that gives an error", (_name, _auth, next) => next(new Error("no"), true), "/a", false],
  [
    "one that says two things: the first counts",
    (_n, _a, next) => [next(null, false), next(null, true)],
    "/a",
    false,
  ],
  [
    "one that takes its time",
    (_n, _a, next) => void Promise.resolve().then(() => next(null, true)),
    "/a",
    true,
  ],
  ["a name that no packet can carry", /./, "/a,b", false],
  ["a name without a slash", /./, "a", false],
  ["a name of 255 units", /./, `/${"a".repeat(254)}`, true],
  ["a longer one", /./, `/${"a".repeat(255)}`, false],
];

describe("a client is let into", () => {
  test.each(cases)("%s", async (_what, pattern, name, isAllowed) => {
    expect(await verdict(pattern, name)).toBe(isAllowed);
  });

  test("what a global pattern allows, each time", () => {
    const { hub } = createHub();
    hub.of(/room/g);
    for (let turn = 0; turn < 3; turn += 1) expect(connect(hub, "/room").last.type).toBe(0);
  });

  test("what the first word says, while the next parent is still thinking", () => {
    const { hub } = createHub();
    const answers: boolean[] = [false, true];
    const hasty = hub.of((_name, _auth, next) => {
      for (const answer of answers) next(null, answer);
    });
    hub.of(() => undefined);
    expect(connect(hub, "/a").sent).toEqual([]);
    expect(hasty.children.size).toBe(0);
  });

  test("nothing more than it was, where a function throws or rejects", async () => {
    const { hub, platform } = createHub();
    hub.of(() => {
      throw new Error("thrown");
    });
    hub.of(async () => Promise.reject(new Error("rejected")));
    const peer = connect(hub, "/a");
    await settled();
    expect(peer.lines).toEqual([invalid("/a")]);
    expect(platform.messages).toEqual(["thrown", "rejected"]);
  });

  test("the child of the first parent that allows it; the function gets the client's auth", () => {
    const { hub } = createHub();
    const seen: unknown[] = [];
    hub.of((name, auth, next) => {
      seen.push(name, auth);
      next(null, false);
    });
    const [first, second] = [hub.of(/a/), hub.of(/a/)];
    hub.join(new FakePeer(), "/a", { token: 1 });
    expect(seen).toEqual(["/a", { token: 1 }]);
    expect([first.children.size, second.children.size]).toEqual([1, 0]);
  });
});

describe("a child", () => {
  test("has its parent's listeners and middleware before its own, those added later too", () => {
    const { hub } = createHub();
    const log: string[] = [];
    const parent = hub.of(/a/, (socket) => log.push(`parent: ${socket.nsp.name}`));
    const child = hub.of("/a");
    expect(parent.children).toContain(child);
    child.use((_socket, next) => [log.push("child guards"), next()]);
    child.on("connection", () => log.push("child"));
    parent.use((_socket, next) => [log.push("parent guards"), next()]);
    parent.on("connect", () => log.push("connect"));
    connect(hub, "/a");
    expect(log).toEqual(["parent guards", "child guards", "connect", "parent: /a", "child"]);
  });

  test("may be refused by the parent's middleware, and ends at once", () => {
    const { hub } = createHub();
    const parent = hub.of(/a/).use((_s, next) => next(Object.assign(new Error("no"), { data: { code: 1 } })));
    expect(connect(hub, "/a").lines).toEqual(['CONNECT_ERROR /a {"message":"no","data":{"code":1}}']);
    expect(parent.children.size).toBe(0);
  });

  test("is announced once, as all namespaces are but the default one", () => {
    const { hub } = createHub();
    const names: string[] = [];
    hub.sockets.on("new_namespace", (namespace) => names.push(namespace.name));
    hub.of("/static");
    hub.of("/static");
    hub.of(/dynamic/);
    connect(hub, "/dynamic");
    connect(hub, "/dynamic");
    expect(names).toEqual(["/static", "/dynamic"]);
  });

  test("ends with its last socket, joining or joined, and is made anew", () => {
    const { hub } = createHub();
    const parent = hub.of(/a/);
    const [one, other] = [connect(hub, "/a"), connect(hub, "/a")];
    const child = hub.of("/a");
    hub.receive(one, disconnectPacket("/a"));
    expect(hub.of("/a")).toBe(child);
    hub.leave(other, "transport close");
    expect(parent.children.size).toBe(0);
    connect(hub, "/a");
    expect(parent.children).not.toContain(child);
  });

  test("is still there for its last socket's listeners of disconnect", () => {
    const { hub } = createHub();
    const seen: unknown[] = [];
    hub
      .of(/a/)
      .on("connection", (socket) => socket.on("disconnect", () => seen.push(hub.of("/a") === socket.nsp)));
    hub.leave(connect(hub, "/a"), "transport close");
    expect(seen).toEqual([true]);
  });

  test("stays where that is wished, and a namespace of the application's own always does (option: cleanupEmptyChildNamespaces)", () => {
    const { hub } = createHub({ cleanupEmptyChildNamespaces: false });
    const parent = hub.of(/a/);
    hub.leave(connect(hub, "/a"), "transport close");
    expect(parent.children.size).toBe(1);
    const own = hub.of("/own");
    hub.leave(connect(hub, "/own"), "transport close");
    expect(hub.of("/own")).toBe(own);
  });

  test("hears what is said to all children", () => {
    const { hub } = createHub();
    const parent = hub.of(/a|b/);
    const peers = [connect(hub, "/a"), connect(hub, "/b"), connect(hub)];
    expect(parent.emit("x", 1)).toBe(true);
    expect(peers.map((peer) => peer.lines[1])).toEqual(['EVENT /a ["x",1]', 'EVENT /b ["x",1]', undefined]);
    for (const peer of peers) peer.hasRoom = false;
    expect(parent.emit("x", 1)).toBe(false);
  });
});

describe("strangers who name namespaces", () => {
  test("get no more than the limit of one client, those under judgement counted", () => {
    const { hub } = createHub({ maxNamespacesPerPeer: 3 });
    hub.of(() => undefined);
    const peer = new FakePeer();
    for (let index = 0; index < 5; index += 1) hub.receive(peer, connectPacket(`/n${index}`));
    hub.receive(peer, connectPacket("/n0"));
    expect(peer.lines).toEqual([
      expect.stringMatching(/^CONNECT_ERROR \/n3 .*BW_NAMESPACE_LIMIT/),
      expect.stringMatching(/^CONNECT_ERROR \/n4 .*BW_NAMESPACE_LIMIT/),
    ]);
  });

  test("may not be longer than allowed (option: maxNamespaceNameLength)", () => {
    const { hub } = createHub({ maxNamespaceNameLength: 3 });
    hub.of(/./);
    const peers = ["/ab", "/abc"].map((name) => connect(hub, name));
    expect(peers.map((peer) => peer.last.type)).toEqual([0, 4]);
  });

  test("leave nothing behind", () => {
    const { hub } = createHub();
    const parent = hub.of(/./);
    for (let index = 0; index < 1000; index += 1) hub.leave(connect(hub, `/n${index}`), "transport close");
    expect(parent.children.size).toBe(0);
  });

  test("and all together no more than maxChildNamespaces; those that exist are open (option: maxChildNamespaces)", () => {
    const { hub } = createHub({ maxChildNamespaces: 2 });
    const parent = hub.of(/./);
    const peers = ["/a", "/b", "/c", "/a"].map((name) => connect(hub, name));
    expect(peers.map((peer) => peer.last.type)).toEqual([0, 0, 4, 0]);
    expect(peers[2]?.lines).toEqual([expect.stringMatching(/BW_NAMESPACE_LIMIT/)]);
    expect(parent.children.size).toBe(2);
    hub.leave(peers[1] as FakePeer, "transport close");
    expect(connect(hub, "/c").last.type).toBe(0);
  });

  test("may take a wish back while it is judged, or leave", () => {
    const { hub } = createHub();
    const answers: (() => void)[] = [];
    const parent = hub.of((_name, _auth, next) => answers.push(() => next(null, true)));
    const [back, gone, stays] = [connect(hub, "/a"), connect(hub, "/a"), connect(hub, "/a")];
    hub.receive(back, event(["too early"], undefined, "/a"));
    hub.away(back);
    hub.receive(back, disconnectPacket("/a"));
    hub.leave(gone, "transport close");
    for (const answer of answers) answer();
    expect([back.lines, gone.lines]).toEqual([[], []]);
    expect(stays.last.type).toBe(0);
    expect(parent.children.size).toBe(1);
  });

  test("are let into what came to be while they waited", () => {
    const { hub } = createHub();
    let refuse = (): void => undefined;
    hub.of((_name, _auth, next) => {
      refuse = () => next(null, false);
    });
    const peer = connect(hub, "/a");
    hub.of("/a");
    refuse();
    expect(peer.last.type).toBe(0);
  });
});
