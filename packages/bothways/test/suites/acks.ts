/** Answers to events, in each of their forms and both ways. */
import { describe, expect, test } from "vitest";
import { type Client, Rig, type ServerSocket, type Technique } from "./rig.ts";

const ways: readonly [
  "client" | "server",
  (pair: { client: Client; server: ServerSocket }) => [Client, Client],
][] = [
  ["client", ({ client, server }) => [client, server as unknown as Client]],
  ["server", ({ client, server }) => [server as unknown as Client, client]],
];

export function acks(technique: Technique): void {
  describe.each(ways)("the %s asks", (_who, pick) => {
    async function open(): Promise<[Client, Client, Rig]> {
      const rig = await Rig.open(technique);
      return [...pick(await rig.join()), rig];
    }

    test.each<[string, (...args: never[]) => unknown]>([
      ["callback", (value: number, answer: (sum: number) => void) => answer(value + 1)],
      ["late callback", (value: number, answer: (sum: number) => void) => setImmediate(answer, value + 1)],
      ["return value", (value: number) => value + 1],
      ["async return value", async (value: number) => value + 1],
    ])("answered by %s", async (_form, listener) => {
      const [asking, answering] = await open();
      answering.on("add", listener as () => void);
      expect(await asking.emitWithAck("add", 1)).toBe(2);
      expect(await asking.timeout(60_000).emitWithAck("add", 2)).toBe(3);
      expect(await new Promise((resolve) => asking.emit("add", 3, resolve))).toBe(4);
      const withError = new Promise((resolve) => {
        asking.timeout(60_000).emit("add", 4, (...args: unknown[]) => resolve(args));
      });
      expect(await withError).toEqual([null, 5]);
    });

    test("answers carry anything, and several arguments to a callback", async () => {
      const [asking, answering] = await open();
      answering.on("give", (answer: (...args: unknown[]) => void) =>
        answer(Uint8Array.of(9), { a: [null] }, "b"),
      );
      const answer = new Promise((resolve) => asking.emit("give", (...args: unknown[]) => resolve(args)));
      expect(await answer).toEqual([Uint8Array.of(9), { a: [null] }, "b"]);
      answering.on("bytes", () => ({ deep: Uint8Array.of(1) }));
      expect(await asking.emitWithAck("bytes")).toEqual({ deep: Uint8Array.of(1) });
    });

    test("an async handler that returns nothing answers too", async () => {
      const [asking, answering] = await open();
      answering.on("done", async () => {});
      expect(await asking.timeout(60_000).emitWithAck("done")).toBeFalsy();
    });

    test("the first answer counts", async () => {
      const [asking, answering] = await open();
      let times = 0;
      answering.on("twice", (answer: (value: number) => void) => {
        answer(1);
        answer(2);
      });
      await new Promise<void>((resolve) => {
        asking.emit("twice", () => {
          times++;
          resolve();
        });
      });
      answering.on("end", () => true);
      await asking.emitWithAck("end");
      expect(times).toBe(1);
    });

    test("nobody listens", async () => {
      const [asking] = await open();
      const refusal = asking.emitWithAck("nothing");
      await expect(refusal).rejects.toMatchObject({ code: "BW_ACK_REFUSED", message: /no handler/ });
    });

    test("a signal ends the wait, and a late answer changes nothing", async () => {
      const [asking, answering] = await open();
      const held: (() => void)[] = [];
      answering.on("hold", (answer: () => void) => void held.push(answer));
      const reason = new Error("no longer wanted");
      const controller = new AbortController();
      const promise = asking.signal(controller.signal).emitWithAck("hold");
      const called = new Promise((resolve) => {
        asking.timeout(60_000).signal(controller.signal).emit("hold", resolve);
      });
      await expect.poll(() => held.length).toBe(2);
      controller.abort(reason);
      const error = expect.objectContaining({ code: "BW_ABORTED", cause: reason });
      await expect(promise).rejects.toEqual(error);
      expect(await called).toEqual(error);
      for (const answer of held) answer();
      answering.on("after", () => "still here");
      expect(await asking.emitWithAck("after")).toBe("still here");
      await expect(asking.signal(controller.signal).emitWithAck("after")).rejects.toEqual(error);
    });

    test("no answer in time", async () => {
      const [asking, answering] = await open();
      answering.on("never", (_answer: () => void) => {});
      await expect(asking.timeout(20).emitWithAck("never")).rejects.toMatchObject({ code: "BW_ACK_TIMEOUT" });
      const error = new Promise((resolve) => asking.timeout(20).emit("never", resolve));
      expect(await error).toMatchObject({ code: "BW_ACK_TIMEOUT" });
    });

    test("each waits for the other's answer", async () => {
      const [asking, answering] = await open();
      asking.on("inner", async (value: number) => (await asking.emitWithAck("innermost", value)) * 2);
      answering.on("innermost", (value: number) => value + 1);
      answering.on("outer", async (value: number) => answering.emitWithAck("inner", value));
      expect(await asking.emitWithAck("outer", 20)).toBe(42);
    });

    test("1,000 questions at once", async () => {
      const [asking, answering] = await open();
      answering.on("echo", async (value: number) => value);
      const answers = Array.from({ length: 1_000 }, (_, value) => asking.emitWithAck("echo", value));
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 1_000 }, (_, value) => value));
    });

    test("who leaves answers no more", async () => {
      const [asking, answering] = await open();
      answering.on("never", (_answer: () => void) => answering.disconnect());
      await expect(asking.emitWithAck("never")).rejects.toMatchObject({ code: "BW_DISCONNECTED" });
    });
  });

  test("the server's handler throws: the client learns no more than that, unless data is attached", async () => {
    const rig = await Rig.open(technique);
    const { client, server } = await rig.join();
    server.on("sync", () => {
      throw new Error("secret");
    });
    server.on("async", async () => {
      throw Object.assign(new Error("no such room"), { data: { room: 7 } });
    });
    const internal = { code: "BW_ACK_REFUSED", message: expect.stringContaining("internal error") };
    await expect(client.emitWithAck("sync")).rejects.toMatchObject(internal);
    await expect(client.emitWithAck("async")).rejects.toMatchObject({
      message: expect.stringContaining("no such room"),
      data: { room: 7 },
    });
    expect(rig.errors).toHaveLength(2);
  });

  test("the client's handler throws: the server learns it, and the page hears of its error", async () => {
    const rig = await Rig.open(technique);
    const { client, server } = await rig.join();
    const unhandled = catchUnhandled();
    client.on("sync", () => {
      throw new Error("one");
    });
    client.on("async", async () => {
      throw Object.assign(new Error("two"), { data: 2 });
    });
    client.on("unencodable", () => 1n);
    const internal = { code: "BW_ACK_REFUSED", message: expect.stringContaining("internal error") };
    await expect(server.emitWithAck("sync")).rejects.toMatchObject(internal);
    await expect(server.emitWithAck("async")).rejects.toMatchObject({ data: 2 });
    await expect(server.timeout(60_000).emitWithAck("unencodable")).rejects.toMatchObject(internal);
    expect(client.connected).toBe(true);
    expect(await unhandled(3)).toEqual([
      new Error("one"),
      expect.objectContaining({ message: "two" }),
      expect.any(TypeError),
    ]);
  });

  test("broadcasts gather the answers of all", async () => {
    const rig = await Rig.open(technique);
    const pairs = [await rig.join(), await rig.join(), await rig.join()];
    for (const [index, { client }] of pairs.entries()) client.on("who", () => index);
    const answers = await rig.io.timeout(60_000).emitWithAck("who");
    expect(answers.toSorted()).toEqual([0, 1, 2]);
    pairs[1]?.client.off("who").on("who", (_answer: () => void) => {});
    const some = rig.io.timeout(1_000).emitWithAck("who");
    await expect(some).rejects.toMatchObject({
      code: "BW_ACK_TIMEOUT",
      responses: expect.arrayContaining([0, 2]),
    });
  });
}

/** Keeps unhandled rejections from the test runner; the function returned waits for so many of them. */
function catchUnhandled(): (count: number) => Promise<unknown[]> {
  const caught: unknown[] = [];
  const others = process.rawListeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  let wake = (): void => {};
  process.on("unhandledRejection", (error) => {
    caught.push(error);
    wake();
  });
  return async (count) => {
    while (caught.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    process.removeAllListeners("unhandledRejection");
    for (const other of others) process.on("unhandledRejection", other as () => void);
    return caught;
  };
}
