/** Types that follow from a contract. Compiled, never run: a line that must not compile says so. */
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { io as connect } from "../../src/client/index.node.ts";
import {
  type ClientEmits,
  type ClientListens,
  defineContract,
  type ServerEmits,
  type ServerListens,
} from "../../src/contract/index.ts";
import type { Socket } from "../../src/hub/socket.ts";
import type { DefaultEventsMap } from "../../src/model/events.ts";
import type { DisconnectReason } from "../../src/model/reasons.ts";
import { Server } from "../../src/server/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(equal: Equal<A, B>): void;

const contract = defineContract({
  toServer: {
    say: [z.string(), v.number()],
    move: type({ x: "number" }),
    wait: z.coerce.number(),
    count: { args: z.string(), ack: z.number() },
    leave: { args: [], ack: z.undefined() },
    tick: [],
  },
  toClient: {
    said: [z.string()],
    confirm: { args: v.string(), ack: type("boolean") },
    stop: [],
  },
});
type Agreed = typeof contract;

// The server has the types of its contract without naming one.
const io = new Server(3000, { contract });
same<typeof io, Server<ServerListens<Agreed>, ServerEmits<Agreed>>>(true);

io.on("connection", async (socket) => {
  same<typeof socket, Socket<ServerListens<Agreed>, ServerEmits<Agreed>>>(true);
  socket.on("disconnect", (reason) => same<typeof reason, DisconnectReason>(true));
  socket.on("say", (text, times) => {
    same<typeof text, string>(true);
    same<typeof times, number>(true);
  });
  socket.on("say", () => 7);
  socket.on("move", (point) => same<typeof point, { x: number }>(true));
  // What a schema makes of an argument is what the handler gets.
  socket.on("wait", (ms) => same<typeof ms, number>(true));
  socket.on("tick", () => undefined);

  // The ack is what the handler returns.
  socket.on("count", (word) => word.length);
  socket.on("count", async (word) => word.length);
  // @ts-expect-error the answer is a number
  socket.on("count", (word) => word);
  // @ts-expect-error the answer is a number
  socket.on("count", async (word) => word);
  // @ts-expect-error there must be one
  socket.on("count", () => undefined);
  socket.on("leave", async () => undefined);
  // @ts-expect-error at once `undefined` is no answer
  socket.on("leave", () => undefined);
  // @ts-expect-error not an event of the contract
  socket.on("shout", () => undefined);
  // @ts-expect-error its argument is a string
  socket.on("count", (word: number) => word);

  socket.emit("said", "hi");
  socket.emit("stop");
  socket.broadcast.emit("said", "hi");
  // @ts-expect-error its argument is a string
  socket.emit("said", 1);
  // @ts-expect-error an argument is missing
  io.emit("said");
  // @ts-expect-error clients send it
  io.emit("say", "hi", 1);
  const one: boolean = await socket.emitWithAck("confirm", "sure?");
  const all: boolean[] = await io.timeout(1).emitWithAck("confirm", "sure?");
  socket.emit("confirm", "sure?", (yes) => same<typeof yes, boolean>(true));
  // @ts-expect-error the answer is a boolean
  const wrong: Promise<string> = socket.emitWithAck("confirm", "sure?");
  void [one, all, wrong];
});

// The client takes the types alone.
const client = connect<ClientListens<Agreed>, ClientEmits<Agreed>>("http://localhost:3000");
client.on("connect", async () => {
  client.emit("say", "hi", 1);
  client.emit("move", { x: 1 });
  client.emit("tick");
  // `z.coerce` takes anything.
  client.emit("wait", "7");
  // @ts-expect-error an argument is missing
  client.emit("say", "hi");
  // @ts-expect-error its argument has a number
  client.emit("move", { x: "1" });
  // @ts-expect-error not an event of the contract
  client.emit("shout");
  // @ts-expect-error the server sends it
  client.emit("said", "hi");
  const count: number = await client.emitWithAck("count", "word");
  client.emit("count", "word", (length) => same<typeof length, number>(true));
  const left: undefined = await client.emitWithAck("leave");
  // @ts-expect-error the answer is a number
  const wrong: Promise<string> = client.emitWithAck("count", "word");
  void [count, left, wrong];
});
client.on("said", (text) => same<typeof text, string>(true));
client.on("confirm", (question) => question.length > 0);
// @ts-expect-error the answer is a boolean
client.on("confirm", (question) => question);
// @ts-expect-error clients send it
client.on("say", () => undefined);

// A namespace may have a contract of its own.
const admin = io.of("/admin", defineContract({ toServer: { kick: z.string() } }));
admin.on("connection", (socket) => {
  socket.on("kick", (id) => same<typeof id, string>(true));
  // @ts-expect-error an event of the other contract
  socket.on("say", () => undefined);
  // @ts-expect-error the server sends nothing
  socket.emit("said", "hi");
});

// Without a contract all is as it was.
same<Server, Server<DefaultEventsMap, DefaultEventsMap>>(true);
const loose = new Server(3000, { pingInterval: 1 });
same<typeof loose, Server>(true);
loose.on("connection", (socket) => socket.on("anything", (value) => socket.emit("else", value.x)));

interface Data {
  user: string;
}
const typed = new Server<ServerListens<Agreed>, ServerEmits<Agreed>, DefaultEventsMap, Data>({ contract });
typed.use(({ data }) => same<typeof data, Data>(true));

// @ts-expect-error a schema is missing
defineContract({ toServer: { say: "string" } });
// @ts-expect-error an ack without arguments: write `args: []`
defineContract({ toServer: { say: { ack: z.string() } } });
// @ts-expect-error no such policy
defineContract({ unknownEvents: "ignore" });
