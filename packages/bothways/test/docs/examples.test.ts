/** The examples run: each server is started, its clients talk to it, and what they print is what was promised. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io as connect, type IoOptions, type Socket } from "bothways/client";
import { FaultProxy } from "bothways/testing";
import { build } from "esbuild";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { answerTo } from "../../../../examples/tokens/model.ts";
import { freePort, Program, readPage, root } from "./programs.ts";

interface Example {
  readonly url: string;
  readonly port: number;
  readonly server: Program;
  /** Its client. */
  run(...args: string[]): Program;
  /** A client of ours. */
  connect(namespace?: string, options?: IoOptions): Socket;
}

async function start(name: string, env: Record<string, string> = {}): Promise<Example> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const run = (file: string, args: string[] = [], variables = {}): Program => {
    const program = new Program([`examples/${name}/${file}`, ...args], variables);
    onTestFinished(() => program.kill());
    return program;
  };
  const server = run("server.ts", [], { ...env, PORT: String(port) });
  await server.printed(`listening on http://localhost:${port}`);
  return {
    url,
    port,
    server,
    run: (...args) => run("client.ts", args),
    connect: (namespace = "", options = {}) => {
      const socket = connect(url + namespace, { forceNew: true, ...options });
      onTestFinished(() => void socket.disconnect());
      return socket;
    },
  };
}

function failureOf(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    () => "none",
    (error: Error) => error.message,
  );
}

