/** Every call of the driver in every state of a socket, seen from outside: what the application hears, what is sent. */
import { describe, expect, test } from "vitest";
import type { Hub } from "../../src/hub/hub.ts";
import { type SocketInput, type SocketState, socketTransitions } from "../../src/hub/socket-states.ts";
import { ack, connectPacket, createHub, disconnectPacket, event, FakePeer } from "./fake-peer.ts";

const states = ["joining", "joined", "opening", "open", "leaving", "left"] as const satisfies SocketState[];

const inputs: Record<string, (hub: Hub, peer: FakePeer) => void> = {
  join: (hub, peer) => hub.join(peer, "/", undefined),
  confirm: (hub, peer) => hub.confirm(peer),
  event: (hub, peer) => hub.receive(peer, event(["x", 1])),
  ack: (hub, peer) => hub.receive(peer, ack(99)),
  connect: (hub, peer) => hub.receive(peer, connectPacket("/")),
  disconnect: (hub, peer) => hub.receive(peer, disconnectPacket()),
  away: (hub, peer) => hub.away(peer),
  back: (hub, peer) => hub.back(peer),
  drain: (hub, peer) => hub.drain(peer),
  leave: (hub, peer) => hub.leave(peer, "transport close"),
  close: (hub) => hub.close(),
};

/** Brings a socket into a state, does something there, and tells what came of it until all has come to rest. */
function play(state: SocketState, input: (hub: Hub, peer: FakePeer) => void): string[] {
  const { hub, platform } = createHub();
  const peer = new FakePeer();
  const log: string[] = [];
  let isStaged = false;
  const act = (): void => {
    if (isStaged) return;
    isStaged = true;
    log.length = 0;
    peer.sent.length = 0;
    input(hub, peer);
  };
  let letIn = (): void => undefined;
  if (state === "joining") {
    hub.sockets.use((_socket, next) => {
      letIn = next;
    });
  }
  hub.sockets.on("connection", (socket) => {
    socket.on("x", () => log.push("x"));
    for (const name of ["away", "back", "drain"] as const) socket.on(name, () => log.push(name));
    socket.on("disconnecting", (reason) => {
      log.push(`disconnecting: ${reason}`);
      if (state === "leaving") act();
    });
    socket.on("disconnect", (reason) => log.push(`disconnect: ${reason}`));
    if (state === "opening") act();
    log.push("connection");
  });

  hub.join(peer, "/", undefined);
  if (state === "joining" || state === "joined") act();
  letIn();
  if (state !== "left" || !isStaged) hub.confirm(peer);
  if (state === "open") act();
  if (state === "leaving" || state === "left") hub.receive(peer, disconnectPacket());
  if (state === "left") act();
  expect(platform.errors).toEqual([]);
  return [...log, ...peer.lines, ...peer.closed];
}

const welcome = (id: number): string => `CONNECT / {"sid":"s${id}"}`;
const bye = "disconnect: client namespace disconnect";

/** `confirm` follows wherever it was not the input itself. */
const expected: Record<SocketState, Record<string, string[]>> = {
  joining: {
    join: ["connection", welcome(1)],
    confirm: ["connection", welcome(1)],
    event: ["connection", welcome(1)],
    ack: ["connection", welcome(1)],
    connect: ["connection", welcome(1)],
    disconnect: [],
    away: ["connection", welcome(1)],
    back: ["connection", welcome(1)],
    drain: ["connection", welcome(1)],
    leave: [],
    close: ["BW_SHUTDOWN"],
  },
  joined: {
    join: ["connection"],
    confirm: ["connection"],
    event: ["connection"],
    ack: ["connection"],
    connect: ["connection"],
    disconnect: [],
    away: ["connection"],
    back: ["connection"],
    drain: ["connection"],
    leave: [],
    close: ["BW_SHUTDOWN"],
  },
  opening: {
    join: ["connection"],
    confirm: ["connection"],
    event: ["connection"],
    ack: ["connection"],
    connect: ["connection"],
    disconnect: ["disconnecting: client namespace disconnect", bye, "connection"],
    away: ["connection"],
    back: ["connection"],
    drain: ["connection"],
    leave: ["disconnecting: transport close", "disconnect: transport close", "connection"],
    close: [
      "disconnecting: server shutting down",
      "disconnect: server shutting down",
      "connection",
      "BW_SHUTDOWN",
    ],
  },
  open: {
    join: [],
    confirm: [],
    event: ["x"],
    ack: [],
    connect: [],
    disconnect: ["disconnecting: client namespace disconnect", bye],
    away: ["away"],
    back: ["back"],
    drain: ["drain"],
    leave: ["disconnecting: transport close", "disconnect: transport close"],
    close: ["disconnecting: server shutting down", "disconnect: server shutting down", "BW_SHUTDOWN"],
  },
  leaving: {
    join: [bye],
    confirm: [bye],
    event: [bye],
    ack: [bye],
    connect: [bye],
    disconnect: [bye],
    away: [bye],
    back: [bye],
    drain: [bye],
    leave: [bye],
    close: [bye, "BW_SHUTDOWN"],
  },
  left: {
    join: ["connection", welcome(2)],
    confirm: [],
    event: [],
    ack: [],
    connect: ["connection", welcome(2)],
    disconnect: [],
    away: [],
    back: [],
    drain: [],
    leave: [],
    close: ["BW_SHUTDOWN"],
  },
};

describe("a socket", () => {
  for (const state of states) {
    test.each(Object.entries(inputs))(`${state}: %s`, (name, input) => {
      expect(play(state, input)).toEqual(expected[state][name]);
    });
  }
});

describe("socketTransitions", () => {
  test("every state can be reached, and every one can come to an end", () => {
    const reached = new Set<SocketState>(["joining"]);
    for (const state of reached)
      for (const next of Object.values(socketTransitions[state])) reached.add(next);
    expect([...reached].sort()).toEqual([...states].sort());

    const ends = new Set<SocketState>(["left"]);
    for (let turn = 0; turn < states.length; turn += 1) {
      for (const state of states) {
        if (Object.values(socketTransitions[state]).some((next) => ends.has(next))) ends.add(state);
      }
    }
    expect(ends.size).toBe(states.length);
  });

  test("a socket that may be heard can leave from where it is", () => {
    const withoutLeave = states.filter(
      (state) => !(("leave" satisfies SocketInput) in socketTransitions[state]),
    );
    expect(withoutLeave).toEqual(["leaving", "left"]);
  });
});
