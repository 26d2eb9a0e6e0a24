/** What subscribers hear of a server with real clients: each event when it happens, and nothing that lets anyone in. */
import { spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { io as connect } from "../../src/client/index.node.ts";
import { channels } from "../../src/observe/channels.ts";
import { Server, type ServerOptions } from "../../src/server/index.ts";
import { type Client, untilConnected } from "../suites/rig.ts";
import { hello, protocols, send, upgrade } from "./strangers.ts";

/** Everything told from now to the end of the test, in order. */
function listen(): { heard: [name: string, message: unknown][]; of: (name: string) => unknown[] } {
  const heard: [string, unknown][] = [];
  const listener = (message: unknown, name: string | symbol): void =>
    void heard.push([String(name), message]);
  for (const name of Object.keys(channels)) subscribe(name, listener);
  onTestFinished(() => {
    for (const name of Object.keys(channels)) unsubscribe(name, listener);
  });
  return {
    heard,
    of: (name) => heard.filter(([other]) => other === `bothways:${name}`).map(([, told]) => told),
  };
}

async function open(options: ServerOptions = {}): Promise<{ io: Server; url: string }> {
  const io = new Server({ onError: () => {}, ...options });
  const { httpServer } = io.listen(0, "127.0.0.1");
  if (httpServer && !httpServer.listening) await once(httpServer, "listening");
  const address = httpServer?.address();
  onTestFinished(() => io.close());
  return { io, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` };
}

function client(url: string, transport: "websocket" | "long-polling"): Client {
  const socket = connect(url, { forceNew: true, transports: [transport] }) as unknown as Client;
  onTestFinished(() => void socket.disconnect());
  return socket;
}

test.each(["websocket", "long-polling"] as const)("a life over %s", async (transport) => {
  const { heard, of } = listen();
  const { io, url } = await open();
  io.on("connection", (socket) => {
    socket.join("lobby");
    socket.on("ask", (question) => `${question}?`);
    socket.on("go", () => socket.leave("lobby"));
  });
  const socket = client(url, transport);
  await untilConnected(socket);
  const { id } = socket;
  expect(await socket.emitWithAck("ask", "why")).toBe("why?");
  socket.emit("go");
  await vi.waitFor(() => expect(of("room:left")).toHaveLength(1));
  socket.disconnect();
  await vi.waitFor(() => expect(of("transport:closed")).toHaveLength(1));
  const [{ session }] = of("session:opened") as [{ session: string }];
  const names = heard.map(([name]) => name.replace("bothways:", ""));
  expect(names.slice(0, 3)).toEqual(["transport:opened", "namespace:joined", "message:out"]);
  expect(of("transport:opened")).toEqual([{ transport, address: "127.0.0.1" }]);
  expect(of("session:opened")).toEqual([{ session, transport, address: "127.0.0.1" }]);
  expect(of("namespace:joined")).toEqual([{ namespace: "/", socket: id }]);
  expect(of("room:joined")).toEqual([{ namespace: "/", socket: id, room: "lobby" }]);
  expect(of("room:left")).toEqual([{ namespace: "/", socket: id, room: "lobby" }]);
  expect(of("message:in")).toContainEqual({
    session,
    namespace: "/",
    event: "ask",
    size: expect.any(Number),
  });
  expect(of("message:out")).toContainEqual({ session, namespace: "/", event: "", size: expect.any(Number) });
  expect(of("namespace:left")).toEqual([
    { namespace: "/", socket: id, reason: "client namespace disconnect" },
  ]);
  expect(of("session:closed")).toEqual([{ session, code: 4000, reason: "transport close" }]);
  expect(of("transport:closed")).toEqual([{ transport, session, code: 4000 }]);
  expect(of("limit:struck")).toEqual([]);
});

test("away and back, and another transport", async () => {
  const { of } = listen();
  const { url } = await open();
  const path = `${url}/bothways/`;
  const first = await upgrade(path, protocols(hello()));
  first.socket.send("a1,100,100000");
  await vi.waitFor(() => expect(of("session:opened")).toHaveLength(1));
  first.socket.terminate();
  await vi.waitFor(() => expect(of("session:away")).toEqual([{ session: expect.any(String), code: 1006 }]));
  const { sid, secret } = JSON.parse(first.messages[0]?.slice(1) ?? "");
  const again = hello({ generation: 2, sid, secret });
  const second = await upgrade(path, protocols(again));
  second.socket.send("p");
  await vi.waitFor(() =>
    expect(of("session:resumed")).toEqual([{ session: sid, transport: "websocket", wasAway: true }]),
  );
  const next = JSON.parse(second.messages[0]?.slice(1) ?? "");
  const third = await upgrade(path, protocols(hello({ generation: 3, sid, secret: next.secret })));
  third.socket.send("p");
  await vi.waitFor(() => expect(of("session:resumed")).toHaveLength(2));
  expect(of("session:resumed")[1]).toEqual({ session: sid, transport: "websocket", wasAway: false });
  third.socket.send("c4000,bye");
  await vi.waitFor(() => expect(of("session:closed")).toHaveLength(1));
});

test("a session that nobody came back to", async () => {
  const { of } = listen();
  const { url } = await open({ resumeWindow: 50 });
  const path = `${url}/bothways/`;
  const first = await upgrade(path, protocols(hello()));
  first.socket.send("a1,100,100000");
  await vi.waitFor(() => expect(of("session:opened")).toHaveLength(1));
  const { sid, secret } = JSON.parse(first.messages[0]?.slice(1) ?? "");
  first.socket.terminate();
  await vi.waitFor(() => expect(of("session:closed")).toHaveLength(1));
  await send(path, hello({ generation: 2, sid, secret }));
  expect(of("session:lost")).toEqual([{ session: expect.not.stringMatching(sid), reason: "expired" }]);
});

test("refusals, limits and errors", async () => {
  const { of } = listen();
  const errors: unknown[] = [];
  const { io, url } = await open({
    maxHttpBufferSize: 1_000,
    maxJsonDepth: 8,
    connectTimeout: 1_000,
    onError: (error) => errors.push(error),
  });
  io.of("/guarded").use((_socket, next) => next(new Error("members only")));
  const path = `${url}/bothways/`;
  const address = "127.0.0.1";
  await send(path, "", { Origin: "https://evil.example" });
  await send(path, "", {}, "GET");
  await send(path, "x".repeat(5_000));
  await upgrade(path, ["chat"]);
  expect(of("transport:refused")).toMatchObject([
    { transport: "long-polling", address, code: "BW_ORIGIN" },
    { transport: "long-polling", address, code: "BW_METHOD" },
    { transport: "long-polling", address, code: "BW_MESSAGE_TOO_LARGE" },
    { transport: "websocket", address, code: "BW_BAD_REQUEST" },
  ]);
  await send(path, hello({ join: [["/guarded"], ["/nowhere"]] }));
  expect(of("namespace:refused")).toEqual([
    { namespace: "/guarded", message: "members only" },
    { namespace: "/nowhere", message: "Invalid namespace" },
  ]);
  const deep = await upgrade(path, protocols(hello()));
  deep.socket.send(`v2["x",${"[".repeat(20)}${"]".repeat(20)}]`);
  expect(await deep.closed).toEqual({ code: 4400, reason: "the JSON nests deeper than maxJsonDepth" });
  await (await upgrade(path, ["bothways.1"])).closed;
  expect(of("limit:struck")).toEqual([
    { code: "BW_MESSAGE_TOO_LARGE", session: "", address },
    { code: "BW_JSON_DEPTH", session: expect.stringMatching(/\S/), address },
    { code: "BW_SILENT", session: "", address },
  ]);
  const failed = new Error("a handler");
  io.on("connection", () => {
    throw failed;
  });
  const socket = client(url, "websocket");
  await untilConnected(socket);
  await vi.waitFor(() => expect(errors).toEqual([failed]));
  expect(of("server:error")).toEqual([{ error: failed }]);
});

test("nothing told lets anyone in", async () => {
  const { heard } = listen();
  const { io, url } = await open();
  const path = `${url}/bothways/`;
  const frame = hello({ join: [["/", { token: "hush-hush" }]] });
  const { body } = await send(path, frame, { Cookie: "id=a-cookie" });
  const welcome = JSON.parse(body.split("\n")[0]?.slice(1) ?? "");
  await send(path, `k${welcome.key},1\nn1\nm2["event","a payload"]`);
  for (const socket of io.sockets.sockets.values()) socket.disconnect(true);
  const told = JSON.stringify(heard);
  expect(told).toContain(welcome.sid);
  const { attempt } = JSON.parse(frame.slice(1));
  for (const secret of [welcome.secret, welcome.key, attempt, "hush-hush", "a-cookie", "a payload"]) {
    expect(told).not.toContain(secret);
  }
});

test("DEBUG=bothways:* prints on stderr", async () => {
  const entry = fileURLToPath(new URL("../../src/server/index.ts", import.meta.url));
  const code = `
    import { Server } from ${JSON.stringify(entry)};
    const io = new Server();
    io.listen(0, "127.0.0.1").httpServer.on("listening", async () => {
      const { port } = io.httpServer.address();
      await fetch("http://127.0.0.1:" + port + "/bothways/");
      await fetch("http://127.0.0.1:" + port + "/bothways/", { method: "POST", body: "h{}" });
      process.exit();
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    env: { ...process.env, DEBUG: "bothways:*,-*:opened" },
  });
  const lines = (await text(child.stderr)).trimEnd().split("\n");
  expect(lines).toEqual([
    expect.stringMatching(
      /^bothways:transport:refused transport="long-polling" address="127.0.0.1" code="BW_METHOD" detail=".*" \+\d+ms$/,
    ),
    expect.stringMatching(
      /^bothways:transport:closed transport="long-polling" session="" code=4400 \+\d+ms$/,
    ),
  ]);
});
