import type { ClientTransport, Link, LinkHandler } from "bothways/client";
import { describe, expect, test, vi } from "vitest";
import { Network } from "../src/chat/public/network.js";

const request = { url: "http://localhost/bothways/", maxMessageBytes: 1_000 };
const frame = { data: "m1" };

/** One session's view and one server's view of a link over a network. */
function connect(network: Network, rewinds = false) {
  let inner: LinkHandler | undefined;
  const link = { transport: "test", rewinds, send: vi.fn(), flush: vi.fn(), close: vi.fn() } satisfies Link;
  const transport: ClientTransport = {
    name: "test",
    streams: rewinds,
    open: (_request, _hello, handler) => {
      inner = handler;
      return link;
    },
  };
  const handler = {
    receive: vi.fn(),
    received: vi.fn(),
    writable: vi.fn(),
    blocked: vi.fn(),
    position: () => "a0",
    lost: vi.fn(),
  } satisfies LinkHandler;
  const wrapped = network.wrap(transport);
  expect([wrapped.name, wrapped.streams]).toEqual(["test", rewinds]);
  const outer = wrapped.open(request, "h{}", handler);
  return { outer, link, handler, server: () => inner };
}

test("a whole network changes nothing", () => {
  const { outer, link, handler, server } = connect(new Network());
  outer.send(frame);
  outer.flush();
  server()?.writable();
  server()?.receive("w{}");
  server()?.received();
  server()?.blocked();
  server()?.lost("BW_WS_ABNORMAL", 4503, "later");
  expect(link.send).toHaveBeenCalledWith(frame);
  expect(link.flush).toHaveBeenCalledOnce();
  expect(handler.receive).toHaveBeenCalledWith("w{}");
  expect(
    [handler.writable, handler.received, handler.blocked].every((call) => call.mock.calls.length === 1),
  ).toBe(true);
  expect(handler.lost).toHaveBeenCalledWith("BW_WS_ABNORMAL", 4503, "later");
  expect(server()?.position()).toBe("a0");
});

describe("cut", () => {
  test("links are lost at once, and are dead for good", () => {
    const network = new Network();
    const { outer, link, handler, server } = connect(network);
    network.strike("cut");
    expect(handler.lost).toHaveBeenCalledOnce();
    expect(link.close).toHaveBeenCalledOnce();
    network.heal();
    outer.send(frame);
    server()?.receive("m2");
    server()?.lost("BW_WS_ABNORMAL");
    expect(link.send).not.toHaveBeenCalled();
    expect(handler.receive).not.toHaveBeenCalled();
    expect(handler.lost).toHaveBeenCalledOnce();
  });

  test("new ones fail later than open returns, until the network is whole", async () => {
    const network = new Network();
    network.strike("cut");
    const { handler, server } = connect(network);
    expect(server()).toBeUndefined();
    expect(handler.lost).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(handler.lost).toHaveBeenCalledOnce());
    network.heal();
    expect(handler.lost).toHaveBeenCalledOnce();
    expect(connect(network).server()).toBeDefined();
  });
});

describe("silent", () => {
  test("nothing fails and nothing arrives, also after the network is whole", () => {
    const network = new Network();
    const { outer, link, handler, server } = connect(network);
    server()?.receive("w{}");
    network.strike("silent");
    outer.send(frame);
    server()?.receive("m2");
    network.heal();
    outer.send(frame);
    server()?.receive("m3");
    expect(link.send).not.toHaveBeenCalled();
    expect(handler.receive).toHaveBeenCalledOnce();
    expect(handler.lost).not.toHaveBeenCalled();
    outer.close(4408, "");
    expect(link.close).toHaveBeenCalledWith(4408, "");
  });

  test("the exchanges of a link made of them stop", () => {
    const network = new Network();
    const { link, handler } = connect(network, true);
    network.strike("silent");
    expect(link.close).toHaveBeenCalledOnce();
    expect(handler.lost).not.toHaveBeenCalled();
  });

  test("attempts hang, and fail when the network is whole", () => {
    const network = new Network();
    network.strike("silent");
    const { handler, server } = connect(network);
    expect(server()).toBeUndefined();
    expect(handler.lost).not.toHaveBeenCalled();
    network.heal();
    expect(handler.lost).toHaveBeenCalledOnce();
  });
});
