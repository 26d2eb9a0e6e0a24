/** isomorphic-ws: what `import WebSocket from "isomorphic-ws"` gives in Node is what `ws` is. */
import { expect, test } from "vitest";
import { serve, urlOf } from "../engines.ts";
import { inPlace } from "./in-place-of-ws.ts";

const { default: WebSocket } = (await import(import.meta.resolve("isomorphic-ws"))) as {
  default: typeof inPlace;
};

test("it is ours, with all that ws has by its name", () => {
  expect(WebSocket).toBe(inPlace.WebSocket);
  expect(WebSocket.Server).toBe(inPlace.WebSocketServer);
  expect(WebSocket.createWebSocketStream).toBe(inPlace.createWebSocketStream);
});

test("used as browsers are", async () => {
  const wss = await serve("ws");
  wss.on("connection", (socket) =>
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary })),
  );
  const socket = new WebSocket(urlOf(wss));
  const found: unknown[] = [];
  const closed = new Promise<{ code: number; wasClean: boolean }>((resolve) => {
    socket.onopen = () => socket.send("hello");
    socket.onmessage = ({ data }) => {
      found.push(data);
      socket.close(1000);
    };
    socket.onclose = resolve;
  });
  const { code, wasClean } = await closed;
  expect([found, code, wasClean]).toEqual([["hello"], 1000, true]);
});
