import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { isSyncZlibKnown, openSyncZlib } from "../../../src/transport/node/sync-zlib.ts";
import type { MessageCodec } from "../../../src/wire/websocket/deflated-connection.ts";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { codecSuite, deflate, inflate, openCodec, prose, reference } from "./deflate-codec-suite.ts";

describe("with Node's internals", codecSuite);

test("they are as expected in this Node", () => {
  expect(isSyncZlibKnown()).toBe(true);
});

describe("small messages", () => {
  test("are done before the call returns, large ones later", () => {
    const codec = openCodec();
    const calls: string[] = [];
    codec.deflate(prose(32_768), () => calls.push("deflated"));
    codec.inflate(reference(prose(10_000)), () => calls.push("inflated"));
    expect(calls).toEqual(["deflated", "inflated"]);
    codec.deflate(prose(32_769), () => calls.push("late"));
    codec.inflate(reference(prose(100_000)), () => calls.push("late"));
    expect(calls).toHaveLength(2);
  });

  test("share their contexts: one that failed serves the next", () => {
    const zlib = openSyncZlib("inflate", {});
    if (zlib === undefined) throw new Error("not known");
    const output = new Uint8Array(100);
    zlib.run(Uint8Array.of(0xff), output, 0);
    expect(zlib.hasFailed).toBe(true);
    zlib.reset();
    expect(zlib.hasFailed).toBe(false);
    zlib.close();
    zlib.close();
    zlib.reset();
    expect([zlib.run(Uint8Array.of(1), output, 0), zlib.hasFailed]).toEqual([0, true]);
  });
});

async function through(stream: DeflateRaw | InflateRaw, input: Uint8Array): Promise<Buffer> {
  const parts: Buffer[] = [];
  const take = (part: Buffer): void => void parts.push(part);
  stream.on("data", take).write(input);
  await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, resolve));
  stream.off("data", take);
  return Buffer.concat(parts);
}

describe("context takeover", () => {
  const keeping = { serverNoContextTakeover: false, clientNoContextTakeover: false };

  /** One message through both ends. */
  async function pass(from: MessageCodec, to: MessageCodec, message: Buffer): Promise<number> {
    const compressed = await deflate(from, message);
    if (compressed === undefined) throw new Error("not compressed");
    const inflated = await inflate(to, compressed);
    expect(inflated instanceof Buffer && inflated.equals(message)).toBe(true);
    return compressed.length;
  }

  test.each<[Role, Role]>([
    ["server", "client"],
    ["client", "server"],
  ])("RFC7692-7.2.2-1..2 from %s to %s: what was said once is not said again", async (from, to) => {
    const sender = openCodec(keeping, { role: from });
    const receiver = openCodec(keeping, { role: to });
    const first = await pass(sender, receiver, prose(2_000));
    expect(await pass(sender, receiver, prose(2_000))).toBeLessThan(first / 4);
    for (const size of [20, 40_000, 300_000, 1, 1_000_000, 2_000])
      await pass(sender, receiver, prose(size, size));
    expect(await pass(sender, receiver, prose(2_000, 2_000))).toBeLessThan(first / 4);
    sender.close();
    receiver.close();
  });

  test("is kept by streams of another implementation too", async () => {
    const receiver = openCodec(keeping);
    const sender = openCodec(keeping);
    const [deflater, inflater] = [createDeflateRaw(), createInflateRaw()];
    for (const size of [500, 500, 100_000, 500]) {
      const message = prose(size);
      const compressed = await through(deflater, message);
      expect(await inflate(receiver, compressed.subarray(0, -4))).toEqual(message);
      const ours = (await deflate(sender, message)) ?? Buffer.alloc(0);
      expect(await through(inflater, Buffer.concat([ours, Buffer.of(0, 0, 0xff, 0xff)]))).toEqual(message);
    }
  });

  test("RFC7692-7.2.3.6-1 an empty message is one byte, wherever it stands", async () => {
    const sender = openCodec(keeping);
    const receiver = openCodec(keeping, { role: "client" });
    for (const size of [0, 100, 0, 0, 100])
      expect((await pass(sender, receiver, prose(size))) === 1).toBe(size === 0);
  });

  test("ends where a frame compressed elsewhere goes between", async () => {
    const sender = openCodec(keeping);
    const receiver = openCodec(keeping, { role: "client" });
    await pass(sender, receiver, prose(2_000));
    sender.forget();
    const shared = reference(prose(3_000, 9));
    expect(await inflate(receiver, shared)).toEqual(prose(3_000, 9));
    await pass(sender, receiver, prose(2_000));
  });

  test("has the same limits", async () => {
    const receiver = openCodec(keeping, { maxMessageBytes: 100_000 });
    expect(await inflate(receiver, reference(Buffer.alloc(100_001)))).toBe("BW_MESSAGE_TOO_LARGE");
    expect(await inflate(openCodec(keeping), Uint8Array.of(0xff))).toBe("BW_WS_INFLATE");
  });

  test("large messages leave the event loop its turns", async () => {
    const sender = openCodec(keeping);
    let turns = 0;
    const turn = (): void => {
      turns++;
      immediate = setImmediate(turn);
    };
    let immediate = setImmediate(turn);
    await deflate(sender, prose(2_000_000));
    clearImmediate(immediate);
    expect(turns).toBeGreaterThan(5);
  });

  test("a connection that closes meanwhile takes its contexts with it", async () => {
    const sender = openCodec(keeping);
    const done = vi.fn();
    sender.deflate(prose(2_000_000), done);
    sender.close();
    await vi.waitFor(() => expect(done).toHaveBeenCalledWith(undefined));
  });
});
