/** Advisories about requests: bodies, headers, origins, answers. The rule of each is in README.md. */
import { type EventEmitter, once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { hello, protocols, send, upgrade } from "../socket/strangers.ts";
import { open, post, Raw, upgradeHead, welcomeIn } from "./place.ts";

describe("CVE-2020-36048: no more of a body is kept than a message may be", () => {
  test("by the length it declares, before a byte of it", async () => {
    const raw = new Raw(await open(), post("", "Content-Length: 100000000"));
    await vi.waitFor(() => expect(raw.text).toMatch(/^HTTP\/1.1 413 /));
  });

  test("by what arrives, where it declares none", async () => {
    const raw = new Raw(await open({ connectTimeout: 2_000 }), post("", "Transfer-Encoding: chunked"));
    const chunk = `2710\r\n${"x".repeat(10_000)}\r\n`;
    for (let count = 0; count < 12; count++) raw.send(chunk);
    await vi.waitFor(() => expect(raw.text).toMatch(/^HTTP\/1.1 413 /));
    // the rest is not read for ever
    await raw.ended();
  });

  // what they cost is counted in transport/node/request-body.test.ts: here a slow machine has its time
  test("many chunks of one byte", async () => {
    const place = await open({ connectTimeout: 60_000 });
    const raw = new Raw(place, post("", "Transfer-Encoding: chunked"));
    const answered = once(raw.socket, "data");
    raw.send("1\r\nx\r\n".repeat(100_000));
    raw.send("0\r\n\r\n");
    await answered;
    expect(raw.status).toBe(400);
  });
});

test.each([
  "application/octet-stream",
  "application/json",
  "multipart/form-data; boundary=x",
  "text/plain; charset=utf-16",
  "\x80\xff",
  "",
])("CVE-2026-59725: a body of type %j is answered, once", async (type) => {
  const raw = new Raw(await open(), post("what?", `Content-Type: ${type}\r\nContent-Length: 5`));
  await vi.waitFor(() => expect(raw.text).toMatch(/^HTTP\/1.1 400 /));
  raw.socket.end();
  expect((await raw.ended()).match(/HTTP\/1\.1/g)).toHaveLength(1);
});

describe("CVE-2020-28481: closed to other origins, unless told otherwise", () => {
  const matrix: readonly (readonly [origin: string, isOwn: boolean])[] = [
    ["https://evil.example", false],
    ["null", false],
    ["http://127.0.0.1", false],
    ["https://127.0.0.1:PORT", false],
    ["http://127.0.0.1:PORT.evil.example", false],
    ["http://127.0.0.1.evil.example:PORT", false],
    ["http://evil.example#http://127.0.0.1:PORT", false],
    ["http://127.0.0.1:PORT@evil.example", false],
    ["http://127.0.0.1:PORT", true],
    ["HTTP://127.0.0.1:PORT", true],
  ];

  test.each(matrix)("%s", async (template, isOwn) => {
    const { url, port } = await open();
    const Origin = template.replace("PORT", String(port));
    const answer = await send(url, hello(), { Origin });
    expect(answer.status).toBe(isOwn ? 200 : 403);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(answer.headers.vary).toBe("Origin");
    const preflight = await send(url, "", { Origin, "Access-Control-Request-Method": "POST" }, "OPTIONS");
    expect(preflight.headers["access-control-allow-origin"]).toBeUndefined();
    expect((await upgrade(url, protocols(hello()), { Origin })).status).toBe(isOwn ? 101 : 403);
  });

  test.each([
    ["cross-site", 403],
    ["same-site", 403],
    ["same-origin", 200],
    ["none", 200],
  ])("no Origin, and Sec-Fetch-Site: %s", async (site, status) => {
    const { url } = await open();
    expect((await send(url, hello(), { "Sec-Fetch-Site": site })).status).toBe(status);
    expect((await upgrade(url, protocols(hello()), { "Sec-Fetch-Site": site })).status).toBe(
      status === 200 ? 101 : 403,
    );
  });
});

test("cache poisoning: no answer may be kept, or read as something else", async () => {
  const { url } = await open();
  const { key } = welcomeIn((await send(url, hello())).body);
  const answers = [
    await send(url, hello()),
    await send(url, `k${key},1\nn1`),
    await send(url, "what?"),
    await send(url, "", {}, "GET"),
    await send(url, "", {}, "OPTIONS"),
    await send(url, hello(), { Origin: "https://evil.example" }),
    await send(url, "x".repeat(200_000)),
  ];
  for (const { headers } of answers) expect(headers["cache-control"]).toBe("no-store");
  const raw = new Raw(await open(), upgradeHead({ "Sec-WebSocket-Key": "short" }));
  expect(await raw.ended()).toMatch(/\r\nCache-Control: no-store\r\n/);
});

describe("GHSA-p6xx-57qc-3wxr, in our own framing: text of others forges no frame and no header", () => {
  const forged = 'no\nm2["admin",true]\r\nc4000,bye\u2028\0\x1b[2J';

  test("what authenticate throws", async () => {
    const { url } = await open({
      authenticate(request) {
        if (request.headers["x-forge"]) throw new Error(forged);
      },
    });
    const { body } = await send(url, hello(), { "X-Forge": "1" });
    expect(body.split(/[\r\n\0]/)).toHaveLength(1);
    expect(body).toMatch(/^c4401,/);
    const refused = await upgrade(url, protocols(hello()), { "X-Forge": "1" });
    expect((await refused.closed).reason).not.toMatch(/[\r\n\0]/);
  });

  test("what middleware says, and what an event holds", async () => {
    const { io, url } = await open();
    io.use((socket, next) => next(socket.handshake.auth.forge ? new Error(forged) : undefined));
    const { body } = await send(url, hello({ join: [["/", { forge: true }]] }));
    expect(body.split("\n").map((line) => line[0])).toEqual(["w", "n", "m"]);
  });

  test("the origin that a refusal quotes", async () => {
    const place = await open();
    const evil = `https://evil.example/${"\\n\x80".repeat(50)}"`;
    const raw = new Raw(place, post("x", `Origin: ${evil}\r\nContent-Length: 1`));
    await vi.waitFor(() => expect(raw.text).toMatch(/^HTTP\/1.1 403 /));
    const [head = "", body = ""] = raw.text.split("\r\n\r\n");
    expect(head).not.toContain("evil");
    expect(body.split("\n")).toHaveLength(1);
  });
});

describe("slow clients", () => {
  test("a head that trickles, and one that never comes", async () => {
    const place = await open({ connectTimeout: 250 });
    const silent = new Raw(place);
    const trickling = new Raw(place, "POST /bothways/ HTTP/1.1\r\nHost: x\r\n");
    const timer = setInterval(() => trickling.send("a: b\r\n"), 50);
    expect(await silent.ended()).toMatch(/^(HTTP\/1.1 408 .*|)/s);
    expect(await trickling.ended()).toMatch(/^(HTTP\/1.1 408 .*|)/s);
    clearInterval(timer);
  });

  test("a body that trickles", async () => {
    const raw = new Raw(await open({ connectTimeout: 250 }), post("", "Content-Length: 1000"));
    const timer = setInterval(() => raw.send("x"), 50);
    expect(await raw.ended()).toMatch(/^HTTP\/1.1 408 /);
    clearInterval(timer);
  });

  test("an upgrade without a hello", async () => {
    const raw = await new Raw(await open({ connectTimeout: 250 }), upgradeHead()).upgraded();
    expect(await raw.closeCode()).toBe(4408);
  });

  test("an answer that is not read is not kept for ever (option: writeTimeout)", async () => {
    const place = await open({
      writeTimeout: 200,
      highWaterMark: 20e6,
      maxBufferedBytes: 40e6,
      windowBytes: 40e6,
    });
    const joined = new Promise<void>((resolve) => {
      place.io.on("connection", (socket) => {
        socket.on("fill", () => void socket.emit("much", "x".repeat(30_000_000)));
        resolve();
      });
    });
    const welcome = welcomeIn((await send(place.url, hello({ credit: [100, 1e9] }))).body);
    await send(place.url, `k${welcome.key},1\nn1\nm2["fill"]`);
    await joined;
    const poll = `q${welcome.key},1\na1,100,1000000000`;
    const raw = new Raw(place);
    raw.socket.pause();
    const { httpServer } = place.io;
    const [connection] = await once(httpServer as EventEmitter, "connection");
    raw.send(post(poll));
    // cut off in the middle of the answer
    await once(connection, "close");
    raw.socket.resume();
    const answer = await raw.ended();
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer.length).toBeLessThan(30_000_000);
  });
});

test("ReDoS: the first frame of a body", async () => {
  const { url } = await open();
  for (const body of [`q${",".repeat(90_000)}`, `k${"a".repeat(90_000)},1`, `q${"a,1".repeat(30_000)}`]) {
    expect((await send(url, body)).status).toBe(400);
  }
});
