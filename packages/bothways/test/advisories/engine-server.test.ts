/** Advisories about WebSocket servers, on the server of `bothways/websocket`. The rule of each is in README.md. */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { deflateRawSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Sendable } from "../../src/websocket/index.ts";
import {
  connectRaw,
  fill,
  messages,
  open,
  portOf,
  RawClient,
  serve,
  upgradeHead,
  urlOf,
} from "../websocket/rig.ts";
import { closeCodeOf, framesOf, heldBytes, serveEcho, upgraded } from "./engine.ts";
import { frame } from "./frames.ts";
import { smuggled } from "./smuggled.ts";

describe("CVE-2016-10518, CVE-2026-45736: memory that was never written is never sent", () => {
  const view = new Uint16Array([0x6161, 0x6262]);
  const sendables: readonly (readonly [string, unknown, string | undefined])[] = [
    ["a number", 7, "7"],
    ["a text", "text", "text"],
    ["a Uint16Array", view, "aabb"],
    ["a DataView", new DataView(view.buffer, 1, 2), "ab"],
    ["an ArrayBuffer", view.buffer, "aabb"],
    ["a Buffer", Buffer.from("text"), "text"],
    ["an object that has a length", { length: 5 }, "\0".repeat(5)],
    ["an empty list", [], ""],
    ["true", true, undefined],
  ];

  test.each(sendables)("%s is sent by its bytes, or refused", async (_what, data, expected) => {
    const { server, client } = await connectRaw({ heartbeatInterval: 0 });
    for (const way of ["send", "ping", "pong"] as const) {
      const act = (): unknown => server[way](data as Sendable);
      if (expected === undefined) expect(act).toThrow(TypeError);
      else act();
    }
    server.close(4000);
    await closeCodeOf(client);
    const said = framesOf(client).slice(0, -1);
    expect(said.map(({ payload }) => String(payload))).toEqual(
      expected === undefined ? [] : Array(3).fill(expected),
    );
  });

  test.each([
    ["a Uint8Array", new Uint8Array([97, 98]), "ab"],
    ["a Uint16Array", view, "aabb"],
    ["a DataView", new DataView(view.buffer), "aabb"],
    ["a number", 50, undefined],
    ["an object", { length: 50 }, undefined],
    ["null", null, undefined],
  ])("a reason that is %s is sent by its bytes, or refused", async (_what, reason, expected) => {
    const { server, client } = await connectRaw();
    if (expected === undefined) {
      expect(() => server.close(4000, reason as never)).toThrow(TypeError);
      server.close(4000);
    } else server.close(4000, reason as never);
    expect(await closeCodeOf(client)).toBe(4000);
    expect(String(framesOf(client).at(-1)?.payload.subarray(2))).toBe(expected ?? "");
  });
});

test.each([
  ["2^63", 2n ** 63n, 1002],
  ["2^63 - 1", 2n ** 63n - 1n, 1009],
  ["2^53", 2n ** 53n, 1009],
  ["2^53 - 1", 2n ** 53n - 1n, 1009],
  ["2^32", 2n ** 32n, 1009],
  ["one beyond the limit", 100_001n, 1009],
])(
  "CVE-2016-10542, CVE-2026-54466: a frame is judged by the length it declares, %s",
  async (_what, declared, code) => {
    const client = await upgraded(await serveEcho());
    client.socket.write(frame({ declared }).subarray(0, 14));
    expect(await closeCodeOf(client)).toBe(code);
  },
);

test("CVE-2016-10542: what a header promises is not reserved before it comes", async () => {
  const wss = await serveEcho({ maxPayload: 0 });
  const clients = await Promise.all(Array.from({ length: 20 }, () => upgraded(wss)));
  const before = heldBytes();
  for (const { socket } of clients) socket.write(frame({ declared: 1_000_000_000n }).subarray(0, 14));
  for (const { socket } of clients) await new Promise((resolve) => socket.write("xxxxxxxx", resolve));
  const sent = upgradeHead().length + 14 + 8;
  await vi.waitFor(() => {
    for (const { _socket } of wss.clients ?? []) expect(_socket).toHaveProperty("bytesRead", sent);
  });
  // Of the 20 GB promised: room for a read or some, of memory that is not used until it is written.
  expect(heldBytes() - before).toBeLessThan(40_000_000);
});

