/** Publishing by POST. docs/protocol/plain.md §5. */
import { execFile } from "node:child_process";
import { connect as connectTcp } from "node:net";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { Server, type ServerOptions } from "../../src/server/index.ts";
import { type Place, serve, subscribe } from "./plain-rig.ts";
import { rawAnswer } from "./strangers.ts";

const run = promisify(execFile);

async function serveKeys(options: ServerOptions = {}): Promise<Place> {
  const place = await serve({ publishKeys: ["first", "second"], allowRoom: () => true, ...options });
  place.io.of("/prices");
  return place;
}

async function publish(
  url: string,
  body: object | string,
  headers: Record<string, string> = { authorization: "Bearer second" },
): Promise<[status: number, answer: { ok?: boolean; code?: string; message?: string }]> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${url}emit`, { method: "POST", body: text, headers });
  expect(response.headers.get("content-type")).toBe("application/json");
  return [response.status, await response.json()];
}

test("reaches the rooms, or everyone", async () => {
  const { url } = await serveKeys();
  const stream = await subscribe(`${url}events?ns=/prices&room=AAPL`);
  await stream.next();
  const tick = { namespace: "/prices", event: "tick", args: [187.5, { $binary: "AQID" }] };
  for (const rooms of [["MSFT"], [], ["AAPL", "MSFT"], undefined])
    expect(await publish(url, { ...tick, rooms })).toEqual([200, { ok: true }]);
  const heard = [await stream.next(), await stream.next()];
  expect(heard.map(({ event, data }) => [event, data])).toEqual([
    ["tick", '[187.5,{"$binary":"AQID"}]'],
    ["tick", '[187.5,{"$binary":"AQID"}]'],
  ]);
});

test.each(["", "two words", "a\n"])("the key %j can be said by nobody, so it is refused at once", (key) => {
  expect(() => new Server({ publishKeys: ["good", key] })).toThrow(RangeError);
});

describe("who may (option: publishKeys)", () => {
  test.each([
    ["no key", {}],
    ["a wrong one", { authorization: "Bearer third" }],
    ["one that begins like it", { authorization: "Bearer firs" }],
    ["an empty one", { authorization: "Bearer " }],
    ["two", { authorization: "Bearer first second" }],
    ["another scheme", { authorization: "Basic first" }],
  ])("not with %s", async (_what, headers) => {
    const { url } = await serveKeys();
    expect(await publish(url, { event: "x" }, headers as Record<string, string>)).toMatchObject([
      401,
      { code: "BW_UNAUTHORIZED" },
    ]);
  });

  test("with each key, or with one that a function takes", async () => {
    const listed = await serveKeys();
    for (const authorization of ["Bearer first", "bearer second"])
      expect((await publish(listed.url, { event: "x" }, { authorization }))[0]).toBe(200);
    const judged = await serveKeys({ publishKeys: async (key, { url }) => key === "k" && url !== undefined });
    expect((await publish(judged.url, { event: "x" }, { authorization: "Bearer k" }))[0]).toBe(200);
    expect((await publish(judged.url, { event: "x" }))[0]).toBe(401);
  });

  test("a fault of the function lets nobody in", async () => {
    const { url, errors } = await serveKeys({
      publishKeys: () => {
        throw new Error("oops");
      },
    });
    expect((await publish(url, { event: "x" }))[0]).toBe(500);
    expect(errors).toMatchObject([{ message: "oops" }]);
  });

  test("nobody, where there is no key: the path is not ours", async () => {
    const { url } = await serve();
    expect((await fetch(`${url}emit`, { method: "POST", body: "{}" })).status).toBe(418);
  });

  test("no key is read behind an empty list", async () => {
    const { url } = await serveKeys({ publishKeys: [] });
    expect((await publish(url, { event: "x" }, { authorization: "Bearer undefined" }))[0]).toBe(401);
  });

  test("a page of another origin may not, even with a key", async () => {
    const { url } = await serveKeys();
    const headers = { authorization: "Bearer first", Origin: "https://evil.example" };
    expect(await publish(url, { event: "x" }, headers)).toMatchObject([403, { code: "BW_ORIGIN" }]);
  });
});

describe("what is refused", () => {
  test.each([
    ["no JSON", "event=x", 400, "BW_BAD_REQUEST"],
    ["no event", {}, 400, "BW_BAD_REQUEST"],
    ["rooms that are a text", { event: "x", rooms: "AAPL" }, 400, "BW_BAD_REQUEST"],
    ["an event of ours", { event: "disconnect" }, 400, "BW_RESERVED_EVENT"],
    ["a namespace that is none", { event: "x", namespace: "/none" }, 404, "BW_NAMESPACE"],
    ["nesting", `{"event":"x","args":${"[".repeat(200)}${"]".repeat(200)}}`, 400, "BW_JSON_DEPTH"],
  ])("%s", async (_what, body, status, code) => {
    const { url } = await serveKeys();
    expect(await publish(url, body)).toMatchObject([status, { code }]);
  });

  test("what is too long, whatever its head says (option: maxHttpBufferSize)", async () => {
    const { url, port } = await serveKeys({ maxHttpBufferSize: 1000 });
    expect(await publish(url, { event: "x", args: ["y".repeat(1000)] })).toMatchObject([
      413,
      { code: "BW_MESSAGE_TOO_LARGE" },
    ]);
    const head =
      "POST /bothways/emit HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer first\r\n";
    const chunks = `258\r\n${"x".repeat(600)}\r\n`.repeat(2);
    expect(await rawAnswer(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`)).toContain(
      " 413 ",
    );
  });

  test("what does not come in time (option: connectTimeout)", async () => {
    const { port } = await serveKeys({ connectTimeout: 50 });
    const tcp = connectTcp({ port, host: "127.0.0.1" });
    onTestFinished(() => void tcp.destroy());
    tcp.write(
      "POST /bothways/emit HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer first\r\nContent-Length: 9\r\n\r\n{",
    );
    const [answer] = await new Promise<[Buffer]>((resolve) => tcp.once("data", (...data) => resolve(data)));
    expect(String(answer)).toMatch(/^HTTP\/1.1 408 /);
  });

  test("a key that is not judged in time", async () => {
    const { url, errors } = await serveKeys({ connectTimeout: 30, publishKeys: () => new Promise(() => {}) });
    expect(await publish(url, { event: "x" })).toMatchObject([408, { code: "BW_SILENT" }]);
    expect(errors).toEqual([]);
  });

  test("what is too much (option: maxPublishRate)", async () => {
    // one at once, and the next in a quarter of an hour, whatever the machine
    const { url } = await serveKeys({ maxPublishRate: 0.001 });
    expect(await publish(url, { event: "x" })).toMatchObject([200, { ok: true }]);
    expect(await publish(url, { event: "x" })).toMatchObject([429, { code: "BW_RATE_LIMIT" }]);
  });

  test("other methods", async () => {
    const { url } = await serveKeys();
    const response = await fetch(`${url}emit`);
    expect([response.status, await response.json()]).toMatchObject([405, { code: "BW_METHOD" }]);
  });
});