test("each has a line in the README, and a test here", () => {
  const folders = readdirSync(`${root}examples`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
    .map(({ name }) => name);
  const lines = [...readPage("examples/README.md").matchAll(/^\| \[(\w+)\]/gm)].map(([, name]) => name);
  expect(lines.sort()).toEqual(folders.sort());
  const tests = readPage("packages/bothways/test/docs/examples.test.ts");
  expect(folders.filter((name) => !tests.includes(`start("${name}"`))).toEqual([]);
});

test.each(["chat", "prices", "tokens", "upload"])(
  "the bundle of %s's client is without its contract",
  async (name) => {
    const entryPoints = [`${root}examples/${name}/client.ts`];
    const { metafile } = await build({
      entryPoints,
      bundle: true,
      platform: "node",
      format: "esm",
      write: false,
      metafile: true,
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.some((input) => input.includes("client/socket"))).toBe(true);
    expect(inputs.filter((input) => /contract|node_modules\/zod/.test(input.replace(root, "")))).toEqual([]);
  },
);

test("chat: two people talk, one leaves", async () => {
  const { run, url } = await start("chat");
  const ada = run("Ada", url);
  await ada.printed("here: Ada");
  const bob = run("Bob", url);
  await bob.printed("here: Ada, Bob");
  bob.write("good evening");
  await ada.printed("Bob: good evening");
  expect(ada.output).toContain("Bob came");
  await bob.kill();
});

test("prices: each client gets those it watches", async () => {
  const { run, url, connect } = await start("prices");
  const client = run(url, "ACME", "SOAP");
  await client.printed("watching ACME: ");
  await client.printed("watching SOAP: BW_INVALID_ARGUMENT");
  await vi.waitFor(() => expect(client.output.match(/^ACME \d/gm)?.length).toBeGreaterThan(2));
  expect(client.output).not.toMatch(/^GLOBEX/m);

  const socket = connect();
  const price = await socket.emitWithAck("watch", "GLOBEX");
  const [ticker, next] = await new Promise<unknown[]>((resolve) =>
    socket.on("price", (...args) => resolve(args)),
  );
  expect([typeof price, ticker, typeof next]).toEqual(["number", "GLOBEX", "number"]);
});

test("ticker: what is published reaches those who listen", async () => {
  const { url } = await start("ticker", { KEY: "k" });
  const page = await (await fetch(url)).text();
  expect(page).toContain("/bothways/events?ns=/prices");
  const stream = await fetch(`${url}/bothways/events?ns=/prices&room=ACME`);
  const body = JSON.stringify({ namespace: "/prices", rooms: ["ACME"], event: "price", args: ["ACME", 101] });
  const publish = (key: string) =>
    fetch(`${url}/bothways/emit`, { method: "POST", headers: { authorization: `Bearer ${key}` }, body });
  expect((await publish("secret")).status).toBe(401);
  expect(await (await publish("k")).json()).toEqual({ ok: true });
  let heard = "";
  for await (const chunk of stream.body ?? []) {
    heard += Buffer.from(chunk).toString();
    if (heard.includes("101")) break;
  }
  expect(heard).toMatch(/event: price\nid: \S+\ndata: \["ACME",101\]\n\n$/);
  expect((await fetch(`${url}/bothways/events?ns=/prices&room=acme`)).status).toBe(403);
});

test("hono: what is posted to the application reaches those who listen", async () => {
  const { run, url } = await start("hono");
  const kitchen = run("secret", url);
  await kitchen.printed("listening, by stream");
  const stranger = run("wrong", url);
  await stranger.printed("refused: who are you?");
  const body = JSON.stringify({ table: 7, dish: "soup" });
  const order = (token: string) =>
    fetch(`${url}/orders`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body });
  expect((await order("wrong")).status).toBe(401);
  expect(await (await order("hidden")).json()).toEqual({ number: 1 });
  await kitchen.printed("ordered: soup for 7\n1 was served by the kitchen");
  const upgrade = { headers: { connection: "upgrade", upgrade: "websocket" } };
  const [response] = await once(get(`${url}/bothways/`, upgrade), "response");
  expect(response.statusCode).toBe(426);
});

describe("tokens: an answer comes whole", () => {
  const prompt = "time";
  const answer = answerTo(prompt);

  async function ask(): Promise<{ server: Program; client: Program; proxy: FaultProxy }> {
    const { run, server, port } = await start("tokens");
    const proxy = await FaultProxy.listen({ target: { port } });
    onTestFinished(() => proxy.close());
    return { server, client: run(prompt, proxy.url), proxy };
  }

  test("where the connection is cut again and again", async () => {
    const { server, client, proxy } = await ask();
    for (const thought of ["Thought 2 ", "Thought 12 ", "Thought 22 "]) {
      await client.printed(thought);
      const { bytesInFlightDown } = await proxy.cutOnNext({ direction: "down", minBytes: 20 });
      expect(bytesInFlightDown).toBeGreaterThan(0);
    }
    expect(await client.ended()).toEqual([answer]);
    expect(server.output).not.toMatch(/over: (?!client)/);
  });

  test("where it is away for so long that the session is over", async () => {
    const { server, client, proxy } = await ask();
    await client.printed("Thought 2 ");
    proxy.admit("refuse");
    proxy.cut();
    await server.printed("a session is over");
    expect(client.output).not.toContain("That is all");
    proxy.admit("pass");
    expect(await client.ended()).toEqual([answer]);
  });
});

describe("upload", () => {
  test("a file arrives whole", async () => {
    const { run, server, url } = await start("upload");
    const folder = mkdtempSync(join(tmpdir(), "bothways-upload-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "file.bin");
    writeFileSync(path, randomBytes(3_000_001));
    const client = run(path, url);
    expect(await client.ended(), client.output).toEqual(["sent 3000001 bytes"]);
    expect(server.output).toMatch(/got [0-9a-f]{64}\n/);
  });

  test("what is too long, or beyond the end, is refused", async () => {
    const { connect } = await start("upload");
    const socket = connect();
    expect(await failureOf(socket.emitWithAck("begin", 1e9))).toContain("begin[0]");
    await socket.emitWithAck("begin", 10);
    expect(await failureOf(socket.emitWithAck("part", 0, new Uint8Array(65_537)))).toContain("part[1]");
    expect(await failureOf(socket.emitWithAck("part", 5, new Uint8Array(6)))).toBe("internal error");
    expect(await socket.emitWithAck("part", 0, new Uint8Array(10))).toBe(10);
  });
});

describe("auth", () => {
  async function logIn(url: string, user: string, password: string): Promise<string> {
    const body = new URLSearchParams({ user, password });
    const { status, headers } = await fetch(`${url}/login`, { method: "POST", body });
    expect(status).toBe(200);
    return headers.getSetCookie()[0]?.split(";")[0] ?? "";
  }

  function refusal(socket: Socket): Promise<string> {
    return new Promise((resolve) => {
      socket.on("connect_error", ({ message }) => resolve(message));
      socket.on("connect", () => resolve("none"));
    });
  }

  test("who has logged in gets in, as the user of the token", async () => {
    const { run, url } = await start("auth");
    const ada = run("ada", "engine", url);
    await ada.printed("I am { user: 'ada', role: 'user' }");
    await ada.printed("no admin: not for you");
    const root = run("root", "toor", url);
    await root.printed("an admin even");
    const stranger = run("ada", "wrong", url);
    await stranger.printed("refused: log in first");
  });

  test("a token that was changed is refused, over either transport", async () => {
    const { url, connect } = await start("auth");
    const cookie = await logIn(url, "ada", "engine");
    const [header, payload, signature] = cookie.split(".");
    const claims = JSON.parse(Buffer.from(payload ?? "", "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: "root" })).toString("base64url");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    for (const transport of ["websocket", "long-polling"]) {
      const outcome = (text: string): Promise<string> =>
        refusal(connect("", { transports: [transport], extraHeaders: { cookie: text } }));
      expect(await outcome(cookie)).toBe("none");
      expect(await outcome(`${header}.${forged}.${signature}`)).toContain("signature");
      expect(await outcome(`token=${none}.${payload}.`)).not.toBe("none");
    }
  });

  test("so is one whose time is over", async () => {
    const { url, connect } = await start("auth", { LIFETIME: "-1s" });
    const cookie = await logIn(url, "ada", "engine");
    expect(await refusal(connect("", { extraHeaders: { cookie } }))).toContain("exp");
  });
});
