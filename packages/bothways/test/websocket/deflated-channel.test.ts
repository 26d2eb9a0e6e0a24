/** A channel that compresses, where its parts tell it things in an order that a network shows but rarely. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { DeflatedChannel } from "../../src/websocket/deflated-channel.ts";
import { createChannelOptions } from "../../src/websocket/options.ts";
import { output } from "../../src/websocket/turn.ts";
import { defaultDeflate } from "../../src/wire/websocket/permessage-deflate.ts";

test("it is gone once, though what was decompressed is there when TCP is over and nobody knows it yet", async () => {
  const gone = vi.fn();
  const handler = { message() {}, control() {}, drained() {}, ending() {}, gone };
  const socket = new Duplex({
    read() {},
    destroy(error, done) {
      done(error);
      // `closed` is true now, and "close" yet to come
      channel.inputHeld(false);
    },
  });
  const options = createChannelOptions("server", { perMessageDeflate: true }, output);
  if (!options.deflate) throw new Error("it would not compress");
  const parts = { socket, head: Buffer.alloc(0), options };
  const channel = new DeflatedChannel("owner", handler, parts, {
    deflate: options.deflate,
    agreed: defaultDeflate,
  });
  channel.inputHeld(true);
  socket.destroy();
  await once(socket, "close");
  expect(gone).toHaveBeenCalledTimes(1);
});
