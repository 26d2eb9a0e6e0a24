/**
 * The floor: Node's own HTTP server and sockets and no library. It takes apart no more of a message than is needed to
 * count it, and answers with bytes that were made before. What it costs is Node's and the kernel's.
 *
 * It speaks as much of bothways/1 as the load generator looks at, to clients that make no mistakes.
 */
import { createServer, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { payload } from "../load/conversation.ts";
import { listen } from "./application.ts";
import { answerRun } from "./process.js";

const message = (event: string): string => `m2${JSON.stringify([event, payload])}`;
const joined = 'm0{"sid":"floor"}';

/** A short text frame of a server (RFC 6455 §5.2). */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.of(0x81, text.length), Buffer.from(text)]);
}

const echo = frame(message("echo"));
const echoes = Buffer.concat(Array.from({ length: 64 }, () => echo));
const entered = frame(message("entered"));
const shout = frame(message("shout"));
const accepted = Buffer.concat([
  Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
  frame(joined),
]);
const room: Duplex[] = [];

function serveWebSocket(socket: Duplex): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let count = 0;
    let at = 0;
    for (let end = endOfFrame(bytes, at); end <= bytes.length; end = endOfFrame(bytes, at)) {
      // what an event's name begins with, unmasked; frames that are no events are shorter
      const letter = end - at < 20 ? "" : String.fromCharCode((bytes[at + 10] ?? 0) ^ (bytes[at + 2] ?? 0));
      if (letter === "s") for (const member of room) member.write(shout);
      else if (letter === "e" && end - at === echo.length + 4) count++;
      else if (letter === "e" && room.push(socket)) socket.write(entered);
      at = end;
    }
    rest = bytes.subarray(at);
    if (count > 0) socket.write(echoes.subarray(0, count * echo.length));
  });
  socket.write(accepted);
}

function endOfFrame(bytes: Buffer, at: number): number {
  return at + 6 + ((bytes[at + 1] ?? 0) & 0x7f);
}

/** A poll that is held, or how many events wait for one. */
const polls = new Map<string, ServerResponse | number>();
let keys = 0;

function serveExchange(body: string, response: ServerResponse): void {
  const key = body.slice(1, body.indexOf(","));
  const known = polls.get(key) ?? 0;
  if (body.startsWith("h")) respond(response, `w{"key":"${++keys}"}\n${joined}`);
  else if (body.startsWith("q")) {
    polls.set(key, known === 0 ? response : 0);
    if (typeof known === "number" && known > 0) respond(response, events(known));
  } else {
    const count = body.split("\nm").length - 1;
    polls.set(key, typeof known === "number" ? known + count : 0);
    if (typeof known !== "number") respond(known, events(count));
    respond(response, "a0,1024,1048576");
  }
}

function events(count: number): string {
  return Array.from({ length: count }, () => message("echo")).join("\n");
}

function respond(response: ServerResponse, body: string): void {
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": body.length });
  response.end(body);
}

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => {
    body += chunk.toString("latin1");
  });
  request.on("end", () => serveExchange(body, response));
});
server.on("upgrade", (_request, socket) => serveWebSocket(socket));
answerRun(listen(server));
