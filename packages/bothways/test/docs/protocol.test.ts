/** The traces of the protocol's text speak its language: each frame in them parses, each hello is one that a server takes. */
import { describe, expect, test } from "vitest";
import { decodeBody } from "../../src/wire/native/body.ts";
import { parseClientFrame } from "../../src/wire/native/client-frame.ts";
import { encodeFrame, parseFrame } from "../../src/wire/native/frame.ts";
import { parseHello } from "../../src/wire/native/hello.ts";
import { decodePacket } from "../../src/wire/native/packet.ts";
import { readPage } from "./programs.ts";

const page = readPage("docs/protocol/bothways-1.md");
const traces = [...page.matchAll(/<!-- trace:([\w-]+):start[^\n]*\n```text\n([\s\S]*?)\n```/g)].map(
  ([, name = "", text = ""]) => ({ name, text }),
);

/** Frames of a trace: what stands alone on a line, without its arrow and remarks. */
function framesOf(text: string): string[] {
  const [trace = ""] = text.split("\n\n");
  return trace
    .split("\n")
    .map((line) => line.replace(/^(C→S|S→C) {2}| +# .*$/g, "").trim())
    .filter((line) => /^[a-z]/.test(line) && !line.startsWith("close "));
}

describe("traces", () => {
  test.each(traces.filter(({ name }) => name !== "binary"))("$name", ({ text }) => {
    const frames = framesOf(text);
    expect(frames.length).toBeGreaterThan(3);
    for (const frame of frames) {
      if (/^[qsk]/.test(frame)) expect(frame).toMatch(/^[qsk][^,]{1,256},\d{1,15}$/);
      else if (frame.startsWith("t")) expect(frame).toMatch(/^t[a-z-]+$/);
      else if (frame.startsWith("h")) expect(parseHello(frame, 32), frame).toBeTypeOf("object");
      else {
        const parsed = (frame[0] === "w" ? parseFrame : parseClientFrame)(frame);
        if (parsed?.[0] === "c") expect(frame).toBe(`c${parsed[1]},${parsed[2]}`);
        else if (parsed?.[0] === "m" || parsed?.[0] === "v") expect(decodePacket(frame), frame).toBeDefined();
        else expect(parsed && encodeFrame(parsed), frame).toBe(frame);
      }
    }
  });
});

test("the hello in the handshake's header is the trace's", () => {
  const { text = "" } = traces.find(({ name }) => name === "websocket") ?? {};
  const header = text.split("\n").at(-1) ?? "";
  expect(text).toContain(`\n       ${Buffer.from(header, "base64url")}\n`);
});

test("the bytes of the binary form decode to the packet they are said to be", () => {
  const { text = "" } = traces.find(({ name }) => name === "binary") ?? {};
  const [message, body] = [...text.matchAll(/(?:frame|body) +([0-9a-f ]+)$/gm)].map(
    ([, hex = ""]) => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex")),
  );
  const packet = { type: 2, namespace: "/", id: 5, data: ["put", "!x", new Uint8Array([1, 2, 255])] };
  expect(decodePacket(message ?? "")).toEqual(packet);
  expect(decodeBody(body ?? new Uint8Array())).toEqual(["n1", message, 'm0/chat,{"token":"t"}']);
});
