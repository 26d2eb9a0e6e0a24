/** What the entry gives, to `import` and to `require`, is what `ws` gives. */
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import type * as types from "../../src/websocket/index.ts";
import * as ours from "../../src/websocket/index.ts";
import WebSocket, { WebSocketServer } from "../../src/websocket/index.ts";

const theirs: typeof ours.default = createRequire(import.meta.url)("ws");
const whole = ours.default;

test("the default export is WebSocket, with the rest as its members", () => {
  expect(whole).toBe(ours.WebSocket);
  expect(Reflect.get(ours, "module.exports")).toBe(whole);
  for (const name of ["WebSocket", "WebSocketServer", "Server", "createWebSocketStream"] as const) {
    expect([name, typeof theirs[name], typeof whole[name]]).toEqual([name, "function", "function"]);
  }
  expect([whole.Server, whole.WebSocket]).toEqual([ours.WebSocketServer, ours.WebSocket]);
});

test("no method or property of a WebSocket or a server of ws is missing", () => {
  const namesOf = (prototype: object): string[] => {
    return Object.getOwnPropertyNames(prototype).filter((name) => !name.startsWith("_"));
  };
  // Those that ws calls itself.
  const inner = new Set(["emitClose", "setSocket", "completeUpgrade"]);
  for (const name of ["WebSocket", "WebSocketServer"] as const) {
    const missing = namesOf(theirs[name].prototype).filter((member) => !(member in whole[name].prototype));
    expect(missing.filter((member) => !inner.has(member))).toEqual([]);
  }
});

test("the default export is a type too, and has the types of @types/ws among its members", () => {
  const said: unknown[] = [];
  const program = (socket: WebSocket, server: WebSocket.Server, options: WebSocket.ClientOptions): void => {
    socket.on("message", (data: WebSocket.RawData, isBinary: boolean) => {
      const text: WebSocket.Data = isBinary ? data : data.toString();
      for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send(text);
    });
    socket.onmessage = ({ data, target }: WebSocket.MessageEvent) => target.send(data);
    socket.onclose = ({ code, reason }: WebSocket.CloseEvent) => said.push(code, reason);
    socket.onerror = ({ message }: types.ErrorEvent) => said.push(message);
    const { port } = server.address() as WebSocket.AddressInfo;
    const sync: types.VerifyClientCallbackSync = ({ secure }) => secure;
    const later: types.VerifyClientCallbackAsync = (_, callback) => callback(false, 401);
    const finishRequest: types.FinishRequestCallback = (request, given: WebSocket) =>
      said.push(request, given);
    const url: string = new WebSocket(`ws://localhost:${port}`, { ...options, finishRequest }).url;
    said.push(url, sync, later, new WebSocketServer({ noServer: true }) satisfies types.Server);
  };
  expect(program).toHaveLength(3);
});
