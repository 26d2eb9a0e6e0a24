/** One contract written in each of three libraries, between a real server and a real client. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { io as connect, type Socket } from "../../src/client/index.node.ts";
import { type ClientEmits, type ClientListens, defineContract } from "../../src/contract/index.ts";
import { Server } from "../../src/server/index.ts";
import { next } from "../suites/rig.ts";

/** The name is free unless it is "taken", which takes a look to know. */
const isFree = async (name: string): Promise<boolean> => {
  await new Promise(setImmediate);
  return name !== "taken";
};

const withZod = defineContract({
  toServer: {
    move: [z.object({ to: z.object({ x: z.number(), y: z.number() }) })],
    wait: { args: z.coerce.number(), ack: z.number() },
    rename: { args: [z.string().refine(isFree, "is taken")], ack: z.string() },
  },
  toClient: { moved: [z.number(), z.number()], ask: { args: [], ack: z.coerce.number() } },
});

const withValibot = defineContract({
  toServer: {
    move: [v.object({ to: v.object({ x: v.number(), y: v.number() }) })],
    wait: { args: v.pipe(v.unknown(), v.transform(Number), v.number()), ack: v.number() },
    rename: { args: [v.pipeAsync(v.string(), v.checkAsync(isFree, "is taken"))], ack: v.string() },
  },
  toClient: {
    moved: [v.number(), v.number()],
    ask: { args: [], ack: v.pipe(v.unknown(), v.transform(Number), v.number()) },
  },
});

/** arktype has no asynchronous checks. */
const withArktype = defineContract({
  toServer: {
    move: [type({ to: { x: "number", y: "number" } })],
    wait: { args: type("string.numeric.parse | number"), ack: type("number") },
    rename: {
      args: [type("string").narrow((name, context) => name !== "taken" || context.reject("free"))],
      ack: type("string"),
    },
  },
  toClient: {
    moved: [type("number"), type("number")],
    ask: { args: [], ack: type("string.numeric.parse | number") },
  },
});

type Agreed = typeof withZod;
type Client = Socket<ClientListens<Agreed>, ClientEmits<Agreed>>;

interface Scene {
  readonly io: Server;
  readonly client: Client;
  readonly errors: unknown[];
  /** What handlers got, in order. */
  readonly heard: unknown[];
}

async function listen<AnyServer extends Pick<Server, "attach" | "close">>(
  io: AnyServer,
): Promise<{ io: AnyServer; url: string }> {
  const httpServer = createServer().listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  io.attach(httpServer);
  onTestFinished(() => io.close());
  return { io, url: `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}` };
}

async function open(contract: Agreed): Promise<Scene> {
  const errors: unknown[] = [];
  const heard: unknown[] = [];
  const { io, url } = await listen(new Server({ contract, onError: (error) => errors.push(error) }));
  io.on("connection", (socket) => {
    socket.on("move", ({ to }) => {
      heard.push(to.x + to.y);
      socket.emit("moved", to.x, to.y);
    });
    socket.on("wait", (ms) => {
      heard.push(ms);
      return ms;
    });
    socket.on("rename", (name) => {
      heard.push(name);
      return `hello ${name}`;
    });
  });
  const client: Client = connect(url, { forceNew: true });
  onTestFinished(() => void client.disconnect());
  await next(client, "connect");
  return { io: io as unknown as Server, client, errors, heard };
}

const libraries: [string, Agreed][] = [
  ["zod", withZod],
  ["valibot", withValibot as unknown as Agreed],
  ["arktype", withArktype as unknown as Agreed],
];

describe.each(libraries)("%s", (_name, contract) => {
  test("what is as agreed goes through, both ways (option: contract)", async () => {
    const { client, heard, errors } = await open(contract);
    const moved = next(client, "moved");
    client.emit("move", { to: { x: 1, y: 2 } });
    expect(await moved).toEqual([1, 2]);
    expect([heard, errors]).toEqual([[3], []]);
  });

  test("handlers get what the schema makes of an argument", async () => {
    const { client, heard } = await open(contract);
    expect(await client.emitWithAck("wait", "7")).toBe(7);
    expect(heard).toEqual([7]);
  });

  test("the ack of a bad argument names the field", async () => {
    const { client, heard } = await open(contract);
    const wrong = { to: { x: 1, y: "two" } } as never;
    const failure = await new Promise<Error & { data?: unknown }>((resolve) =>
      (client as unknown as Socket).timeout(5000).emit("move", wrong, resolve),
    );
    expect(failure.message).toContain("BW_INVALID_ARGUMENT");
    expect(failure.message).toContain("move[0].to.y: ");
    expect(failure.data).toEqual({
      code: "BW_INVALID_ARGUMENT",
      issues: [{ path: [0, "to", "y"], message: expect.stringMatching(/number/) }],
    });
    expect(heard).toEqual([]);
  });

  test("without an ack the server reports it, and goes on", async () => {
    const { client, heard, errors } = await open(contract);
    client.emit("move", {} as never);
    expect(await client.emitWithAck("wait", 1)).toBe(1);
    expect(errors).toMatchObject([{ code: "BW_INVALID_ARGUMENT", data: { issues: [{ path: [0, "to"] }] } }]);
    expect(heard).toEqual([1]);
  });

  test("an unknown event is refused", async () => {
    const { client, errors } = await open(contract);
    const loose = client as unknown as Socket;
    await expect(loose.emitWithAck("shout")).rejects.toMatchObject({
      message: expect.stringContaining("shout"),
      data: { code: "BW_UNKNOWN_EVENT" },
    });
    loose.emit("whisper");
    await client.emitWithAck("wait", 1);
    expect(errors).toMatchObject([{ code: "BW_UNKNOWN_EVENT" }]);
  });

  test("events stay in order around a check that takes its time", async () => {
    const { client, heard } = await open(contract);
    const renamed = client.emitWithAck("rename", "ada");
    client.emit("move", { to: { x: 1, y: 1 } });
    const taken = client.emitWithAck("rename", "taken");
    const waited = client.emitWithAck("wait", 5);
    expect(await renamed).toBe("hello ada");
    await expect(taken).rejects.toMatchObject({
      data: { issues: [{ path: [0], message: expect.stringMatching(/taken|free/) }] },
    });
    await waited;
    expect(heard).toEqual(["ada", 2, 5]);
  });

  test("a client's answer is judged too", async () => {
    const { io, client } = await open(contract);
    client.on("ask", (async () => "12") as never);
    expect(await io.emitWithAck("ask")).toEqual([12]);
    client.off("ask").on("ask", (() => "twelve") as never);
    await expect(io.emitWithAck("ask")).rejects.toMatchObject({ code: "BW_INVALID_ANSWER", responses: [] });
  });
});

test("a namespace takes its contract from `of`, and unknown events pass where it says so", async () => {
  const { io, url } = await listen(new Server());
  const chat = defineContract({ toServer: { say: z.string() }, unknownEvents: "allow" });
  io.of("/chat", chat).on("connection", (socket) => {
    socket.on("say", (text) => text.length);
    socket.onAny((name, value, answer) => name === "else" && answer(value));
  });
  const client: Socket = connect(`${url}/chat`, { forceNew: true });
  onTestFinished(() => void client.disconnect());
  expect(await client.emitWithAck("say", "four")).toBe(4);
  expect(await client.emitWithAck("else", 1)).toBe(1);
  await expect(client.emitWithAck("say", 1)).rejects.toThrow("say[0]");
});
