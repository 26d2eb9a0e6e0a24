/** The folder's README says what the code does: its table is the table, its example runs. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import {
  type ConnectionInput,
  type ConnectionState,
  createConnection,
  transitions,
} from "../../../src/wire/websocket/connection.ts";
import { FrameOutput } from "../../../src/wire/websocket/output.ts";
import { closePayload, decodeFrames, joinBytes, primitives, rawFrame } from "./harness.ts";

const readme = readFileSync(new URL("../../../src/wire/websocket/README.md", import.meta.url), "utf8");

test("the table of states is that of the code", () => {
  const inputs: ConnectionInput[] = ["close", "peerClose", "fault", "peerEnd"];
  const row = (state: ConnectionState) =>
    `| ${[state, ...inputs.map((input) => transitions[state][input])].map((name) => `\`${name}\``).join(" | ")} |`;
  for (const state of Object.keys(transitions) as ConnectionState[]) expect(readme).toContain(row(state));
});

test("the example runs", async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const written: Uint8Array[] = [];
  const logged: unknown[][] = [];
  const port = {
    write: (bytes: Uint8Array) => written.push(bytes),
    end: () => logged.push(["end"]),
    onBytes: (_chunk: Uint8Array) => {},
    onEnd: () => {},
  };
  const console = { log: (...values: unknown[]) => logged.push(values) };
  const names = { FrameOutput, createConnection, primitives, port, console };
  new Function(...Object.keys(names), stripTypeScriptTypes(example))(...Object.values(names));

  port.onBytes(rawFrame({ opcode: 1, payload: "hello" }));
  await Promise.resolve();
  port.onBytes(rawFrame({ opcode: 8, payload: closePayload(1000, "bye") }));
  port.onEnd();
  const frames = decodeFrames(joinBytes(...written));
  expect(frames.map(({ opcode, payload }) => [opcode, Buffer.from(payload).toString("latin1")])).toEqual([
    [1, "you said hello"],
    [8, "\x03\xe8"],
  ]);
  expect(logged).toEqual([["end"], ["closed", 1000, "bye", true]]);
});
