/** Faults of the application, and of the process it runs in: none of them is anybody else's. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { io as connect } from "../../src/client/index.node.ts";
import { type Client, untilConnected } from "../suites/rig.ts";
import { open } from "./place.ts";

function client(port: number, transport: string): Client {
  const socket = connect(`http://127.0.0.1:${port}`, { forceNew: true, transports: [transport] }) as unknown;
  onTestFinished(() => void (socket as Client).disconnect());
  return socket as Client;
}

describe.each(["websocket", "long-polling"])("a handler, over %s", (transport) => {
  test.each<[string, () => unknown]>([
    ["throws", () => raise(new Error("private"))],
    ["throws what is no error", () => raise("private")],
    ["throws nothing", () => raise(undefined)],
    ["rejects", async () => raise(new Error("private"))],
    ["answers what cannot be sent", () => 1n],
    ["answers itself", () => cyclic()],
    ["answers what nests without end", () => nested()],
  ])("that %s: the caller learns that, and no more", async (_what, fault) => {
    const place = await open();
    place.io.on("connection", (socket) => socket.on("fault", fault));
    const socket = client(place.port, transport);
    await untilConnected(socket);
    const refused = await socket.emitWithAck("fault").catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "BW_ACK_REFUSED" });
    expect(String(refused)).not.toContain("private");
    expect(await socket.emitWithAck("echo", "alive")).toBe("alive");
    expect(place.errors).toHaveLength(1);
    socket.disconnect();
  });

  test("that never ends keeps only its caller waiting", async () => {
    const place = await open();
    place.io.on("connection", (socket) => socket.on("never", () => new Promise(() => {})));
    const socket = client(place.port, transport);
    await untilConnected(socket);
    const never = socket.timeout(200).emitWithAck("never");
    expect(await socket.emitWithAck("echo", "alive")).toBe("alive");
    await expect(never).rejects.toMatchObject({ code: "BW_ACK_TIMEOUT" });
    socket.disconnect();
  });
});

function raise(what: unknown): never {
  throw what;
}

function cyclic(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

function nested(): unknown {
  let value: unknown = [];
  for (let depth = 0; depth < 100_000; depth++) value = [value];
  return value;
}

/** A server in a process of its own; `prelude` runs first, `limit` is what the shell sets for it. */
async function startServer(body: string, limit = ""): Promise<{ child: ChildProcess; port: number }> {
  const entry = fileURLToPath(new URL("../../src/server/index.ts", import.meta.url));
  const code = `
    import { Server } from ${JSON.stringify(entry)};
    const io = new Server({ pingInterval: 4_000, pingTimeout: 16_000 });
    io.on("connection", (socket) => socket.on("echo", (value) => value));
    ${body}
    io.listen(0, "127.0.0.1").httpServer.on("listening", () => console.log(io.httpServer.address().port));`;
  const shell = `${limit} exec "$0" "$@"`;
  const child = spawn("sh", ["-c", shell, process.execPath, "--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [port] = await once(createInterface({ input: child.stdout }), "line");
  return { child, port: Number(port) };
}

test("a handler that blocks the loop for ten seconds disconnects nobody, though pings were due", async () => {
  const { port } = await startServer(`
    io.on("connection", (socket) => socket.on("block", (ms) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
      return "done";
    }));`);
  const clients = ["websocket", "long-polling", "websocket"].map((transport) => client(port, transport));
  const reasons: unknown[] = [];
  for (const socket of clients) {
    await untilConnected(socket);
    expect(await socket.emitWithAck("echo", "in")).toBe("in");
    socket.on("disconnect", (reason) => reasons.push(reason));
  }
  const [first] = clients;
  expect(await first?.emitWithAck("block", 10_000)).toBe("done");
  const answers = await Promise.all(clients.map((socket) => socket.emitWithAck("echo", "alive")));
  expect(answers).toEqual(["alive", "alive", "alive"]);
  expect(reasons).toEqual([]);
  for (const socket of clients) socket.disconnect();
});

test("out of file descriptors: those who are in go on, the process lives and rests, and takes new ones when it can", async () => {
  const { child, port } = await startServer("", "ulimit -n 60;");
  const inside = client(port, "websocket");
  await untilConnected(inside);
  const flood: Socket[] = [];
  onTestFinished(() => flood.forEach((socket) => void socket.destroy()));
  for (let count = 0; count < 200; count++) {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    flood.push(socket);
  }
  await Promise.all(flood.map((socket) => Promise.race([once(socket, "connect"), once(socket, "close")])));
  for (let count = 0; count < 20; count++) expect(await inside.emitWithAck("echo", count)).toBe(count);
  expect(child.exitCode).toBeNull();
  for (const socket of flood) socket.destroy();
  const later = client(port, "long-polling");
  await untilConnected(later);
  expect(await later.emitWithAck("echo", "in")).toBe("in");
  await vi.waitFor(() => expect(inside.connected).toBe(true));
  inside.disconnect();
  later.disconnect();
});
