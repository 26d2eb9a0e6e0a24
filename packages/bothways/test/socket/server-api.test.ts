/** The server's own features over real links: what needs a codec, a transport or both sides at once. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { io as connect, type IoOptions } from "../../src/client/index.node.ts";
import { Server } from "../../src/server/index.ts";
import { type Client, next, untilConnected } from "../suites/rig.ts";

async function open(): Promise<{
  io: Server;
  client: (name: string, options?: IoOptions) => Client;
}> {
  const httpServer = createServer().listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  const io = new Server(httpServer);
  const url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
  onTestFinished(() => io[Symbol.asyncDispose]());
  const client = (name: string, options?: IoOptions): Client => {
    const socket = connect(url + name, { forceNew: true, ...options }) as unknown as Client;
    onTestFinished(() => void socket.disconnect());
    return socket;
  };
  return { io, client };
}

test.each(["websocket", "long-polling"])(
  "over %s: a namespace by a pattern, and its end",
  async (transport) => {
    const { io, client } = await open();
    const parent = io.of((name, auth, answer) => setTimeout(answer, 1, null, name === `/${auth.room}`));
    const ended = new Promise((resolve) =>
      parent.on("connection", (socket) => socket.on("disconnect", () => setImmediate(resolve, socket))),
    );
    const welcome = client("/kitchen", { auth: { room: "kitchen" }, transports: [transport] });
    await untilConnected(welcome);
    expect([...parent.children].map(({ name }) => name)).toEqual(["/kitchen"]);
    const refused = client("/kitchen", { auth: { room: "cellar" }, transports: [transport] });
    const stranger = client("/attic", { auth: { room: "cellar" }, transports: [transport] });
    expect(await next(stranger, "connect_error")).toMatchObject([{ message: "Invalid namespace" }]);
    // what exists is open to all whom its middleware lets in, as in Socket.IO
    await untilConnected(refused);
    refused.disconnect();
    welcome.disconnect();
    await ended;
    await expect.poll(() => parent.children.size).toBe(0);
  },
);

test.each(["websocket", "long-polling"])(
  "over %s: what is replayed is what was said then",
  async (transport) => {
    const { io, client } = await open();
    io.history();
    io.on("connection", (socket) => socket.on("follow", (since) => socket.join("r", { since })));
    const said = { text: "then", bytes: new Uint8Array([1, 2, 3]) };
    io.to("r").emit("said", said);
    said.text = "now";
    said.bytes.fill(9);
    const socket = client("/", { transports: [transport] });
    const heard = next(socket, "said");
    expect(await socket.emitWithAck("follow", "")).toMatchObject({ recovered: true, replayed: 1 });
    const [message, position] = await heard;
    expect(message).toEqual({ text: "then", bytes: new Uint8Array([1, 2, 3]) });
    expect(await client("/", { transports: [transport] }).emitWithAck("follow", position)).toMatchObject({
      recovered: true,
      replayed: 0,
      position,
    });
  },
);

test("a refused event, a signal, and a fetched socket, seen from both sides", async () => {
  const { io, client } = await open();
  io.on("connection", (socket) => {
    socket.use(([event], pass) =>
      pass(event === "no" ? Object.assign(new Error("no"), { data: [1] }) : null),
    );
    socket.on("error", () => undefined);
  });
  const socket = client("/");
  await expect(socket.emitWithAck("no")).rejects.toMatchObject({ code: "BW_ACK_REFUSED", data: [1] });
  socket.on("silent", (_answer: unknown) => undefined);
  socket.on("ask", () => "answer");
  const [remote] = await io.fetchSockets();
  expect(remote?.id).toBe(socket.id);
  expect(await remote?.emitWithAck("ask")).toBe("answer");
  const controller = new AbortController();
  const answers = io.signal(controller.signal).emitWithAck("silent");
  controller.abort();
  await expect(answers).rejects.toMatchObject({ code: "BW_ABORTED", responses: [] });
});
