/** Types of the hub's public face. Compiled, never run: a line that must not compile says so. */

import type { JoinedRoom } from "../../src/hub/history.ts";
import { Hub } from "../../src/hub/hub.ts";
import type { Namespace } from "../../src/hub/namespace.ts";
import type { ParentNamespace } from "../../src/hub/parent-namespace.ts";
import type { HubPlatform } from "../../src/hub/platform.ts";
import type { Present } from "../../src/hub/presence.ts";
import type { RemoteSocket } from "../../src/hub/remote-socket.ts";
import type { Socket } from "../../src/hub/socket.ts";
import type { BothwaysError } from "../../src/model/bothways-error.ts";
import type { BroadcastError } from "../../src/model/events.ts";
import type { DisconnectReason } from "../../src/model/reasons.ts";
import { Server } from "../../src/server/server.ts";

declare const platform: HubPlatform;

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(equal: Equal<A, B>): void;

// Without an events map everything goes, as in Socket.IO.
const loose = new Hub(platform);
loose.sockets.on("connection", (socket) => {
  socket.on("chat", (msg) => loose.sockets.emit("chat", msg));
  socket.on("chat", (msg) => msg.text.length);
  socket.on("chat", (msg: string, callback: (ok: boolean) => void) => callback(msg.length > 0));
  socket.on("save", async (doc, callback) => callback(null, doc.id));
  socket.on("sum", (a, b) => a + b);
  socket.on("disconnect", (reason) => same<typeof reason, DisconnectReason>(true));
  socket.once("away", () => socket.emit("bye"));
  socket.onAny((event, ...args) => same<typeof event, string>(true) ?? args.length);
  socket.emit("hello", "world", 1, new Uint8Array(1), (answer: string) => answer.length);
  socket.timeout(5).emit("hello", (error: Error | null, answer: string) => error ?? answer);
  socket.data.anything = 1;
  const answer: Promise<string> = socket.emitWithAck("ask", 1);
  const answers: Promise<string[]> = loose.sockets.timeout(1).emitWithAck("ask");
  void [answer, answers];
  // @ts-expect-error a reserved event has its own arguments
  socket.on("disconnect", (reason: number) => reason);
  // @ts-expect-error rooms are changed by join and leave
  socket.rooms.add("a");
});
loose.sockets.use((socket, next) => (socket.handshake.auth.token ? next() : next(new Error("no"))));
loose.sockets.use(async (socket) => {
  socket.data.user = socket.handshake.query.user;
});

interface ClientToServer {
  chat: (text: string) => void;
  save: (doc: { id: number }, callback: (version: number, at: string) => void) => void;
}

interface ServerToClient {
  chat: (from: string, text: string) => void;
  tick: () => void;
  ask: (question: string, callback: (answer: number) => void) => void;
}

interface ServerToServer {
  ping: () => void;
  load: (node: string, callback: (percent: number) => void) => void;
}

interface Data {
  user: string;
}

const io = new Hub<ClientToServer, ServerToClient, ServerToServer, Data>(platform);
type IoSocket = Socket<ClientToServer, ServerToClient, ServerToServer, Data>;

io.sockets.use((socket, next) => {
  same<typeof socket.data, Data>(true);
  socket.data.user = "ada";
  next(Object.assign(new Error("no"), { data: { code: 1 } }));
});

io.sockets.on("connection", async (socket) => {
  same<typeof socket, IoSocket>(true);
  same<typeof socket.nsp, Namespace<ClientToServer, ServerToClient, ServerToServer, Data>>(true);

  socket.on("chat", (text) => same<typeof text, string>(true));
  socket.on("save", (doc, callback) => {
    same<typeof doc, { id: number }>(true);
    callback(doc.id, "now");
    // @ts-expect-error the answer has two arguments
    callback(doc.id);
  });
  socket.on("save", async (doc) => doc.id);
  socket.once("disconnecting", (reason) => same<typeof reason, DisconnectReason>(true));
  // @ts-expect-error not an event of the client
  socket.on("tick", () => undefined);
  // @ts-expect-error its argument is a string
  socket.on("chat", (text: number) => text);

  socket.emit("chat", "ada", "hi");
  socket.emit("tick");
  socket.emit("ask", "why", (answer) => same<typeof answer, number>(true));
  socket.volatile.emit("tick");
  // @ts-expect-error an argument is missing
  socket.emit("chat", "ada");
  // @ts-expect-error not an event of the server
  socket.emit("save", { id: 1 });
  // @ts-expect-error reserved events are not sent
  socket.emit("disconnect");

  socket.timeout(5).emit("ask", "why", (error, answer) => {
    same<typeof error, BothwaysError | null>(true);
    same<typeof answer, number>(true);
  });
  same<number, Awaited<ReturnType<typeof askOne>>>(true);
  // @ts-expect-error emitWithAck takes no callback
  await socket.emitWithAck("ask", "why", () => undefined);

  io.sockets.to("room").emit("chat", "ada", "hi");
  socket.broadcast.except("room").volatile.emit("tick");
  // @ts-expect-error an argument is missing
  socket.to("room").emit("chat", "ada");
  io.sockets.timeout(5).emit("ask", "why", (error, answers) => {
    same<typeof error, BroadcastError<number> | null>(true);
    same<typeof answers, number[]>(true);
  });
  same<number[], Awaited<ReturnType<typeof askAll>>>(true);

  const askOne = () => socket.timeout(5).emitWithAck("ask", "why");
  const askAll = () => io.sockets.timeout(5).emitWithAck("ask", "why");
});

// Without a second map both directions carry the same events.
const echo = new Hub<ClientToServer>(platform);
echo.sockets.emit("chat", "hi");

