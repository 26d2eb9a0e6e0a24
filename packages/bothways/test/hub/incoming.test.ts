/** How events of the client are answered. */
import { describe, expect, test } from "vitest";
import { BothwaysError } from "../../src/model/bothways-error.ts";
import type { Listener, Untyped } from "../../src/model/events.ts";
import { connectSocket, createHub, event, settled } from "./fake-peer.ts";

type Callback = (...answers: unknown[]) => void;

/** Sends `["ask", 1]` with an id; returns the packets that answered. */
async function ask(...handlers: Listener[]): Promise<{ lines: string[]; reported: string[] }> {
  const { hub, platform } = createHub();
  const { peer, socket } = connectSocket(hub);
  for (const handler of handlers) socket.on("ask", handler);
  hub.receive(peer, event(["ask", 1], 5));
  await settled();
  expect(peer.sent.slice(1).every(({ id, namespace }) => id === 5 && namespace === "/")).toBe(true);
  return { lines: peer.lines.slice(1), reported: platform.messages };
}

const internal = 'ACK_ERROR / {"message":"internal error"}';

const cases: [string, Listener[], string[]][] = [
  [
    "by the callback",
    [(value: number, callback: Callback) => callback(value + 1, "more")],
    ['ACK / [2,"more"]'],
  ],
  ["by the callback, without arguments", [(_value: number, callback: Callback) => callback()], ["ACK / []"]],
  [
    "by the callback, later",
    [(_value: number, callback: Callback) => void Promise.resolve(1).then(callback)],
    ["ACK / [1]"],
  ],
  ["by a value", [(value: number) => value + 1], ["ACK / [2]"]],
  ["by null", [() => null], ["ACK / [null]"]],
  ["by a promise", [async (value: number) => value + 1], ["ACK / [2]"]],
  ["by a promise of nothing", [async () => undefined], ["ACK / [null]"]],
  ["undefined is no answer", [() => undefined], []],
  ["what a handler with the callback returns is no answer", [(_value: number, _callback: Callback) => 7], []],
  ["nor is its promise", [async (_value: number, _callback: Callback) => 7], []],
  ["rest parameters find the callback", [(...args: Untyped[]) => args.at(-1)?.("rest")], ['ACK / ["rest"]']],
  ["the first answer wins", [() => "a", () => "b"], ['ACK / ["a"]']],
  [
    "also among one handler's",
    [
      (_value: number, callback: Callback) => {
        callback(1);
        callback(2);
        throw new Error("late");
      },
    ],
    ["ACK / [1]"],
  ],
  [
    "a throw refuses",
    [
      () => {
        throw new Error("secret");
      },
    ],
    [internal],
  ],
  ["a rejection refuses", [() => Promise.reject(new Error("secret"))], [internal]],
  ["a thrown string refuses", [() => Promise.reject("secret")], [internal]],
  [
    "an error with data is meant for the peer",
    [() => Promise.reject(Object.assign(new Error("too long"), { data: { max: 3 } }))],
    ['ACK_ERROR / {"message":"too long","data":{"max":3}}'],
  ],
  [
    "so is our own",
    [() => Promise.reject(new BothwaysError("BW_ACK_TIMEOUT"))],
    ['ACK_ERROR / {"message":"BW_ACK_TIMEOUT: the answer did not come in time"}'],
  ],
  ["no handler", [], ['ACK_ERROR / {"message":"no handler"}']],
];

describe("an event that waits for an answer", () => {
  test.each(cases)("%s", async (_name, handlers, expected) => {
    expect((await ask(...handlers)).lines).toEqual(expected);
  });

  test("errors are reported, too", async () => {
    expect((await ask(() => Promise.reject(new Error("secret")))).reported).toEqual(["secret"]);
    expect((await ask()).reported).toEqual([]);
  });

  test("a handler of once can answer by what it returns", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    socket.once("ask", (value: number) => value * 2);
    hub.receive(peer, event(["ask", 4], 0));
    hub.receive(peer, event(["ask", 4], 1));
    expect(peer.lines.slice(1)).toEqual(["ACK / [8]", 'ACK_ERROR / {"message":"no handler"}']);
  });

  test("one that listens to any event may answer, by the callback only", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const seen: unknown[] = [];
    socket.onAny((...args: Untyped[]) => {
      seen.push(args.slice(0, 2));
      if (args[0] === "ask") args.at(-1)("any");
      return 7;
    });
    hub.receive(peer, event(["ask", 1], 5));
    hub.receive(peer, event(["other", 2], 6));
    hub.receive(peer, event(["plain", 3]));
    expect(seen).toEqual([
      ["ask", 1],
      ["other", 2],
      ["plain", 3],
    ]);
    expect(peer.lines.slice(1)).toEqual(['ACK / ["any"]']);
  });

  test("without an id there is no callback, and nothing is answered", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const seen: unknown[] = [];
    socket.on("tell", (...args: unknown[]) => {
      seen.push(args);
      return 1;
    });
    hub.receive(peer, event(["tell", 1]));
    await settled();
    expect(seen).toEqual([[1]]);
    expect(peer.sent).toHaveLength(1);
  });

  test("handlers are called on the socket", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    let self: unknown;
    socket.on("tell", function (this: unknown) {
      self = this;
    });
    hub.receive(peer, event(["tell"]));
    expect(self).toBe(socket);
  });

  test("an answer that cannot be encoded refuses", async () => {
    const { hub, platform } = createHub();
    const { peer, socket } = connectSocket(hub);
    peer.refuses = ({ data }) => Array.isArray(data);
    socket.on("ask", async () => 1n);
    hub.receive(peer, event(["ask"], 5));
    await settled();
    expect(peer.lines.slice(1)).toEqual([internal]);
    expect(platform.messages).toEqual(["cannot be encoded"]);
  });

  test("nothing is answered after the socket left", async () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    socket.on("ask", async () => {
      socket.disconnect();
      return 1;
    });
    hub.receive(peer, event(["ask"], 5));
    await settled();
    expect(peer.lines.slice(1)).toEqual(["DISCONNECT /"]);
  });

  test.each(["connect", "disconnect", "disconnecting", "away", "gap"])(
    "%s is refused and reported, and no handler hears it",
    (name) => {
      const { hub, platform } = createHub();
      const { peer, socket } = connectSocket(hub);
      socket.on(name, () => expect.unreachable());
      socket.onAny(() => expect.unreachable());
      hub.receive(peer, event([name], 5));
      hub.receive(peer, event([name]));
      expect(peer.lines.slice(1)).toEqual([expect.stringMatching(/^ACK_ERROR .*BW_RESERVED_EVENT/)]);
      expect(platform.messages).toHaveLength(2);
    },
  );

  test.each(["error", "__proto__", "newListener", ""])("%j is an event like any other", (name) => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    socket.on(name, (value: number) => value);
    hub.receive(peer, event([name, 3], 5));
    socket.emit(name, 4);
    expect(peer.lines.slice(1)).toEqual(["ACK / [3]", `EVENT / [${JSON.stringify(name)},4]`]);
  });
});
