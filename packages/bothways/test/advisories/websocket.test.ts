/** Advisories about WebSocket framing and its opening handshake. The rule of each is in README.md. */
import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { LinkHandler } from "../../src/model/transport.ts";
import { nodePrimitives } from "../../src/platform/node.ts";
import { webSocket } from "../../src/transport/node-client/websocket.ts";
import { createConnection } from "../../src/wire/websocket/connection.ts";
import { acceptKey } from "../../src/wire/websocket/handshake-key.ts";
import { FrameOutput } from "../../src/wire/websocket/output.ts";
import { hello } from "../socket/strangers.ts";
import { frame } from "./frames.ts";
import { open, openRaw, Raw, upgradeHead } from "./place.ts";
import { smuggled } from "./smuggled.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that this process holds, garbage apart. */
function heldBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe("CVE-2016-10518, CVE-2026-45736: memory that was never written is never sent", () => {
  const poison = 0xa5;

  /** A server's connection whose memory is all poison, and every byte it wrote. */
  function poisoned() {
    const written: Buffer[] = [];
    const output = new FrameOutput(
      () => {},
      (byteLength) => new Uint8Array(byteLength).fill(poison),
    );
    const host = {
      write: (bytes: Uint8Array) => void written.push(Buffer.from(bytes)),
      text() {},
      binary() {},
      pong() {},
      closed() {},
      end() {},
    };
    const options = { role: "server", maxMessageBytes: 1e6, primitives: nodePrimitives, output } as const;
    const connection = createConnection(options, host);
    const sent = (): Buffer => {
      output.flushOf(host);
      return Buffer.concat(written);
    };
    return { connection, sent };
  }

  test("whatever is sent, in whatever sizes", () => {
    const plain = fc.uint8Array({ max: poison - 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ maxLength: 300 }), plain)), plain, (messages, ping) => {
        const { connection, sent } = poisoned();
        for (const message of messages) {
          if (typeof message === "string") connection.sendText(message.replace(/[^ -~]/g, "?"));
          else connection.sendBinary(message);
        }
        connection.receive(frame({ opcode: 9, payload: ping.subarray(0, 125) }));
        connection.close(4000, "bye");
        expect(sent().includes(poison)).toBe(false);
      }),
    );
  });

  test.each<[string, unknown]>([
    ["a number", 7],
    ["a Uint8Array", new Uint8Array(4)],
    ["a Uint16Array", new Uint16Array(4)],
    ["a DataView", new DataView(new ArrayBuffer(9))],
    ["an object", { length: 50 }],
    ["null", null],
  ])("close reason: %s", (_what, reason) => {
    const { connection, sent } = poisoned();
    try {
      connection.close(4000, reason as string);
    } catch {
      // to be refused is well
    }
    expect(sent().includes(poison)).toBe(false);
  });
});

test.each([
  ["2^63 - 1", 2n ** 63n - 1n, 1009],
  ["2^32", 2n ** 32n, 1009],
  ["one beyond the limit", 100_001n, 1009],
])("CVE-2016-10542: a frame is judged by the length it declares, %s", async (_what, declared, code) => {
  const raw = await openRaw(await open(), hello());
  raw.send(frame({ declared }).subarray(0, 14));
  expect(await raw.closeCode()).toBe(code);
});

test("CVE-2016-10542: a message is judged by all its fragments", async () => {
  const raw = await openRaw(await open(), hello());
  raw.send(frame({ fin: false, payload: "x".repeat(60_000) }));
  raw.send(frame({ fin: false, opcode: 0, payload: "x".repeat(40_001) }));
  expect(await raw.closeCode()).toBe(1009);
});

test.each(["constructor", "__proto__", "toString", "hasOwnProperty; __proto__=1", "permessage-deflate"])(
  "GHSA-5v72-xg48-5rpm: the extension %s is nothing special",
  async (extension) => {
    const place = await open({ connectTimeout: 250 });
    const own = { Host: `127.0.0.1:${place.port}`, "Sec-WebSocket-Extensions": extension };
    const raw = await new Raw(place, upgradeHead(own)).upgraded();
    expect(raw.text).not.toMatch(/extensions/i);
    expect(await raw.closeCode()).toBe(4408);
  },
);

/** Work beyond linear on one of these would outlast the test's time. */
const endless = [
  ["commas", ","],
  ["spaces", " "],
  ["tabs and commas", "\t,"],
  ["an unclosed quote", '\\"'],
  ["backslashes", "\\c"],
  ["names", "a,"],
] as const;

