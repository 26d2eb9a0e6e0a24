/** A channel whose socket tells it things in an order, or does not tell them, as a network shows but rarely. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { Duplex, type DuplexOptions } from "node:stream";
import { constants, deflateRawSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { Channel } from "../../src/websocket/channel.ts";
import { DeflatedChannel } from "../../src/websocket/deflated-channel.ts";
import { createChannelOptions } from "../../src/websocket/options.ts";
import { output } from "../../src/websocket/turn.ts";
import { compressedBit, opcode } from "../../src/wire/websocket/frame.ts";
import { defaultDeflate } from "../../src/wire/websocket/permessage-deflate.ts";
import { frame } from "./rig.ts";

const options = createChannelOptions("server", { perMessageDeflate: true }, output);
const gone = vi.fn();
const ending = vi.fn();
const control = vi.fn();
const handler = { message() {}, control, drained() {}, ending, gone };

function partsOn(socket: DuplexOptions) {
  return { socket: new Duplex({ read() {}, ...socket }), head: Buffer.alloc(0), options };
}

test("it is gone once, though what was decompressed is there when TCP is over and nobody knows it yet", async () => {
  gone.mockClear();
  const parts = partsOn({
    destroy(error, done) {
      done(error);
      // `closed` is true now, and "close" yet to come
      channel.inputHeld(false);
    },
  });
  if (!options.deflate) throw new Error("it would not compress");
  const deflated = { deflate: options.deflate, agreed: defaultDeflate };
  const channel = new DeflatedChannel("owner", handler, parts, deflated);
  channel.inputHeld(true);
  parts.socket.destroy();
  await once(parts.socket, "close");
  expect(gone).toHaveBeenCalledTimes(1);
});

test("every callback is called, though the socket forgets the write that it was at", async () => {
  gone.mockClear();
  // as a stream of HTTP/2 may before Node 26
  const parts = partsOn({ write() {} });
  const channel = new Channel("owner", handler, parts);
  const calls: string[] = [];
  for (const name of ["first", "second"]) {
    channel.send(name, opcode.text, true, false, (error) => calls.push(`${name} ${error?.message}`));
    channel.settle();
  }
  channel.send("third", opcode.text, true, false, (error) => calls.push(`third ${error?.message}`));
  parts.socket.destroy();
  await once(parts.socket, "close");
  expect(calls.map((call) => call.split(" ")[0]).sort()).toEqual(["first", "second", "third"]);
  expect(calls.join()).not.toContain("undefined");
  expect(gone).toHaveBeenCalledTimes(1);
});

test("one that is destroyed in a listener hears nothing of what its stream gives on meanwhile", async () => {
  ending.mockClear();
  // as a stream of HTTP/2 may when it is reset
  const parts = partsOn({
    destroy(error, done) {
      parts.socket.emit("data", Buffer.from("no frame"));
      done(error);
    },
  });
  const channel = new Channel("owner", { ...handler, message: () => channel.destroy() }, parts);
  parts.socket.emit("data", frame(opcode.text, "enough"));
  await once(parts.socket, "close");
  expect(ending.mock.calls).toEqual([["owner", undefined]]);
});

test.each([
  ["a ping", frame(opcode.ping, "too late")],
  ["what is no frame", Buffer.from("no frame")],
])(
  "one that is destroyed while a message is being decompressed is not told of %s behind it",
  async (_what, behind) => {
    gone.mockClear();
    ending.mockClear();
    control.mockClear();
    if (!options.deflate) throw new Error("it would not compress");
    const parts = partsOn({});
    const deflated = { deflate: options.deflate, agreed: defaultDeflate };
    const channel = new DeflatedChannel("owner", handler, parts, deflated);
    const packed = deflateRawSync(Buffer.alloc(900_000), { finishFlush: constants.Z_SYNC_FLUSH });
    parts.socket.emit("data", frame(opcode.binary | compressedBit, packed.subarray(0, -4)));
    expect(channel.reading.isHeld).toBe(true);
    parts.socket.emit("data", behind);
    channel.destroy();
    await expect.poll(() => gone.mock.calls.length).toBe(1);
    expect([control.mock.calls, ending.mock.calls]).toEqual([[], [["owner", undefined]]]);
  },
);
