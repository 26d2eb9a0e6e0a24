/**
 * The traces of docs/protocol/bothways-1.md §9: what happens in each, told to the real machines (trace.ts), which write
 * down what went over the network.
 */
import type { Data } from "../packages/bothways/src/model/message.ts";
import { ACK, CONNECT, EVENT } from "../packages/bothways/src/model/packet.ts";
import { encodeBody } from "../packages/bothways/src/wire/native/body.ts";
import { encodeFrame } from "../packages/bothways/src/wire/native/frame.ts";
import { encodePacket } from "../packages/bothways/src/wire/native/packet.ts";
import { type Attempt, Trace, WebSocketPair } from "./trace.ts";

/** Names of the traces in the page, and what makes each. */
export const traces: Readonly<Record<string, () => string>> = {
  websocket: newOverWebSocket,
  http: newOverHttp,
  stream: newOverStream,
  acks: answers,
  credit: creditExhausted,
  resume: resumeAfterCut,
  "lost-welcome": lostWelcome,
  switch: liveSwitch,
  hedge: hedgedAttempts,
  gap: gapAfterRestart,
  "taken-over": takenOver,
  binary: binaryForms,
};

function newOverWebSocket(): string {
  const trace = new Trace();
  trace.openWebSocket();
  trace.settle();
  trace.emit({ type: EVENT, data: ["hi", "there"] });
  trace.settle();
  trace.say("     # a second later");
  trace.advance(1000);
  const hello = trace.lines[1]?.trim() ?? "";
  return `${trace.text()}\n\nThe second item of the header, whole:\n${Buffer.from(hello).toString("base64url")}`;
}

function newOverHttp(): string {
  const trace = new Trace();
  trace.hub.sockets.on(
    "connection",
    (socket) => void socket.on("hi", (name) => void socket.emit("hello", name)),
  );
  trace.openHttp();
  trace.settle();
  trace.emit({ type: EVENT, data: ["hi", "there"] });
  trace.settle();
  return trace.text();
}

function newOverStream(): string {
  const trace = new Trace();
  trace.hub.sockets.on(
    "connection",
    (socket) => void socket.on("hi", (name) => void socket.emit("hello", name)),
  );
  trace.openHttp(false, true);
  trace.settle();
  trace.emit({ type: EVENT, data: ["hi", "there"] });
  trace.settle();
  trace.say("     # a second later");
  trace.advance(1000);
  return trace.text();
}

function answers(): string {
  const trace = new Trace();
  trace.hub.sockets.on("connection", (socket) => {
    socket.on("add", (a, b) => a + b);
    socket.on("fail", () => Promise.reject(Object.assign(new Error("no"), { data: { why: "it may not" } })));
  });
  trace.openWebSocket();
  trace.settle();
  trace.lines.length = 0;
  trace.emit({ type: EVENT, id: 1, data: ["add", 2, 3] });
  trace.emit({ type: EVENT, id: 2, data: ["unheard of"] });
  trace.settle();
  trace.hub.sockets.emit("add", 4, 5, () => {});
  trace.settle();
  trace.emit({ type: ACK, id: 1, data: [9] });
  trace.settle();
  return trace.text();
}

function creditExhausted(): string {
  const trace = new Trace({ windowMessages: 2, windowBytes: 1000 });
  trace.openWebSocket();
  trace.settle();
  trace.lines.length = 0;
  for (const name of ["one", "two", "three", "four"]) trace.emit({ type: EVENT, data: [name] });
  trace.emit({ type: ACK, id: 7, data: ["an answer"] });
  trace.settle();
  return trace.text();
}

function resumeAfterCut(): string {
  const trace = new Trace();
  const pair = trace.openWebSocket();
  trace.settle();
  trace.lines.length = 0;
  trace.hub.sockets.emit("one");
  trace.settle();
  pair.isDeaf = true;
  trace.hub.sockets.emit("two");
  trace.emit({ type: EVENT, data: ["mine"] });
  trace.settle();
  pair.cut();
  trace.hub.sockets.emit("three");
  trace.openWebSocket();
  trace.settle();
  return trace.text();
}

function lostWelcome(): string {
  const trace = new Trace();
  const pair = trace.openWebSocket();
  trace.settle();
  trace.lines.length = 0;
  pair.cut();
  const second = trace.openWebSocket();
  second.isDeaf = true;
  trace.settle();
  second.cut();
  trace.openWebSocket();
  trace.settle();
  return trace.text();
}

function liveSwitch(): string {
  const trace = new Trace();
  trace.openHttp();
  trace.settle();
  trace.lines.length = 0;
  trace.openWebSocket();
  trace.emit({ type: EVENT, data: ["said meanwhile"] });
  trace.settle();
  return trace.text();
}

function hedgedAttempts(): string {
  const trace = new Trace();
  const slow = trace.openWebSocket();
  slow.held = [];
  trace.settle();
  trace.say("     # the client has heard nothing for a while; what the server said is on its way");
  trace.openHttp(true);
  trace.settle();
  trace.say("     # what was on its way arrives, and is ignored");
  slow.release();
  trace.settle();
  return trace.text();
}

function gapAfterRestart(): string {
  const trace = new Trace();
  const pair = trace.openWebSocket();
  trace.settle();
  trace.hub.sockets.emit("news");
  trace.settle();
  trace.lines.length = 0;
  pair.cut();
  trace.say("     # the server starts anew");
  trace.restartServer();
  trace.openWebSocket();
  trace.settle();
  return trace.text();
}

function takenOver(): string {
  const trace = new Trace();
  trace.openWebSocket();
  trace.settle();
  trace.lines.length = 0;
  trace.say("     # somebody else has learned the session's id and secret");
  const thief = trace.createClient("other");
  const { sid = "", secret = "" } = trace.client.dial({}, true, []);
  const attempt: Attempt = {};
  const hello = { ...thief.dial(attempt, false, [["/"]]), generation: 2, sid, secret };
  thief.generation = 2;
  const handler = trace.handlerOf(attempt, thief);
  attempt.link = new WebSocketPair(trace, String(encodeFrame(["h", hello])), handler).client;
  trace.settle();
  return trace.text();
}

function binaryForms(): string {
  const packet = {
    type: EVENT,
    namespace: "/",
    id: 5,
    data: ["put", "!x", new Uint8Array([1, 2, 255])],
  } as const;
  const message = encodePacket(packet);
  const join = encodePacket({ type: CONNECT, namespace: "/chat", data: { token: "t" } });
  return [
    'the packet      5, of type EVENT, in /: ["put", "!x", <01 02 ff>]',
    `as a frame      ${hex(message)}`,
    `                m · 20 bytes: 25["put","!!x","!0"] · 3 bytes: 01 02 ff`,
    `in a body       ${hex(encodeBody(["n1", message, join]))}`,
    `                00 · text, 2 bytes: n1 · binary, 32 bytes: the frame · text, ${join.length} bytes: ${join}`,
  ].join("\n");
}

function hex(data: Data): string {
  return Buffer.from(data)
    .toString("hex")
    .replace(/(.{8})/g, "$1 ")
    .trim();
}
