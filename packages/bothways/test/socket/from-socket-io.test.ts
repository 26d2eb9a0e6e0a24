/** Rows of docs/migrate/from-socket-io.md that no other test hits: what behaves otherwise than there. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { io as connect } from "../../src/client/index.node.ts";
import { Server } from "../../src/server/index.ts";
import { type Client, next, nextReason, type ServerSocket, untilConnected } from "../suites/rig.ts";

async function listen(io: Server, port = 0): Promise<number> {
  const httpServer = createServer().listen(port, "127.0.0.1");
  await once(httpServer, "listening");
  io.attach(httpServer);
  onTestFinished(() => io.close());
  return (httpServer.address() as AddressInfo).port;
}

function client(address: string): Client {
  const socket = connect(address, { forceNew: true, reconnectionDelay: 10 }) as unknown as Client;
  onTestFinished(() => void socket.disconnect());
  return socket;
}

async function pair(): Promise<{ server: ServerSocket; socket: Client }> {
  const io = new Server();
  const port = await listen(io);
  const connection = next<[ServerSocket]>(io, "connection");
  const socket = client(`http://127.0.0.1:${port}`);
  const [server] = await connection;
  await untilConnected(socket);
  return { server, socket };
}

test("an async handler has answered when it is over, whatever it does with the callback later", async () => {
  const { server, socket } = await pair();
  let answer: ((word: string) => void) | undefined;
  server.on("late", async (...args) => {
    answer = args.at(-1);
  });
  server.on("in time", async (_value = 1, answerNow?: (word: string) => void) => answerNow?.("here"));
  expect(await socket.emitWithAck("late", 1)).toBeNull();
  answer?.("too late");
  expect(await socket.emitWithAck("in time", 1)).toBe("here");
});

test("onAny hears what passed the functions of use, which see no callback", async () => {
  const { server, socket } = await pair();
  const seen: unknown[] = [];
  server.onAny((event) => seen.push(`any ${event}`));
  server.use((data, pass) => {
    seen.push(data.length);
    if (data[0] === "old") data[0] = "new";
    pass(data[0] === "no" ? new Error("no") : null);
  });
  server.on("new", () => "heard");
  server.on("error", () => undefined);
  await socket.emitWithAck("no").catch(() => undefined);
  expect(await socket.emitWithAck("old", 1)).toBe("heard");
  expect(seen).toEqual([1, 2, "any new"]);
});

test("off takes away a listener that was added twice", async () => {
  const { server, socket } = await pair();
  for (const each of [server, socket]) {
    const listener = (): void => {};
    each.on("x", listener).on("x", listener).off("x", listener);
    expect(each.hasListeners("x")).toBe(false);
  }
});

test("two volatile events of one turn arrive", async () => {
  const { server, socket } = await pair();
  const heard: number[] = [];
  socket.on("x", (number) => heard.push(number));
  await socket.emitWithAck("ready").catch(() => undefined);
  server.volatile.emit("x", 1);
  server.volatile.emit("x", 2);
  server.emit("end");
  await next(socket, "end");
  expect(heard).toEqual([1, 2]);
});

test("a client that emits an event whose name is a number is disconnected", async () => {
  const { socket } = await pair();
  const reason = nextReason(socket);
  socket.emit(5 as never, 1);
  expect(await reason).toBe("parse error");
});

test("one message may be longer than all that waits, but not than the client's account", async () => {
  const { server, socket } = await pair();
  const reason = nextReason(server);
  const heard = next<[string]>(socket, "long");
  server.emit("long", "x".repeat(2_000_000));
  expect((await heard)[0]).toHaveLength(2_000_000);
  server.emit("longer", "x".repeat(8_000_000));
  expect(await reason).toBe("overflow");
});

test("rooms entered in middleware are entered when the client hears that it joined", async () => {
  const io = new Server();
  io.use((socket, pass) => {
    socket.join("early");
    pass();
  });
  const socket = client(`http://127.0.0.1:${await listen(io)}`);
  const heard = next(socket, "x");
  socket.on("connect", () => io.to("early").emit("x", 1));
  expect(await heard).toEqual([1]);
});

test("who asks for more namespaces at once than it may have is told why it gets none", async () => {
  const io = new Server({ maxNamespacesPerPeer: 2 });
  const address = `http://127.0.0.1:${await listen(io)}`;
  const sockets = ["/", "/a", "/b"].map((name) => connect(address + name));
  const errors = await Promise.all(sockets.map((socket) => next<[Error]>(socket, "connect_error")));
  expect(errors.map(([{ message }]) => message)).toEqual(Array(3).fill("too many namespaces for one client"));
});

test("a server that was closed stays closed", async () => {
  const io = new Server();
  const port = await listen(io);
  await io.close();
  await listen(io, port);
  const socket = client(`http://127.0.0.1:${port}`);
  await next(socket, "connect_error");
  expect(socket.connected).toBe(false);
});

test("an address needs a scheme", () => {
  expect(() => client("localhost:3000")).toThrow(expect.objectContaining({ code: "BW_SERVER_URL" }));
});