describe.each([false, true])("perMessageDeflate %o", (perMessageDeflate) => {
  test.each([
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty; __proto__=1",
    "permessage-deflate; __proto__=15",
    "permessage-deflate; constructor",
  ])("GHSA-5v72-xg48-5rpm: the extension %s is nothing special", async (extension) => {
    const wss = await serveEcho({ perMessageDeflate });
    const client = await upgraded(wss, { "Sec-WebSocket-Extensions": extension });
    expect(String(client.received)).not.toMatch(/extensions/i);
  });

  test.each([
    ["commas", ","],
    ["spaces", " "],
    ["tabs and commas", "\t,"],
    ["an unclosed quote", '\\"'],
    ["backslashes", "\\c"],
    ["names", "a,"],
    ["offers", "permessage-deflate;"],
  ])("CVE-2021-32640, CVE-2020-7662: headers full of %s", { timeout: 20_000 }, async (_what, piece) => {
    const wss = await serveEcho({ perMessageDeflate });
    const long = `a; b="${piece.repeat(12_000 / piece.length)}`;
    // Work beyond linear would outlast the test's time.
    for (let round = 0; round < 50; round++) {
      const name = round % 2 ? "Sec-WebSocket-Protocol" : "Sec-WebSocket-Extensions";
      const client = new RawClient(portOf(wss), upgradeHead({ [name]: long }));
      expect(await client.receive(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 (101|400) /);
      client.socket.destroy();
    }
  });
});

describe("CVE-2024-37890: no header is taken for granted", () => {
  const needed = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"];

  test.each(needed)("without %s", async (name) => {
    const client = new RawClient(portOf(await serveEcho()), upgradeHead({ [name]: undefined }));
    expect(await client.receive(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 (400|426) /);
  });

  test.each(needed)("%s behind 2,001 others", async (name) => {
    const client = new RawClient(portOf(await serveEcho({ maxHeaderSize: 100_000 })), undefined);
    const head = upgradeHead({ [name]: undefined }).replace(/\r\n$/, "a: 1\r\n".repeat(2_001));
    client.socket.write(`${head}${/^Host/.test(name) ? "Host: x" : `${name}: websocket`}\r\n\r\n`);
    expect(await client.receive(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 (400|426|431) /);
  });
});

describe.each([
  ["of one byte", "x"],
  ["of none", ""],
])("CVE-2026-48779, ws issue 2331: fragments %s without an end", (_what, payload) => {
  const pieces = Buffer.concat(
    Array.from({ length: 50_000 }, () => frame({ fin: false, opcode: 0, payload })),
  );

  test("end with 1008 at maxFragments", async () => {
    const client = await upgraded(await serveEcho());
    client.socket.write(Buffer.concat([frame({ fin: false, payload }), pieces]));
    expect(await closeCodeOf(client)).toBe(1008);
  });

  test("without that limit they cost no more than a message", async () => {
    const client = await upgraded(await serveEcho({ maxFragments: 0, maxPayload: 1_000_000 }));
    client.socket.write(frame({ fin: false, payload }));
    const before = heldBytes();
    for (let round = 0; round < 8; round++)
      await new Promise((resolve) => client.socket.write(pieces, resolve));
    client.socket.write(frame({ opcode: 9, payload: "all there?" }));
    await vi.waitFor(() => expect(String(framesOf(client).at(-1)?.payload)).toBe("all there?"));
    expect(heldBytes() - before).toBeLessThan(5_000_000);
  });
});

test("ws maxPendingAutoPongs: pings from one who does not read wait as one pong", async () => {
  const { server, client } = await connectRaw({ maxControlRate: 0 });
  client.socket.pause();
  const pings = Buffer.concat(
    Array.from({ length: 1_000 }, () => frame({ opcode: 9, payload: "x".repeat(120) })),
  );
  const end = messages(server, 1);
  for (let round = 0; round < 100; round++) client.socket.write(pings);
  client.socket.write(frame({ payload: "end" }));
  await end;
  expect(server.bufferedAmount).toBeLessThan(1_000_000);
});

test("a flood of pings ends with maxControlRate", async () => {
  const client = await upgraded(await serveEcho());
  client.socket.write(Buffer.concat(Array.from({ length: 3_000 }, () => frame({ opcode: 9, payload: "x" }))));
  await client.ended();
});

test("one who reads nothing is given up at maxBufferedAmount", async () => {
  const { server, client } = await connectRaw({ maxBufferedAmount: 2_000_000 });
  client.socket.pause();
  await fill(server);
  const error = once(server, "error").catch((reason) => [reason]);
  server.send(Buffer.alloc(1_000_000));
  server.send("one more");
  await new Promise(setImmediate);
  server.send("and more");
  expect((await error)[0]).toMatchObject({ code: "BW_SLOW_CONSUMER" });
});

describe("CVE-2022-41940, CVE-2022-21676, CVE-2023-31125: who leaves in the middle throws nothing", () => {
  const head = upgradeHead();

  test.each([0, 1, head.length >> 1, head.length - 1, head.length])(
    "a reset behind %i bytes of the request",
    async (bytes) => {
      const wss = await serveEcho();
      for (let round = 0; round < 20; round++) {
        const { socket } = new RawClient(portOf(wss), head.slice(0, bytes));
        await once(socket, "connect");
        socket.resetAndDestroy();
        await once(socket, "close");
      }
    },
  );

  test("a reset while it is judged, and while it is refused", async () => {
    const verdicts: ((isAccepted: boolean) => void)[] = [];
    const wss = await serve({ verifyClient: (_, callback) => void verdicts.push(callback) });
    for (let round = 0; round < 20; round++) {
      const { socket } = new RawClient(portOf(wss));
      await vi.waitFor(() => expect(verdicts).toHaveLength(round + 1), { interval: 1 });
      if (round % 2) {
        socket.resetAndDestroy();
        await once(socket, "close");
      } else socket.end();
      verdicts.at(-1)?.(round % 4 < 2);
    }
    await vi.waitFor(() => expect(wss.clients?.size).toBe(0));
  });

  test("a reset behind half a frame, and behind a frame that is being answered", async () => {
    const wss = await serveEcho();
    for (const bytes of [frame({ payload: "half" }).subarray(0, 5), frame({ payload: "x".repeat(60_000) })]) {
      for (let round = 0; round < 20; round++) {
        const { socket } = await upgraded(wss);
        socket.write(bytes);
        await new Promise(setImmediate);
        socket.resetAndDestroy();
      }
    }
  });
});

test.each(["GET", "POST", "OPTIONS"])(
  "CVE-2026-59725: a %s that is no upgrade is answered, once",
  async (method) => {
    const wss = await serveEcho();
    const request = `${method} / HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`;
    const answer = await new RawClient(portOf(wss), request).ended();
    expect(answer).toMatch(/^HTTP\/1.1 426 /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  },
);

test.each(["/", "/chat", "/chat/", "/other?x", "*", "/%00", "//", "http://other/chat"])(
  "CVE-2020-7693: an upgrade at %s is answered",
  async (target) => {
    const wss = await serve({ path: "/chat" });
    const client = new RawClient(portOf(wss), upgradeHead({}, target));
    expect(await client.receive(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 (101|400) /);
  },
);

const deflating = { "Sec-WebSocket-Extensions": "permessage-deflate" };

describe("CVE-2016-10544, CVE-2026-54490, Centrifugo PR 1162, autobahn issue 1909: limits hold after inflating", () => {
  const compressed = (bytes: Uint8Array): Buffer =>
    frame({ rsv: 4, opcode: 2, payload: deflateRawSync(bytes, { finishFlush: 2 }).subarray(0, -4) });
  test.each([
    ["in one frame", 90_000],
    ["in many fragments", 1_000],
  ])("a bomb of 90 MB in 90 kB, %s, ends with 1009 before memory grows", async (_what, size) => {
    const wss = await serveEcho({ perMessageDeflate: true });
    const client = await upgraded(wss, deflating);
    const bomb = deflateRawSync(Buffer.alloc(90_000_000)).subarray(0, 90_000);
    const pieces = Array.from({ length: Math.ceil(bomb.length / size) }, (_, i) =>
      frame({
        rsv: i === 0 ? 4 : 0,
        opcode: i === 0 ? 2 : 0,
        fin: (i + 1) * size >= bomb.length,
        payload: bomb.subarray(i * size, (i + 1) * size),
      }),
    );
    const before = heldBytes();
    client.socket.write(Buffer.concat(pieces));
    expect(await closeCodeOf(client)).toBe(1009);
    expect(heldBytes() - before).toBeLessThan(20_000_000);
  });

  test("the limit exactly passes, one byte more does not", async () => {
    const wss = await serveEcho({ perMessageDeflate: true });
    const client = await upgraded(wss, deflating);
    client.socket.write(compressed(Buffer.alloc(100_000)));
    await vi.waitFor(() => expect(framesOf(client)).toHaveLength(1));
    client.socket.write(compressed(Buffer.alloc(100_001)));
    expect(await closeCodeOf(client)).toBe(1009);
  });

  test("many just under the limit leave nothing behind", async () => {
    const wss = await serve({ perMessageDeflate: true, maxPayload: 100_000 });
    let received = 0;
    wss.on("connection", (socket) => socket.on("message", () => received++));
    const raw = await upgraded(wss, deflating);
    const one = compressed(Buffer.alloc(99_999));
    const before = heldBytes();
    for (let round = 0; round < 2_000; round++) raw.socket.write(one);
    // each is inflated by a thread of its own: much to do for a slow machine
    await vi.waitFor(() => expect(received).toBe(2_000), 90_000);
    expect(heldBytes() - before).toBeLessThan(20_000_000);
  });

  test("what is no deflate ends with 1007", async () => {
    const client = await upgraded(await serveEcho({ perMessageDeflate: true }), deflating);
    client.socket.write(frame({ rsv: 4, payload: Uint8Array.of(0xff, 0xff, 0xff) }));
    expect(await closeCodeOf(client)).toBe(1007);
  });
});

describe("CRIME, BREACH: what a message costs says nothing of the one before it", () => {
  const [secret, other] = [randomBytes(1_000).toString("hex"), randomBytes(1_000).toString("hex")] as const;

  /** What the frame of `guess` takes behind one of the secret. */
  async function costOf(guess: string, contextTakeover: boolean): Promise<number> {
    const perMessageDeflate = { serverNoContextTakeover: !contextTakeover };
    const wss = await serve({ perMessageDeflate });
    const accepted = once(wss, "connection");
    const client = await upgraded(wss, deflating);
    const [server] = await accepted;
    server.send(secret);
    server.send(guess);
    await vi.waitFor(() => expect(framesOf(client)).toHaveLength(2));
    return framesOf(client)[1]?.payload.length ?? 0;
  }

  test("as long as contexts are not kept, which is the default", async () => {
    const [right, wrong] = [await costOf(secret, false), await costOf(other, false)];
    expect(Math.abs(right - wrong)).toBeLessThan(wrong / 20);
  });

  test("where they are kept, by option, it does", async () => {
    expect(await costOf(secret, true)).toBeLessThan((await costOf(other, true)) / 5);
  });
});

describe("the request that wants to be two (smuggling on upgrade)", () => {
  test.each(smuggled)("%s: refused, and nothing behind it is answered", async (_what, lines, behind) => {
    const client = new RawClient(portOf(await serveEcho()), upgradeHead(lines) + behind);
    const answer = await client.ended();
    expect(answer).toMatch(/^HTTP\/1.1 4(00|26) /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
  });
});

test.each(["chat\r\nX-Evil: 1", "chat\nX: 1", "a b", "é"])(
  "line breaks in what is answered: the subprotocol %j is not said",
  async (protocol) => {
    const wss = await serve({ noServer: true, handleProtocols: () => protocol });
    const http = createServer().listen(0, "127.0.0.1");
    await once(http, "listening");
    onTestFinished(() => void http.close());
    http.on("upgrade", (request, socket, head) => {
      expect(() => wss.handleUpgrade(request, socket, head, () => {})).toThrow(TypeError);
    });
    const client = new RawClient(portOf(http), upgradeHead({ "Sec-WebSocket-Protocol": "chat" }));
    expect(await client.ended()).toMatch(/^HTTP\/1.1 500 /);
    expect(String(client.received)).not.toContain("Evil");
  },
);

test("RFC 6455 §10.3, cache poisoning: who does not mask is refused", async () => {
  const client = await upgraded(await serveEcho());
  client.socket.write(frame({ isMasked: false, payload: "GET /evil.js HTTP/1.1\r\n\r\n" }));
  expect(await closeCodeOf(client)).toBe(1002);
});

test("one peer's million tiny frames do not starve another", async () => {
  const wss = await serveEcho();
  const flood = await upgraded(wss);
  flood.socket.resume();
  const many = Buffer.concat(Array.from({ length: 100_000 }, () => frame({ opcode: 2, payload: "" })));
  for (let round = 0; round < 10; round++) flood.socket.write(many);
  const honest = open(urlOf(wss));
  await once(honest, "open");
  const answer = messages(honest, 1);
  honest.send("me too");
  expect(await answer).toEqual(["me too"]);
  flood.socket.destroy();
});
