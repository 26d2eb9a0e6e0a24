/** What `io()` makes of its arguments. */
import { describe, expect, test } from "vitest";
import { io } from "../../src/client/index.node.ts";
import { readArguments } from "../../src/client/io.ts";
import type { ClientTransport } from "../../src/model/transport.ts";
import { createTransports, FakePlatform } from "./fake-world.ts";

const { transports } = createTransports(new FakePlatform(), ["a", "b"]);
const techniques = transports.map((transport) => (): ClientTransport => transport);
const [a, b] = transports as [ClientTransport, ClientTransport];

describe("the transports", () => {
  test.each<[string, readonly (string | ClientTransport)[] | undefined, readonly ClientTransport[]]>([
    ["none: all there are", undefined, [a, b]],
    ["an empty list: all there are", [], [a, b]],
    ["names, in their order", ["b", "a"], [b, a]],
    ["values", [b], [b]],
    ["both", ["b", a], [b, a]],
  ])("%s (option: client transports)", (_name, given, taken) => {
    const [, options] = readArguments("/", given && { transports: given }, techniques);
    expect(options.transports).toEqual(taken);
  });

  test("a name that none has: BW_TRANSPORT_NAME (option: client transports)", () => {
    const error = expect.objectContaining({
      code: "BW_TRANSPORT_NAME",
      message: 'no transport "c"',
    });
    expect(() => readArguments("/", { transports: ["a", "c"] }, techniques)).toThrow(error);
  });
});

describe("the URL in Node, where there is no page whose server could be meant", () => {
  test.each([undefined, "/", "/chat", "", "//localhost:3000", "localhost:3000", "file:///chat", "no URL"])(
    "%j: BW_SERVER_URL",
    (url) => {
      const message = expect.stringMatching(
        /^".*" is not the URL of a server, as http:\/\/localhost:3000 is$/,
      );
      const error = expect.objectContaining({ code: "BW_SERVER_URL", message });
      expect(() => io(url, { autoConnect: false })).toThrow(error);
    },
  );

  test.each(["http://localhost:3000", "https://example.com/chat", "ws://localhost"])("%s is taken", (url) => {
    expect(io(url, { autoConnect: false }).active).toBe(false);
  });
});
