/** `socket.use`: functions between the events of a client and their handlers. */
import { describe, expect, test } from "vitest";
import type { Socket } from "../../src/hub/socket.ts";
import { ack, connectSocket, createHub, event, type FakePeer, settled } from "./fake-peer.ts";

function stage(
  limits = {},
): ReturnType<typeof createHub> & { peer: FakePeer; socket: Socket; log: unknown[] } {
  const { hub, platform } = createHub(limits);
  const { peer, socket } = connectSocket(hub);
  const log: unknown[] = [];
  peer.sent.length = 0;
  return { hub, platform, peer, socket, log };
}

const refusal = Object.assign(new Error("not you"), { data: { code: 7 } });

describe("socket.use", () => {
  test("lets events pass, in the order of the functions, and may change them", () => {
    const { hub, peer, socket, log } = stage();
    socket.use((data, next) => [log.push(`first ${data[0]}`), data.push("more"), next()]);
    socket.use(([, ...args], next) => [log.push(args), next()]);
    socket.onAny((...args) => log.push(["any", ...args]));
    socket.on("x", (...args) => log.push(args));
    hub.receive(peer, event(["x", 1]));
    expect(log).toEqual(["first x", [1, "more"], ["any", "x", 1, "more"], [1, "more"]]);
  });

  test("refuses the ack with the error's message and data, and raises error; nobody hears the event", () => {
    const { hub, peer, platform, socket, log } = stage();
    socket.use((_data, next) => next(refusal));
    socket.on("error", (error) => log.push(error));
    socket.on("x", () => expect.unreachable()).onAny(() => expect.unreachable());
    hub.receive(peer, event(["x"], 3));
    hub.receive(peer, event(["x"]));
    expect(peer.lines).toEqual(['ACK_ERROR / {"message":"not you","data":{"code":7}}']);
    expect(log).toEqual([refusal, refusal]);
    expect(platform.errors).toEqual([]);
  });

  test("without a listener of error tells onError", () => {
    const { hub, peer, platform, socket } = stage();
    socket.use((_data, next) => next(refusal));
    hub.receive(peer, event(["x"], 3));
    expect(platform.errors).toEqual([
      { error: refusal, context: { namespace: "/", socket: "s1", event: "x" } },
    ]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", async () => Promise.reject(new Error("secret"))],
  ])("that %s refuses, says no more, and is reported once", async (_what, middleware) => {
    const { hub, peer, platform, socket } = stage();
    socket.use(middleware);
    hub.receive(peer, event(["x"], 3));
    await settled();
    expect(peer.lines).toEqual(['ACK_ERROR / {"message":"internal error"}']);
    expect(platform.messages).toEqual(["secret"]);
  });

  test("makes an error of what else is thrown", () => {
    const { hub, peer, socket, log } = stage();
    socket.use(() => {
      throw "words";
    });
    socket.on("error", (error) => log.push(error));
    hub.receive(peer, event(["x"]));
    expect(log).toEqual([new Error("words")]);
  });

  test("makes `error` the socket's own: no client may send it", () => {
    const { hub, peer, socket } = stage();
    socket.use((_data, next) => next());
    socket.on("error", () => expect.unreachable());
    hub.receive(peer, event(["error"], 1));
    expect(peer.lines).toEqual([expect.stringMatching(/^ACK_ERROR .*BW_RESERVED_EVENT/)]);
  });

  test("keeps the order of events, also where one takes its time; answers do not wait", async () => {
    const { hub, peer, socket, log } = stage();
    const passes: (() => void)[] = [];
    socket.use(([event], next) => (event === "slow" ? passes.push(next) : next()));
    for (const name of ["slow", "fast"]) socket.on(name, (value) => log.push(`${name} ${value}`));
    socket.emit("ask", () => log.push("answer"));
    for (const data of [
      ["slow", 1],
      ["fast", 2],
      ["slow", 3],
      ["fast", 4],
    ])
      hub.receive(peer, event(data));
    hub.receive(peer, ack(1));
    expect(log).toEqual(["answer"]);
    passes[0]?.();
    expect(log).toEqual(["answer", "slow 1", "fast 2"]);
    passes[1]?.();
    expect(log.slice(3)).toEqual(["slow 3", "fast 4"]);
  });

  test("passes nothing to a socket that left", () => {
    const { hub, peer, socket } = stage();
    let pass = (): void => undefined;
    let asked = 0;
    socket.use((_data, next) => {
      asked += 1;
      pass = next;
    });
    socket.on("x", () => expect.unreachable());
    hub.receive(peer, event(["x"]));
    hub.receive(peer, event(["x"]));
    hub.leave(peer, "transport close");
    pass();
    expect(asked).toBe(1);
  });

  test("lets no more than maxWaitingEvents wait: the client is disconnected", () => {
    const { hub, peer, platform, socket, log } = stage({ maxWaitingEvents: 2 });
    socket.use((_data, _next) => undefined);
    socket.on("disconnect", (reason) => log.push(reason));
    for (let count = 0; count < 3; count += 1) hub.receive(peer, event(["x"]));
    expect(log).toEqual([]);
    hub.receive(peer, event(["x"]));
    expect(log).toEqual(["overflow"]);
    expect(peer.closed).toEqual(["BW_EVENTS_WAITING"]);
    expect(platform.messages).toEqual([expect.stringMatching(/^BW_EVENTS_WAITING/)]);
  });
});