test.each(endless)(
  "CVE-2021-32640, CVE-2020-7662: subprotocols and extensions full of %s",
  { timeout: 20_000 },
  async (_what, piece) => {
    const place = await open();
    const long = `a; b="${piece.repeat(12_000 / piece.length)}`;
    for (let round = 0; round < 100; round++) {
      const name = round % 2 ? "Sec-WebSocket-Protocol" : "Sec-WebSocket-Extensions";
      const offer = round % 2 ? `bothways.1,${long}` : long;
      const raw = new Raw(place, upgradeHead({ Host: `127.0.0.1:${place.port}`, [name]: offer }));
      await vi.waitFor(() => expect(raw.text).toContain("\r\n\r\n"), { interval: 1 });
      expect(raw.status).toBe(round % 2 ? 400 : 101);
      raw.socket.destroy();
    }
  },
);

describe("CVE-2024-37890: no header is taken for granted", () => {
  const needed = [
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
  ];

  test.each(needed)("without %s", async (name) => {
    const raw = new Raw(await open(), upgradeHead({ [name]: undefined }));
    // without Upgrade or Connection it is a plain GET
    if (name === "Upgrade" || name === "Connection") raw.send("");
    await vi.waitFor(() => expect(raw.text).toContain("\r\n\r\n"));
    expect([400, 405, 426]).toContain(raw.status);
  });

  test.each(needed)("%s behind 2,001 others", async (name) => {
    const flood = Array.from({ length: 2_001 }, () => "1");
    const { [name]: last = "", ...others } = {
      Host: "127.0.0.1",
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol": "bothways.1",
    } as Record<string, string>;
    const raw = new Raw(
      await open(),
      upgradeHead({ [name]: undefined, ...others, a: flood, [`${name}`]: last }),
    );
    await vi.waitFor(() => expect(raw.text).toContain("\r\n\r\n"));
    expect([400, 405, 426, 431]).toContain(raw.status);
  });

  test("a head of more than 16 KiB", async () => {
    const raw = new Raw(await open(), upgradeHead({ Cookie: "x".repeat(20_000) }));
    expect(await raw.ended()).toMatch(/^HTTP\/1.1 431 /);
  });
});

describe.each([
  ["of one byte", "x"],
  ["of none", ""],
])("CVE-2026-48779 and its first, incomplete fix: fragments %s without an end", (_what, payload) => {
  test("cost the connection no more than a message", async () => {
    const place = await open({ maxHttpBufferSize: 1_000_000, connectTimeout: 60_000 });
    const raw = await openRaw(place, hello());
    raw.send(frame({ fin: false, payload }));
    const pieces = Buffer.concat(
      Array.from({ length: 50_000 }, () => frame({ fin: false, opcode: 0, payload })),
    );
    const before = heldBytes();
    for (let round = 0; round < 8; round++) {
      await new Promise((resolve) => raw.socket.write(pieces, resolve));
    }
    // behind a ping, everything was taken
    raw.send(frame({ opcode: 9, payload: "all there?" }));
    await vi.waitFor(() => expect(raw.frames.at(-1)?.payload.toString()).toBe("all there?"));
    expect(heldBytes() - before).toBeLessThan(4_000_000);
  });
});

test("ws maxPendingAutoPongs: pings from one who does not read wait as one pong", async () => {
  const place = await open();
  const raw = await openRaw(place, hello());
  raw.socket.pause();
  const pings = Buffer.concat(
    Array.from({ length: 1_000 }, () => frame({ opcode: 9, payload: "x".repeat(120) })),
  );
  const before = heldBytes();
  for (let round = 0; round < 300; round++) {
    await new Promise((resolve) => raw.socket.write(pings, resolve));
  }
  expect(heldBytes() - before).toBeLessThan(10_000_000);
  raw.socket.resume();
  // those that fitted were answered; what came after them is one
  await vi.waitFor(() => expect(raw.frames.length).toBeGreaterThan(1));
  expect(raw.frames.length).toBeLessThan(300_000);
});

test.each(["/", "/bothways/extra", "/bothways", "/bothways/client.js", "/other?x", "*", "/%00", "//"])(
  "CVE-2020-7693: an upgrade at %s is answered",
  async (target) => {
    const raw = new Raw(await open(), upgradeHead({ Host: "127.0.0.1" }, target));
    await vi.waitFor(() => expect(raw.text).toContain("\r\n\r\n"));
    expect([101, 400, 404, 405]).toContain(raw.status);
  },
);

describe("CVE-2026-54466: eight bytes of length, every high bit", () => {
  test.each(Array.from({ length: 12 }, (_, bit) => 2n ** BigInt(bit + 52)))("%d", async (declared) => {
    const raw = await openRaw(await open(), hello());
    raw.send(frame({ declared }).subarray(0, 14));
    expect(await raw.closeCode()).toBe(declared === 2n ** 63n ? 1002 : 1009);
  });

  test("lengths that take more bytes than they need", async () => {
    const raw = await openRaw(await open(), hello());
    raw.send(frame({ declared: 5n }));
    expect(await raw.closeCode()).toBe(1002);
  });
});