// A namespace may have events of its own.
const chat: Namespace<ClientToServer, ServerToClient> = loose.of("/chat");
chat.emit("tick");
// @ts-expect-error not an event of the server
chat.emit("tock");

// Dynamic namespaces: names go to namespaces, patterns and functions to parents.
type IoNamespace = Namespace<ClientToServer, ServerToClient, ServerToServer, Data>;
type IoParent = ParentNamespace<ClientToServer, ServerToClient, ServerToServer, Data>;
const parent = io.of(/room/, (socket) => same<typeof socket, IoSocket>(true));
same<typeof parent, IoParent>(true);
const judged = io.of((name, auth, next) => next(null, name === auth.room));
judged.use((socket, next) => (socket.data.user ? next() : next(new Error("no"))));
judged.on("connection", (socket) => same<typeof socket, IoSocket>(true)).emit("tick");
same<typeof judged.children, Set<IoNamespace>>(true);
io.sockets.on("new_namespace", (namespace) => same<typeof namespace, IoNamespace>(true));
// @ts-expect-error a parent raises connect and connection only
judged.on("tick", () => undefined);
// @ts-expect-error neither a name nor a test of names
io.of(1);

declare const socket: IoSocket;
declare const signal: AbortSignal;

// Functions between events and handlers.
socket.use(([event, ...args], next) => (event === "chat" && args[0] ? next() : next(new Error("no"))));
socket.use(async ([event]) => void same<typeof event, string>(true));
socket.on("error", (error) => same<typeof error, Error>(true));
// @ts-expect-error next takes an error
socket.use((_event, next) => next("no"));
socket.prependAny((event) => same<typeof event, string>(true)).prependAnyOutgoing((event) => event.length);

// An iteration gives the arguments of the event.
for await (const args of socket.events("chat")) same<typeof args, [text: string]>(true);
// @ts-expect-error not an event of the client
socket.events("tick");
using _disposable = socket;
await using _iterator = socket.events("chat");

// Signals: callbacks take an error first, promises are as they were.
socket.signal(signal).emit("ask", "why", (error, answer) => {
  same<typeof error, BothwaysError | null>(true);
  same<typeof answer, number>(true);
});
same<Awaited<ReturnType<typeof askSignalled>>, [number, number[]]>(true);
const askSignalled = async (): Promise<[number, number[]]> => [
  await socket.compress(true).signal(signal).emitWithAck("ask", "why"),
  await io.sockets.to("a").signal(signal).emitWithAck("ask", "why"),
];
// @ts-expect-error not a signal
socket.signal({ aborted: false });

// Sockets of a room, wherever they are.
for (const remote of await io.sockets.in("a").local.compress(false).fetchSockets()) {
  same<typeof remote, RemoteSocket<ServerToClient, Data>>(true);
  same<typeof remote.data, Data>(true);
  remote.emit("chat", "ada", "hi");
  same<number, Awaited<ReturnType<typeof askRemote>>>(true);
  const askRemote = () => remote.timeout(5).emitWithAck("ask", "why");
  // @ts-expect-error not an event of the server
  remote.emit("save", { id: 1 });
}
for (const remote of await socket.broadcast.fetchSockets()) same<typeof remote.data, Data>(true);
io.sockets.except("a").socketsJoin(["b", "c"]);
io.sockets.in("a").socketsLeave("b");
io.sockets.in("a").disconnectSockets(true);

// Other servers.
io.sockets.serverSideEmit("ping");
io.sockets.serverSideEmit("load", "a", (error, answers) => {
  same<typeof error, BroadcastError<number> | null>(true);
  same<typeof answers, number[]>(true);
});
same<Promise<number[]>, ReturnType<typeof askServers>>(true);
const askServers = () => io.sockets.serverSideEmitWithAck("load", "a");
// @ts-expect-error not an event between servers
io.sockets.serverSideEmit("chat", "hi");

// History and presence.
same<typeof history, IoNamespace>(true);
const history = io.of("/h").history({ rooms: ["a"], maxMessages: 1, maxBytes: 1, maxAgeMs: 1 });
same<typeof joined, Promise<JoinedRoom>>(true);
const joined = socket.join("a", { since: null });
same<void, ReturnType<typeof joinPlainly>>(true);
const joinPlainly = () => socket.join(["a", "b"]);
same<Promise<JoinedRoom>, ReturnType<typeof joinSeveral>>(true);
const joinSeveral = () => socket.join(["a"], { since: "" });
const presence = io.sockets.presence({ key: ({ data }) => data.user });
presence.on("join", ({ room, key }) => same<[typeof room, typeof key], [string, string]>(true));
same<Promise<Present[]>, ReturnType<typeof presence.who>>(true);
// @ts-expect-error a key is a text
io.sockets.presence({ key: () => 1 });

// The server speaks for its default namespace.
const server = new Server<ClientToServer, ServerToClient, ServerToServer, Data>();
server.on("connection", (each) => same<typeof each, IoSocket>(true));
server.once("new_namespace", (namespace) => same<typeof namespace, IoNamespace>(true));
server
  .on("load", (node, callback) => callback(node.length))
  .off("ping")
  .off();
server.of(/room/, (each) => same<typeof each, IoSocket>(true)).emit("tick");
server.of("/a").signal(signal);
same<ReturnType<typeof server.fetchSockets>, Promise<RemoteSocket<ServerToClient, Data>[]>>(true);
same<ReturnType<typeof server.history>, typeof server>(true);
// @ts-expect-error not an event between servers
server.on("chat", () => undefined);
await using _server = server;
