/** Types of the hub's public face. Compiled, never run: a line that must not compile says so. */
import { Hub } from "../../src/hub/hub.ts";
import type { Namespace } from "../../src/hub/namespace.ts";
import type { HubPlatform } from "../../src/hub/platform.ts";
import type { Socket } from "../../src/hub/socket.ts";
import type { BothwaysError } from "../../src/model/bothways-error.ts";
import type { BroadcastError } from "../../src/model/events.ts";
import type { DisconnectReason } from "../../src/model/reasons.ts";

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
