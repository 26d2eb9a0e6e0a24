/** The reference of the API: everything in it says what it is, and the examples of doc comments compile. */
import { describe, expect, test } from "vitest";
import type { Declaration } from "../../../../scripts/api/declarations.ts";
import { arrangeApi } from "../../../../scripts/api/print-api.ts";
import { compile, readPage } from "./programs.ts";

const pages = arrangeApi();

/** What the examples of an entry take as given. */
const given: Readonly<Record<string, string>> = {
  bothways: `
    import { Server, type Socket } from "bothways";
    import { defineContract } from "bothways/contract";
    declare const io: Server;
    declare const socket: Socket;
    declare const adminContract: ReturnType<typeof defineContract<{}>>;
    declare function store(text: string): Promise<void>;`,
  "bothways/client": `
    import { io, longPolling, sse } from "bothways/client";
    declare const token: string;`,
  "bothways/client/transports": `
    import { io } from "bothways/client";
    import { shortPolling, sse } from "bothways/client/transports";`,
  "bothways/client/core": `
    import { webSocket } from "bothways/client";
    import { io } from "bothways/client/core";`,
  "bothways/contract": `
    import { defineContract } from "bothways/contract";
    import { z } from "zod";`,
  "bothways/testing": `
    import assert from "node:assert/strict";
    import { io } from "bothways/client";
    import { FaultProxy } from "bothways/testing";`,
  "bothways/websocket": `
    import { once } from "node:events";
    import { createReadStream } from "node:fs";
    import { pipeline } from "node:stream/promises";
    import { createWebSocketStream, PreparedMessage, WebSocket, WebSocketServer } from "bothways/websocket";
    declare const server: WebSocketServer;
    declare const socket: WebSocket;
    declare const item: object;
    declare const part: Uint8Array;
    declare const path: string;`,
};

function examplesOf({ examples, members }: Declaration): string[] {
  return [...examples, ...members.flatMap(({ forms }) => forms.flatMap((form) => form.examples))];
}

test("each entry of the package has a page", () => {
  const { exports } = JSON.parse(readPage("packages/bothways/package.json"));
  const entries = Object.keys(exports).filter((path) => !path.endsWith(".json") && !path.endsWith(".js"));
  expect(pages.map(({ entry }) => entry)).toEqual(entries.map((path) => `bothways${path.slice(1)}`));
});

describe.each(pages)("$entry", ({ entry, exported, met }) => {
  const all = [...exported, ...met];

  test("every type and member has a doc comment", () => {
    const missing = all.flatMap(({ name, text, members }) => [
      ...(text === "" ? [name] : []),
      ...members
        .filter(({ forms }) => forms.some((form) => form.text === ""))
        .map((member) => `${name}.${member.name}`),
    ]);
    expect(missing).toEqual([]);
  });

  test("the examples compile", () => {
    const files = all.flatMap((declaration) =>
      examplesOf(declaration).map(
        (code, index) =>
          [
            `${declaration.name}-${index}`,
            `${given[entry]}\nasync function example() {\n${code}\n}\n`,
          ] as const,
      ),
    );
    expect(files.length).toBeGreaterThan(0);
    expect(compile(files)).toBe("");
  });
});

describe("a page", () => {
  const server = pages[0]?.exported.find(({ name }) => name === "Server");
  const member = (name: string) => server?.members.find((each) => each.name === name)?.forms ?? [];

  test("gives what a base gives, shortened", () => {
    expect(member("emit")[0]?.signatures).toEqual([
      "emit(event: EventNames, ...args: EventArguments): boolean",
    ]);
    expect(member("fetchSockets")[0]?.signatures).toEqual(["fetchSockets(): Promise<RemoteSocket[]>"]);
  });

  test("tells overloads with comments of their own apart", () => {
    expect(member("of").map(({ signatures }) => signatures.length)).toEqual([2, 2]);
  });

  test("has a constructor only where an application may call it", () => {
    const made = pages
      .flatMap(({ exported, met }) => [...exported, ...met])
      .filter(({ members }) => members.some(({ name }) => name === "constructor"))
      .map(({ name }) => name);
    expect(made).toEqual(["BothwaysError", "Server", "PreparedMessage", "WebSocket", "WebSocketServer"]);
  });

  test("leaves out what is internal", () => {
    const namespace = pages[0]?.exported.find(({ name }) => name === "Namespace");
    const names = namespace?.members.map(({ name }) => name) ?? [];
    expect(names).toContain("sockets");
    expect(names).not.toContain("index");
  });
});
