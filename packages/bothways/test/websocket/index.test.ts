/** What the entry gives, to `import` and to `require`, is what `ws` gives. */
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import * as ours from "../../src/websocket/index.ts";

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
