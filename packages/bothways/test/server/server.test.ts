/** What a server is made of. */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { BothwaysError } from "../../src/model/bothways-error.ts";
import { Server } from "../../src/server/index.ts";

describe("what is no server of HTTP: BW_HTTP_SERVER", () => {
  /** As Express's: an emitter that listens, and is no server. */
  const application = Object.assign(() => undefined, { on() {}, emit() {}, listen() {} });

  test.each<[string, unknown, string]>([
    ["a text that is no port", "localhost:3000", '"localhost:3000" is none'],
    ["an application that is a function", application, "createServer(app)"],
    ["an application that is an object", { on() {}, emit() {}, listen() {} }, "this object is none"],
  ])("%s", (_name, target, detail) => {
    const error = expect.toSatisfy(
      (thrown) =>
        thrown instanceof BothwaysError &&
        thrown.code === "BW_HTTP_SERVER" &&
        !!thrown.detail?.includes(detail),
    );
    expect(() => new Server(target as number)).toThrow(error);
    expect(() => new Server().attach(target as never)).toThrow(error);
  });

  test("nothing at all", () => {
    expect(() => new Server().attach(undefined as never)).toThrow("BW_HTTP_SERVER");
  });

  test("a port may be a text, as environments have it", async () => {
    const io = new Server("0");
    const server = io.httpServer as HttpServer;
    await once(server, "listening");
    expect((server.address() as AddressInfo).port).toBeGreaterThan(0);
    await io.close();
  });

  test("a server is taken before it listens", async () => {
    const io = new Server(createServer());
    expect(io.httpServer?.listening).toBe(false);
    await io.close();
  });
});
