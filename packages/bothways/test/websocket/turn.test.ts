/** When a turn ends, and with how many writes. */
import type { Socket } from "node:net";
import { setImmediate as passed } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { PreparedMessage } from "../../src/websocket/index.ts";
import { output, turn } from "../../src/websocket/turn.ts";
import { connectPair, messages } from "./rig.ts";

/** Somebody who is let go at the end of a turn, and counts that. */
function createSettling(): { ends: number; settle(): boolean } {
  return {
    ends: 0,
    settle() {
      this.ends++;
      return true;
    },
  };
}

describe("a turn", () => {
  test("ends behind the promises and ticks of its time, and once for each", async () => {
    const one = createSettling();
    turn.settleAtEnd(one);
    await Promise.resolve();
    await new Promise((resolve) => process.nextTick(resolve));
    expect(one.ends).toBe(0);
    await passed();
    await passed();
    expect(one.ends).toBe(1);
  });

  test("ends earlier, before the next read is handled, where it has been long", async () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(1e9);
    onTestFinished(() => now.mockRestore());
    turn.beginRead();
    const one = createSettling();
    turn.settleAtEnd(one);
    now.mockReturnValue(1e9 + 0.9);
    turn.beginRead();
    expect(one.ends).toBe(0);
    now.mockReturnValue(1e9 + 1);
    turn.beginRead();
    expect(one.ends).toBe(1);
    // What is sent after that still has its end.
    turn.settleAtEnd(one);
    await passed();
    expect(one.ends).toBe(2);
  });

  test("and where much was sent", async () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(2e9);
    onTestFinished(() => now.mockRestore());
    turn.beginRead();
    const one = { ...createSettling(), write: () => turn.settleAtEnd(one) };
    output.reserve(one, 65_535);
    turn.beginRead();
    expect(one.ends).toBe(0);
    output.reserve(one, 1);
    turn.beginRead();
    expect(one.ends).toBe(1);
    await passed();
    expect(output.usedBytes).toBe(0);
  });
});

describe("what one socket is sent in a turn", () => {
  test("leaves in one piece where it is short, callbacks and all", async () => {
    const { server, client } = await connectPair();
    const write = vi.spyOn(server._socket as Socket, "write");
    const called: string[] = [];
    const received = messages(client, 5);
    const prepared = ["a", "b", "c"].map((text) => new PreparedMessage(text));
    for (const message of prepared) server.send(message, () => called.push("prepared"));
    server.send("d", () => called.push("d"));
    server.send(prepared[0] as PreparedMessage);
    expect(server.bufferedAmount).toBe(15);
    expect(await received).toEqual(["a", "b", "c", "d", "a"]);
    expect(write).toHaveBeenCalledOnce();
    expect(called).toEqual(["prepared", "prepared", "prepared", "d"]);
  });

  test("leaves in one vectored write where it is long, and is not copied", async () => {
    const { server, client } = await connectPair();
    const socket = server._socket as Socket;
    const [write, writev] = [vi.spyOn(socket, "write"), vi.spyOn(socket, "_writev" as "write")];
    const received = messages(client, 3);
    const long = new PreparedMessage("x".repeat(20_000));
    for (const text of ["a", long, "b"]) server.send(text);
    expect((await received).map(({ length }) => length)).toEqual([1, 20_000, 1]);
    expect(writev).toHaveBeenCalledOnce();
    expect(write.mock.calls.some(([chunk]) => chunk === long.frame)).toBe(true);
  });
});
