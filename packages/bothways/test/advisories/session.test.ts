/** Advisories about sessions: their ids and secrets, resuming, what is kept for who is away. The rules are in README.md. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { io as connect } from "../../src/client/index.node.ts";
import { createPlatform } from "../../src/server/platform.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { hello, protocols, send, upgrade } from "../socket/strangers.ts";
import { frame } from "./frames.ts";
import { open, openRaw, type Place, type Welcome, welcomeIn } from "./place.ts";

async function begin({ url, io }: Place): Promise<Welcome> {
  const welcome = welcomeIn((await send(url, hello())).body);
  await send(url, `k${welcome.key},1\nn1`);
  await vi.waitFor(() => expect(io.stats().connections).toBe(1));
  return welcome;
}

describe("CVE-2017-16031: ids and secrets come from a cryptographic source", () => {
  test("none is like another, in any bit", () => {
    const { createSecret } = createPlatform(() => {}).tokens;
    const secrets = Array.from({ length: 20_000 }, () => createSecret());
    expect(new Set(secrets).size).toBe(20_000);
    const ones = new Array<number>(128).fill(0);
    for (const secret of secrets) {
      const bytes = Buffer.from(secret, "base64url");
      expect(bytes.length).toBe(16);
      for (let bit = 0; bit < 128; bit++)
        ones[bit] = (ones[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1);
    }
    // eight standard deviations
    for (const count of ones) expect(Math.abs(count - 10_000)).toBeLessThan(8 * Math.sqrt(5_000));
  });

  test("Math.random is nowhere in the server", () => {
    const source = fileURLToPath(new URL("../../src/", import.meta.url));
    const files = ["server", "session", "hub", "transport/node", "platform", "wire"].flatMap((folder) =>
      readdirSync(source + folder, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => `${source}${folder}/${file}`),
    );
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) expect(readFileSync(file, "utf8")).not.toContain("Math.random");
  });
});

describe("a session is its client's (guessed, stolen and forged ids)", () => {
  test.each<[string, (welcome: Welcome) => object]>([
    ["the id alone, and a guess", ({ sid }) => ({ sid, secret: "x".repeat(22) })],
    ["the id, and the key of its requests", ({ sid, key }) => ({ sid, secret: key.split("~")[1] })],
    ["the id, and the id again", ({ sid }) => ({ sid, secret: sid.slice(0, 100) })],
    ["an id with another signature", ({ sid, secret }) => ({ sid: `${sid.slice(0, -1)}!`, secret })],
    ["another's secret and no id of his", ({ secret }) => ({ sid: "a.b.c", secret })],
  ])("%s: a new session, and the old one lives", async (_what, forge) => {
    const place = await open();
    const welcome = await begin(place);
    const thief = hello({ generation: 9, ...forge(welcome) });
    const stolen = welcomeIn((await send(place.url, thief)).body);
    expect(stolen.sid).not.toBe(welcome.sid);
    expect(stolen.lost).toMatch(/^(expired|server-lost)$/);
    expect((await send(place.url, `k${welcome.key},2`)).status).toBe(200);
  });

  test("a wrong secret is answered as an id that was never there", async () => {
    const place = await open();
    const { sid, key } = await begin(place);
    const unknown = `${sid.split(".")[0]}.${"A".repeat(22)}.${"A".repeat(22)}`;
    for (const [one, other] of [
      [`q${sid}~wrong,1`, `q${unknown}~wrong,1`],
      [`k${key}x,1`, `k${unknown}~x,1`],
    ]) {
      const [first, second] = [await send(place.url, one ?? ""), await send(place.url, other ?? "")];
      expect([first.status, first.body]).toEqual([second.status, second.body]);
      expect(first.status).toBe(410);
    }
  });

  test("guesses at a key that are right but for one place", async () => {
    const place = await open();
    const { sid, key } = await begin(place);
    const right = key.split("~")[1] ?? "";
    const guesses = Array.from(
      { length: 100 },
      (_, at) => `${right.slice(0, at % 22)}A${right.slice((at % 22) + 1)}`,
    );
    const answers = await Promise.all(guesses.map((guess) => send(place.url, `k${sid}~${guess},9`)));
    for (const [at, { status }] of answers.entries()) expect(status).toBe(guesses[at] === right ? 200 : 410);
  });

  test("shapes that are no ids at all", async () => {
    const place = await open();
    for (const sid of ["", "..", "a", "__proto__", "constructor", "a.b.c.d", "x".repeat(129), 7, null, {}]) {
      const { status, body } = await send(place.url, hello({ sid, secret: "x" }));
      expect(status).toBe(200);
      expect(body).toMatch(/^(c4400|w\{)/);
    }
  });
});

describe("resume replay: a secret is good until the next was shown, and no longer", () => {
  test("an old secret is refused once the new one was used", async () => {
    const place = await open();
    const first = await begin(place);
    const second = welcomeIn(
      (await send(place.url, hello({ generation: 2, sid: first.sid, secret: first.secret }))).body,
    );
    expect(second.sid).toBe(first.sid);
    expect(second.secret).not.toBe(first.secret);
    await send(place.url, `k${second.key},1\nn1`);
    const replayed = hello({ generation: 3, sid: first.sid, secret: first.secret });
    expect(welcomeIn((await send(place.url, replayed)).body).sid).not.toBe(first.sid);
    // and the session is still the one's who has the newer
    expect((await send(place.url, `k${second.key},2`)).status).toBe(200);
  });

  test("of two that resume with one secret exactly one has the session", async () => {
    const place = await open();
    const { sid, secret } = await begin(place);
    const rivals = await Promise.all(
      [1, 2].map(() => upgrade(place.url, protocols(hello({ generation: 2, sid, secret })))),
    );
    for (const { socket } of rivals) socket.send("p");
    await Promise.race(rivals.map(({ closed }) => closed));
    await vi.waitFor(() => expect(rivals.filter(({ messages }) => messages.includes("o"))).toHaveLength(1));
    for (const { socket } of rivals) socket.terminate();
  });
});

describe("positions that were never reached", () => {
  test.each([
    ["beyond what was sent", 1_000],
    ["beyond all numbers", Number.MAX_SAFE_INTEGER],
  ])("at a resume: %s", async (_what, received) => {
    const place = await open();
    const { sid, secret } = await begin(place);
    const { body } = await send(place.url, hello({ generation: 2, sid, secret, received }));
    expect(body).toMatch(/^c4400,/m);
  });

  test.each(["a99,100,100000", "a-1,100,100000", "a1e3,1,1", "a1,1", "a,,", "a99999999999999999,1,1"])(
    "in an acknowledgement: %s",
    async (ack) => {
      const raw = await openRaw(await open(), hello());
      raw.send(frame({ payload: ack }));
      expect(await raw.closeCode()).toBe(4400);
    },
  );

  test.each(["n0", "n5", "n999999999999999", "n-1", "nNaN"])("a first number of %s", async (number) => {
    const raw = await openRaw(await open(), hello());
    raw.send(Buffer.concat([frame({ payload: number }), frame({ payload: 'm2["echo"]' })]));
    if (number === "n0") {
      // an old number is a message that came again
      raw.send(frame({ payload: "zzz" }));
    }
    expect(await raw.closeCode()).toBe(4400);
  });
});

test.each([
  ["c40,", 4400],
  ["c0,", 4400],
  ["c999999999999999,", 4400],
  ["c1006,", 4400],
  ["c4000,bye", 4000],
])("a close of one's own making: %s", async (close, code) => {
  const place = await open();
  const raw = await openRaw(place, hello());
  raw.send(frame({ payload: close }));
  expect(await raw.closeCode()).toBe(code);
  expect(place.errors).toEqual([]);
});

test("CVE-2026-56170: what is kept for one who is away has an end, and he learns that it had", async () => {
  const place = await open({ maxBufferedBytes: 50_000, windowBytes: 65_536 });
  const { io, url } = place;
  const raw = await openRaw(place, hello());
  raw.send(frame({ payload: "a1,1000,1000000" }));
  await vi.waitFor(() => expect(io.stats().connections).toBe(1));
  const welcome: Welcome = JSON.parse(String(raw.frames[0]?.payload).slice(1));
  const [socket] = io.sockets.sockets.values();
  const away = new Promise<void>((resolve) => socket?.on("away", resolve));
  const reason = new Promise((resolve) => socket?.on("disconnect", resolve));
  raw.socket.destroy();
  await away;
  let most = 0;
  for (let count = 0; count < 1_000; count++) {
    io.emit("news", "x".repeat(1_000));
    most = Math.max(most, socket?.conn.bufferedBytes ?? 0);
  }
  expect(most).toBeLessThan(52_000);
  expect(await reason).toBe("slow consumer");
  const again = hello({ generation: 2, sid: welcome.sid, secret: welcome.secret });
  expect(welcomeIn((await send(url, again)).body).lost).toBe("overflow");
});

test("SignalR issue 55575: everything that is sent is numbered, whichever way it took", async () => {
  const place = await open();
  const { io, url } = place;
  io.on("connection", (socket) => socket.join("room"));
  const first = await upgrade(url, protocols(hello()));
  first.socket.send("a1,1000,1000000");
  await vi.waitFor(() => expect(io.stats().connections).toBe(1));
  const [socket] = io.sockets.sockets.values();
  const { sid, secret } = JSON.parse(first.messages[0]?.slice(1) ?? "");
  first.socket.terminate();
  await new Promise<void>((resolve) => socket?.on("away", resolve));
  socket?.emit("direct");
  io.emit("all");
  io.to("room").emit("room");
  socket?.timeout(60_000).emit("asked", () => {});
  io.in("room").except("nobody").emit("others");
  const second = await upgrade(
    url,
    protocols(hello({ generation: 2, sid, secret, received: 1, credit: [1e3, 1e6] })),
  );
  second.socket.send("p");
  await vi.waitFor(() => expect(second.messages.some((frame) => frame.includes("others"))).toBe(true));
  const names = second.messages.filter((frame) => frame[0] === "m").map((text) => /"(\w+)"/.exec(text)?.[1]);
  expect(names).toEqual(["direct", "all", "room", "asked", "others"]);
  expect(second.messages).toContain("n2");
  second.socket.terminate();
});

describe("CVE-2020-15133: our client checks the name in the server's certificate", () => {
  test.each(["websocket", "long-polling"])("%s", async (transport) => {
    const server = createHttpsServer({ key: privateKey, cert: certificate });
    const upgraded = vi.fn();
    server.on("request", upgraded).on("upgrade", upgraded);
    await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const socket = connect(`https://[::1]:${port}`, {
      forceNew: true,
      transports: [transport],
      reconnection: false,
      tls: { ca: certificate, servername: "elsewhere.example" },
    });
    onTestFinished(() => {
      socket.disconnect();
      server.close();
    });
    await new Promise((resolve) => socket.once("connect_error", resolve));
    expect(upgraded).not.toHaveBeenCalled();
  });
});