test("CVE-2026-33128 what a backend publishes forges no event and no id", async () => {
  const { url } = await serveKeys();
  const stream = await subscribe(`${url}events`);
  await stream.next();
  const names = ["x\ndata: forged", "x\r\r\nid: forged", "x\u2028y", "x\0"];
  for (const event of names) expect((await publish(url, { event, args: [event] }))[0]).toBe(200);
  expect((await publish(url, { event: "last" }))[0]).toBe(200);
  for (const event of names) {
    const heard = await stream.next();
    expect([heard.event, heard.id, JSON.parse(heard.data)]).toEqual([
      "message",
      "",
      { event, args: [event] },
    ]);
  }
  expect((await stream.next()).event).toBe("last");
});

test("curl publishes: apt-get install curl", async () => {
  const { url } = await serveKeys();
  const args = [
    "--silent",
    "--show-error",
    "--json",
    '{"event":"tick","args":[1]}',
    "-H",
    "Authorization: Bearer first",
  ];
  const { stdout } = await run("curl", [...args, `${url}emit`]).catch((error) => {
    throw error.code === "ENOENT" ? new Error("curl is needed for this test: apt-get install curl") : error;
  });
  expect(JSON.parse(stdout)).toEqual({ ok: true });
});

test("Python publishes, where there is one", async ({ skip }) => {
  const { url } = await serveKeys();
  const program = `
import json, sys, urllib.request
body = json.dumps({"event": "tick", "args": ["\\u2028"]}).encode()
request = urllib.request.Request(sys.argv[1], body, {"Authorization": "Bearer first"})
print(urllib.request.urlopen(request).read().decode())`;
  const { stdout } = await run("python3", ["-c", program, `${url}emit`]).catch((error) => {
    if (error.code === "ENOENT") return skip("no python3 here");
    throw error;
  });
  expect(JSON.parse(stdout)).toEqual({ ok: true });
});
