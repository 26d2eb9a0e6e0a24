/** What RFC 6455 asks of a client's first bytes, seen by a server that only listens. */
import { once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { webSocket } from "../../src/transport/node-client/websocket.ts";
import { RecordingHandler } from "../transport/client/recording-handler.ts";
import { closePeers, openTcpPeer } from "./transport-client-peers.ts";

afterEach(closePeers);

test.each([
  ["/a?b=c#d", "/a?b=c"],
  ["/a%23b?c=%23#", "/a%23b?c=%23"],
  ["", "/"],
  ["?q", "/?q"],
  ["/안?é", "/%EC%95%88?%C3%A9"],
])("RFC6455-3-1..2 RFC6455-4.1-21 of the URL …%s the server is asked for %s", async (suffix, target) => {
  const heads: string[] = [];
  const url = await openTcpPeer((socket, head) => {
    heads.push(head);
    socket.destroy();
  });
  const handler = new RecordingHandler();
  webSocket().open({ url: new URL(url).origin + suffix, maxMessageBytes: 1_000 }, "h{}", handler);
  await handler.until("lost");
  expect(heads.map((head) => head.split(" ", 2))).toEqual([["GET", target]]);
});

test("RFC6455-4.1-35 nothing is sent before the server has answered", async () => {
  const received: string[] = [];
  const url = await openTcpPeer(async (socket, head) => {
    received.push(head);
    socket.on("data", (chunk) => received.push(chunk.toString("latin1")));
    link.send({ data: "mearly" });
    link.flush();
    // what was sent too early comes before the answer to a FIN
    socket.end();
    await once(socket, "end");
    received.push("end");
  });
  const handler = new RecordingHandler();
  const link = webSocket().open({ url, maxMessageBytes: 1_000 }, `h${"x".repeat(5_000)}`, handler);
  await handler.until("lost");
  await vi.waitFor(() => expect(received).toEqual([expect.stringMatching(/^GET .*\r\n\r\n$/s), "end"]));
});
