import { expect, test } from "vitest";
import { driverOptionsOf, hubLimitsOf } from "../../src/server/options.ts";
import { Server } from "../../src/server/server.ts";

test("an option that is undefined is left out", () => {
  expect(driverOptionsOf({ maxBufferedBytes: undefined })).toEqual(driverOptionsOf({}));
  expect(hubLimitsOf({ maxAcks: undefined })).toEqual(hubLimitsOf({}));
});

test("a client's account has room for all that the other limits allow", () => {
  const { maxPeerBytes } = driverOptionsOf({
    maxBufferedBytes: 1e8,
    windowBytes: 1e7,
    maxHttpBufferSize: 1e6,
  });
  expect(maxPeerBytes).toBeGreaterThan(1e8 + 1e7 + 1e6);
  expect(driverOptionsOf({ maxClientBytes: 5 }).maxPeerBytes).toBe(5);
});

test.each([
  ["allowRequest", "authenticate"],
  ["cors", "origins"],
])("Socket.IO's %s, which would guard nothing here, is refused", (theirs, ours) => {
  expect(() => new Server({ [theirs]: () => false })).toThrow(`there is no option ${theirs}, but ${ours}`);
  expect(() => new Server({ [theirs]: undefined })).not.toThrow();
});

test("a transport that no technique is called is refused (option: transports)", () => {
  const error = expect.objectContaining({ code: "BW_TRANSPORT_NAME", detail: "polling" });
  expect(() => new Server({ transports: ["websocket", "polling" as never] })).toThrow(error);
});

test("a window below 64 KiB is refused", () => {
  expect(() => driverOptionsOf({ windowBytes: 65_535 })).toThrow(RangeError);
});

test("the process's account is a part of the heap", () => {
  const { maxTotalBytes } = driverOptionsOf({});
  expect(maxTotalBytes).toBeGreaterThan(1e7);
  expect(maxTotalBytes).toBeLessThan(16e9);
});
