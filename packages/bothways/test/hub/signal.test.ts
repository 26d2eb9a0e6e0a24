/** `signal(abortSignal)`: a wait for an answer that the application ends. */
import { describe, expect, test } from "vitest";
import type { BothwaysError } from "../../src/model/bothways-error.ts";
import type { BroadcastError } from "../../src/model/events.ts";
import { ack, connectSocket, createHub } from "./fake-peer.ts";

/** A signal that tells who listens to it. */
function createSignal(): { signal: AbortSignal; abort: () => void; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (type: string, listener: EventListenerOrEventListenerObject) => {
    count += 1;
    add(type, listener);
  };
  signal.removeEventListener = (type: string, listener: EventListenerOrEventListenerObject) => {
    count -= 1;
    remove(type, listener);
  };
  return { signal, abort: () => controller.abort(new Error("enough")), listeners: () => count };
}

describe("one socket", () => {
  test("rejects at once, frees the place, and ignores what comes later", async () => {
    const { hub } = createHub({ maxAcks: 1 });
    const { peer, socket } = connectSocket(hub);
    const { signal, abort, listeners } = createSignal();
    const answer = socket.signal(signal).emitWithAck("ask");
    expect(socket).toHaveProperty("acks.isFull", true);
    abort();
    expect(socket).toHaveProperty("acks.isFull", false);
    await expect(answer).rejects.toMatchObject({ code: "BW_ABORTED", cause: new Error("enough") });
    expect(listeners()).toBe(0);
    hub.receive(peer, ack(1, "late"));
  });

  test("lets the signal go when the answer comes, the timeout is over, the socket leaves or the event cannot be sent", async () => {
    const { hub, platform } = createHub();
    const { peer, socket } = connectSocket(hub);
    const { signal, listeners } = createSignal();
    const outcomes = [1, 2, 3].map((ms) =>
      socket
        .timeout(ms)
        .signal(signal)
        .emitWithAck("ask")
        .catch((e) => e.code),
    );
    expect(listeners()).toBe(3);
    hub.receive(peer, ack(1, "yes"));
    [...platform.timers][0]?.fire();
    hub.leave(peer, "transport close");
    expect(await Promise.all(outcomes)).toEqual(["yes", "BW_ACK_TIMEOUT", "BW_DISCONNECTED"]);
    const other = connectSocket(hub);
    other.peer.refuses = () => true;
    expect(() =>
      other.socket
        .timeout(1)
        .signal(signal)
        .emit("ask", () => expect.unreachable()),
    ).toThrow(TypeError);
    expect([listeners(), platform.timers.size]).toEqual([0, 0]);
  });

  test("a callback gets the error, or null, first", () => {
    const { hub } = createHub();
    const { peer, socket } = connectSocket(hub);
    const { signal, abort } = createSignal();
    const seen: unknown[] = [];
    const callback = (error: BothwaysError | null, answer: unknown): unknown =>
      seen.push(error?.code ?? null, answer);
    socket.signal(signal).emit("ask", callback);
    socket.volatile.signal(signal).emit("ask", callback);
    hub.receive(peer, ack(1, "yes"));
    abort();
    expect(seen).toEqual([null, "yes", "BW_ABORTED", undefined]);
  });

  test("nothing is sent where the signal is aborted already; what awaits no answer does not ask it", async () => {
    const { peer, socket } = connectSocket(createHub().hub);
    const { signal, abort } = createSignal();
    abort();
    peer.sent.length = 0;
    await expect(socket.signal(signal).emitWithAck("ask")).rejects.toMatchObject({ code: "BW_ABORTED" });
    expect(() => socket.signal(signal).emit("ask", () => expect.unreachable())).toThrow(/BW_ABORTED/);
    expect(peer.sent).toEqual([]);
    expect(socket.signal(signal).emit("tell")).toBe(true);
  });
});

describe("a broadcast", () => {
  test("rejects with the answers that came, and waits for nobody", async () => {
    const { hub } = createHub({ maxAcks: 1 });
    const [one, two] = [connectSocket(hub), connectSocket(hub)];
    const { signal, abort, listeners } = createSignal();
    const answers = hub.sockets.signal(signal).emitWithAck("ask");
    hub.receive(one.peer, ack(1, "yes"));
    abort();
    expect(two.socket).toHaveProperty("acks.isFull", false);
    const error: BroadcastError = await answers.then(
      () => expect.unreachable(),
      (reason) => reason,
    );
    expect([error.code, error.responses, listeners()]).toEqual(["BW_ABORTED", ["yes"], 0]);
  });

  test("lets the signal go when all have answered, and sends nothing where it is aborted already", async () => {
    const { hub } = createHub();
    const { peer } = connectSocket(hub);
    const { signal, abort, listeners } = createSignal();
    const answers = hub.sockets.to([]).to("s1").signal(signal).emitWithAck("ask");
    hub.receive(peer, ack(1, "yes"));
    expect(await answers).toEqual(["yes"]);
    expect(listeners()).toBe(0);
    abort();
    peer.sent.length = 0;
    await expect(hub.sockets.signal(signal).emitWithAck("ask")).rejects.toMatchObject({ code: "BW_ABORTED" });
    expect(peer.sent).toEqual([]);
  });
});
