/** Users in rooms: docs/guide/presence.md. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Presence } from "../../src/hub/presence.ts";
import type { Socket } from "../../src/hub/socket.ts";
import { connect, connectSocket, createHub, type Stage } from "./fake-peer.ts";

/** A namespace that counts by `data.user`, and the changes it tells. */
function stage(): Stage & { presence: Presence<Socket>; log: string[]; enter: (user?: string) => Socket } {
  const { hub, platform } = createHub();
  const presence = hub.sockets.presence({ key: ({ data }) => data.user, data: ({ data }) => data.tab });
  const log: string[] = [];
  presence.on("join", ({ room, key, data }) => log.push(`+ ${room} ${key} ${data}`));
  presence.on("leave", ({ room, key, data }) => log.push(`- ${room} ${key} ${data}`));
  let tab = 0;
  const enter = (user?: string): Socket => {
    const { socket } = connectSocket(hub);
    tab += 1;
    Object.assign(socket.data, { user, tab });
    socket.join("r");
    return socket;
  };
  return { hub, platform, presence, log, enter };
}

describe("presence", () => {
  test("counts a user once, tells of the first socket and the last, by leaving or by disconnecting", async () => {
    const { presence, log, enter } = stage();
    const [one, two] = [enter("ada"), enter("ada")];
    enter("bob");
    expect(await presence.who("r")).toEqual([
      { key: "ada", count: 2, data: 2 },
      { key: "bob", count: 1, data: 3 },
    ]);
    two.leave("r");
    two.leave("r");
    expect(await presence.who("r")).toMatchObject([{ key: "ada", count: 1, data: 1 }, {}]);
    one.disconnect();
    expect(log).toEqual(["+ r ada 1", "+ r bob 3", "- r ada 1"]);
    expect(await presence.who("r")).toEqual([{ key: "bob", count: 1, data: 3 }]);
    expect(await presence.who("nowhere")).toEqual([]);
  });

  test("counts rooms apart, and not the socket's own; entering twice is once", async () => {
    const { presence, log, enter } = stage();
    const socket = enter("ada");
    socket.join(["r", "s"]);
    expect(await presence.who(socket.id)).toEqual([]);
    expect(log).toEqual(["+ r ada 1", "+ s ada 1"]);
    socket.disconnect();
    expect(log.slice(2).sort()).toEqual(["- r ada 1", "- s ada 1"]);
  });

  test("asks for the key once: a user who changes it meanwhile leaves as the one who came", () => {
    const { log, enter } = stage();
    const socket = enter("ada");
    socket.data.user = "eve";
    socket.leave("r");
    socket.join("r");
    expect(log).toEqual(["+ r ada 1", "- r ada 1", "+ r ada 1"]);
  });

  test("does not count who has no key, nor who had none when it entered", async () => {
    const { presence, log, enter } = stage();
    const socket = enter();
    socket.data.user = "late";
    socket.leave("r");
    expect(log).toEqual([]);
    expect(await presence.who("r")).toEqual([]);
  });

  test("knows sockets that joined before it began, and rooms entered in middleware", async () => {
    const { hub } = createHub();
    hub.sockets.use((socket, next) => [socket.join("early"), next()]);
    const { socket } = connectSocket(hub);
    socket.join("r");
    const first = hub.sockets.presence({ key: (each) => each.id });
    expect(await first.who("r")).toEqual([{ key: socket.id, count: 1, data: undefined }]);
    const second = connectSocket(hub).socket;
    expect((await first.who("early")).map(({ key }) => key)).toEqual([socket.id, second.id]);
  });

  test("the one who joins hears of it, after it was told that it joined; the one who leaves does not", () => {
    const { hub } = createHub();
    hub.sockets.use((socket, next) => [socket.join("r"), next()]);
    const presence = hub.sockets.presence({ key: (socket) => socket.id });
    presence.on("join", ({ room, key }) => hub.sockets.to(room).emit("joined", key));
    presence.on("leave", ({ room, key }) => hub.sockets.to(room).emit("left", key));
    const [one, two] = [connectSocket(hub), connectSocket(hub)];
    two.socket.leave("r");
    expect(one.peer.lines.slice(1)).toEqual([
      'EVENT / ["joined","s1"]',
      'EVENT / ["joined","s2"]',
      'EVENT / ["left","s2"]',
    ]);
    expect(two.peer.lines).toEqual(['CONNECT / {"sid":"s2"}', 'EVENT / ["joined","s2"]']);
  });

  test("a listener may disconnect the one who joins; nothing of it stays", async () => {
    const { hub, presence, enter } = stage();
    presence.on("join", ({ room }) => hub.sockets.in(room).disconnectSockets());
    const socket = enter("ada");
    socket.join(["a", "b"]);
    expect(socket.connected).toBe(false);
    expect(hub.sockets).toHaveProperty("index.size", 0);
    expect(await presence.who("r")).toEqual([]);
  });

  test("also while its rooms of middleware are entered", () => {
    const { hub } = createHub();
    hub.sockets.use((socket, next) => [socket.join(["a", "b"]), next()]);
    const presence = hub.sockets.presence({ key: (socket) => socket.id });
    presence.on("join", () => hub.sockets.disconnectSockets());
    const peer = connect(hub);
    expect(peer.lines).toEqual(['CONNECT / {"sid":"s1"}', "DISCONNECT /"]);
    expect(hub.sockets).toHaveProperty("index.size", 0);
  });

  test("what the application's functions throw is reported, and harms nobody", async () => {
    const { hub, platform } = createHub();
    const presence = hub.sockets.presence({
      key: ({ data }) => (data.user === "bad" ? raise("key") : data.user),
      data: () => raise("data"),
    });
    presence.on("join", () => raise("listener"));
    for (const user of ["bad", "ada"]) {
      const { socket } = connectSocket(hub);
      socket.data.user = user;
      socket.join("r");
      expect(socket.rooms).toContain("r");
    }
    expect(await presence.who("r")).toEqual([{ key: "ada", count: 1, data: undefined }]);
    expect(platform.messages).toEqual(["key", "data", "listener", "data"]);
  });

  test("is what the sockets in the room say, and every change is told once", async () => {
    const user = fc.constantFrom("ada", "bob");
    const step = fc.tuple(fc.constantFrom("enter", "leave", "disconnect"), fc.nat(5), user);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { presence, log, enter } = stage();
        const sockets: Socket[] = [];
        for (const [what, index, user] of steps) {
          if (what === "enter") sockets.push(enter(user));
          else if (what === "leave") sockets[index]?.leave("r");
          else sockets[index]?.disconnect();
        }
        const inside = sockets.filter((socket) => socket.connected && socket.rooms.has("r"));
        for (const key of ["ada", "bob"]) {
          const count = inside.filter(({ data }) => data.user === key).length;
          const present = (await presence.who("r")).find((each) => each.key === key);
          expect(present?.count ?? 0).toBe(count);
          const signs = log.filter((line) => line.includes(key)).map((line) => line[0]);
          expect(signs.join("")).toMatch(/^(\+-)*\+?$/);
          expect(signs.at(-1) === "+").toBe(count > 0);
        }
      }),
    );
  });
});

function raise(message: string): never {
  throw new Error(message);
}