describe("the request that wants to be two (smuggling on upgrade)", () => {
  test.each(smuggled)("%s: refused, and nothing behind it is answered", async (_what, fields, behind) => {
    const place = await open();
    const raw = new Raw(place, upgradeHead({ Host: `127.0.0.1:${place.port}`, ...fields }) + behind);
    const answer = await raw.ended();
    expect(raw.status === 400 || raw.status === 426).toBe(true);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
  });
});

test("RFC 6455 §10.3, cache poisoning: who does not mask is refused", async () => {
  const raw = await openRaw(await open(), hello());
  raw.send(frame({ isMasked: false, payload: "GET /evil.js HTTP/1.1\r\n\r\n" }));
  expect(await raw.closeCode()).toBe(1002);
});

describe("frames that no client sends", () => {
  test.each<[string, Buffer, number]>([
    ["reserved bit 1", frame({ rsv: 4, payload: "x" }), 1002],
    ["reserved bit 3", frame({ rsv: 1, payload: "x" }), 1002],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer, number] => [
      `opcode ${opcode}`,
      frame({ opcode, payload: "x" }),
      1002,
    ]),
    ["a long ping", frame({ opcode: 9, payload: "x".repeat(126) }), 1002],
    ["half a ping", frame({ fin: false, opcode: 9 }), 1002],
    ["a continuation of nothing", frame({ opcode: 0, payload: "x" }), 1002],
    ["a message inside another", Buffer.concat([frame({ fin: false }), frame({})]), 1002],
    ["bad UTF-8", frame({ payload: Uint8Array.of(0xc3, 0x28) }), 1007],
    ["a surrogate in UTF-8", frame({ payload: Uint8Array.of(0xed, 0xa0, 0x80) }), 1007],
    ["bad UTF-8 in an unfinished fragment", frame({ fin: false, payload: Uint8Array.of(0xff) }), 1007],
    ["a close code of one byte", frame({ opcode: 8, payload: "x" }), 1002],
    ["a close code that may not be sent", frame({ opcode: 8, payload: Uint8Array.of(3, 0xed) }), 1002],
    ["bad UTF-8 in a close", frame({ opcode: 8, payload: Uint8Array.of(3, 0xe8, 0xff) }), 1007],
  ])("%s", async (_what, bytes, code) => {
    const place = await open();
    const raw = await openRaw(place, hello());
    raw.send(bytes);
    expect(await raw.closeCode()).toBe(code);
    expect(place.errors).toEqual([]);
  });
});

describe("CVE-2026-1526, -1527, -1528, -2229: the client distrusts servers as servers distrust it", () => {
  /** What our client's link says when a server answers its upgrade with these bytes. */
  async function against(answer: (key: string) => Buffer | string): Promise<string> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        const key = /sec-websocket-key: (\S+)/i.exec(chunk.toString("latin1"))?.[1];
        if (key) socket.write(answer(key));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    return new Promise((resolve) => {
      const handler: LinkHandler = {
        receive: () => {},
        received: () => {},
        writable: () => {},
        blocked: () => {},
        position: () => "",
        lost: resolve,
      };
      const url = `http://127.0.0.1:${port}/bothways/`;
      webSocket().open({ url, maxMessageBytes: 1_000 }, hello(), handler);
    });
  }

  const accept = (key: string, more = ""): string =>
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Accept: ${acceptKey(key, nodePrimitives)}\r\nSec-WebSocket-Protocol: bothways.1\r\n${more}\r\n`;
  const behind = (bytes: Uint8Array) => (key: string) => Buffer.concat([Buffer.from(accept(key)), bytes]);

  test.each<[string, (key: string) => Buffer | string, string]>([
    ["a length of 2^63", behind(frame({ isMasked: false, declared: 2n ** 63n })), "BW_WS_LENGTH"],
    [
      "a length beyond its limit",
      behind(frame({ isMasked: false, declared: 100_000n })),
      "BW_MESSAGE_TOO_LARGE",
    ],
    ["a masked frame", behind(frame({ payload: "x" })), "BW_WS_MASK"],
    ["a compressed frame", behind(frame({ isMasked: false, rsv: 4, payload: "x" })), "BW_WS_RESERVED_BITS"],
    [
      "an extension it did not offer",
      (key) => accept(key, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n"),
      "BW_WS_ACCEPT",
    ],
    ["an accept that is another's", () => accept("AAAAAAAAAAAAAAAAAAAAAA=="), "BW_WS_ACCEPT"],
    ["a head without an end", () => "HTTP/1.1 101 X\r\n".padEnd(70_000, "a: b\r\n"), "BW_HEADERS_TOO_LARGE"],
  ])("%s", async (_what, answer, code) => {
    expect(await against(answer)).toBe(code);
  });
});
