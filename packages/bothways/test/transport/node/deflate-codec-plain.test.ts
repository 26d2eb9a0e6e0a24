/** The codec where Node's internals are not as expected: every message goes through the public functions. */
import { describe, expect, test, vi } from "vitest";
import { PerMessageDeflate } from "../../../src/transport/node/per-message-deflate.ts";
import { FrameOutput } from "../../../src/wire/websocket/output.ts";
import { primitives } from "../../wire/websocket/harness.ts";
import { codecSuite } from "./deflate-codec-suite.ts";

vi.mock("../../../src/transport/node/sync-zlib.ts", () => ({
  openSyncZlib: () => undefined,
  isSyncZlibKnown: () => false,
}));

describe("public functions only", codecSuite);

test("no window is kept then, though it was asked for", () => {
  const output = new FrameOutput(() => {});
  const options = { role: "server", maxMessageBytes: 1_000, primitives, output } as const;
  const settings = { serverNoContextTakeover: false, clientNoContextTakeover: false };
  const accepted = new PerMessageDeflate(settings, options).accept({
    "sec-websocket-extensions": "permessage-deflate",
  });
  expect(accepted?.agreed).toMatchObject({ serverNoContextTakeover: true, clientNoContextTakeover: true });
});
