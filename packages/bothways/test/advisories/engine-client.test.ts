/** Advisories about WebSocket clients, on the client of `bothways/websocket`. The rule of each is in README.md. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:https";
import { deflateRawSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "../../src/websocket/index.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { portOf } from "../websocket/rig.ts";
import { accepting, clientAgainst, heldBytes } from "./engine.ts";
import { frame } from "./frames.ts";

/** A server that accepts, and says this. */
const saying =
  (bytes: Uint8Array, lines = "") =>
  (key: string): Buffer =>
    accepting(key, lines, bytes);
const deflating = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";

describe("CVE-2026-1528, CVE-2026-54466: eight bytes of length, every high bit", () => {
  test.each(Array.from({ length: 12 }, (_, bit) => 2n ** BigInt(bit + 52)))("%d", async (declared) => {
    const code = await clientAgainst(saying(frame({ isMasked: false, declared }).subarray(0, 10)));
    expect(code).toBe(declared > 2n ** 63n - 1n ? "BW_WS_LENGTH" : "BW_MESSAGE_TOO_LARGE");
  });
});

test.each<[string, Buffer, string]>([
  ["a length beyond its limit", frame({ isMasked: false, declared: 100_000n }), "BW_MESSAGE_TOO_LARGE"],
  ["a length in more bytes than it needs", frame({ isMasked: false, declared: 5n }), "BW_WS_LENGTH"],
  ["a masked frame", frame({ payload: "x" }), "BW_WS_MASK"],
  ["a compressed frame", frame({ isMasked: false, rsv: 4, payload: "x" }), "BW_WS_RESERVED_BITS"],
  ["an unknown opcode", frame({ isMasked: false, opcode: 3 }), "BW_WS_OPCODE"],
  ["half a ping", frame({ isMasked: false, opcode: 9, fin: false }), "BW_WS_CONTROL_FRAME"],
  ["bad UTF-8", frame({ isMasked: false, payload: Uint8Array.of(0xc3, 0x28) }), "BW_WS_UTF8"],
  [
    "a close code that may not be sent",
    frame({ isMasked: false, opcode: 8, payload: Uint8Array.of(3, 0xed) }),
    "BW_WS_CLOSE_CODE",
  ],
])("undici's advisories of 2026, a client that trusted its server: %s", async (_what, bytes, code) => {
  expect(await clientAgainst(saying(bytes))).toBe(code);
});

describe("CVE-2026-2229: the answer to an offer of compression is checked", () => {
  test.each([
    "permessage-deflate; server_max_window_bits=99",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; unheard_of",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate, permessage-deflate",
    "x-other",
    'permessage-deflate; "',
  ])("%s", async (extensions) => {
    const answer = saying(new Uint8Array(0), `Sec-WebSocket-Extensions: ${extensions}\r\n`);
    expect(await clientAgainst(answer, { perMessageDeflate: true })).toBe("BW_WS_ACCEPT");
  });

  test("what was not offered is not accepted", async () => {
    expect(await clientAgainst(saying(new Uint8Array(0), deflating))).toBe("BW_WS_ACCEPT");
  });
});

describe("CVE-2026-1526: what a server sends compressed is inflated up to the limit", () => {
  test("a bomb of 90 MB in 90 kB ends before memory grows", async () => {
    const bomb = deflateRawSync(Buffer.alloc(90_000_000)).subarray(0, 90_000);
    const before = heldBytes();
    const bytes = frame({ isMasked: false, rsv: 4, opcode: 2, payload: bomb });
    const options = { perMessageDeflate: true, maxPayload: 1_000_000 };
    expect(await clientAgainst(saying(bytes, deflating), options)).toBe("BW_MESSAGE_TOO_LARGE");
    expect(heldBytes() - before).toBeLessThan(20_000_000);
  });

  test("what is no deflate", async () => {
    const bytes = frame({ isMasked: false, rsv: 4, payload: Uint8Array.of(0xff, 0xff, 0xff) });
    expect(await clientAgainst(saying(bytes, deflating), { perMessageDeflate: true })).toBe("BW_WS_INFLATE");
  });
});

describe("CVE-2026-1527: nothing of the application's breaks out of the request", () => {
  test.each<[string, () => WebSocket]>([
    ["a header", () => new WebSocket("ws://127.0.0.1:9", { headers: { a: "b\r\nX-Evil: 1" } })],
    ["a header's name", () => new WebSocket("ws://127.0.0.1:9", { headers: { "a\r\nX-Evil": "1" } })],
    ["the origin", () => new WebSocket("ws://127.0.0.1:9", { origin: "a\r\nX-Evil: 1" })],
    ["a subprotocol", () => new WebSocket("ws://127.0.0.1:9", ["a\r\nX-Evil: 1"])],
  ])("%s with a line break is refused", (_what, connect) => {
    expect(connect).toThrow();
  });

  test("an address with one is encoded", async () => {
    const heads: string[] = [];
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (_, { url = "", headers }) => heads.push(url, String(headers["x-evil"])));
    onTestFinished(() => server.close());
    const client = new WebSocket(`ws://127.0.0.1:${portOf(server)}/a%0d%0aX-Evil: 1/\r\nX-Evil: 1`);
    await once(client, "open");
    client.terminate();
    expect(heads).toEqual(["/a%0d%0aX-Evil:%201/X-Evil:%201", "undefined"]);
  });
});

test.each<[string, (key: string) => string | Buffer, string]>([
  ["an accept that is another's", () => accepting("another's"), "BW_WS_ACCEPT"],
  [
    "a subprotocol nobody asked for",
    (key) => accepting(key, "Sec-WebSocket-Protocol: x\r\n"),
    "BW_WS_ACCEPT",
  ],
  ["a head without an end", () => "HTTP/1.1 101 X\r\n".padEnd(70_000, "a: b\r\n"), "HPE_HEADER_OVERFLOW"],
  ["a status without an upgrade", () => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "BW_WS_HANDSHAKE"],
])("an answer that is none: %s", async (_what, answer, code) => {
  expect(await clientAgainst(answer)).toBe(code);
});

describe("CVE-2020-15133: the name in a certificate is checked", () => {
  test.each([
    [
      "the authority, and another's name",
      { ca: certificate, servername: "other.example" },
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ],
    ["no authority", { servername: "localhost" }, /SELF_SIGNED|UNABLE_TO/],
    ["the authority, and the right name", { ca: certificate, servername: "localhost" }, undefined],
  ] as const)("with %s", async (_what, options, expected) => {
    const https = createServer({ cert: certificate, key: privateKey }).listen(0, "127.0.0.1");
    await once(https, "listening");
    const wss = new WebSocketServer({ server: https });
    const client = new WebSocket(`wss://127.0.0.1:${portOf(https)}`, options);
    onTestFinished(() => {
      client.terminate();
      wss.close();
      https.close();
    });
    const code = await new Promise((resolve) => {
      client.on("open", () => resolve(undefined));
      client.on("error", (error) => resolve((error as Error & { code: string }).code));
    });
    if (expected instanceof RegExp) expect(code).toMatch(expected);
    else expect(code).toBe(expected);
  });
});

test("RFC 6455 §10.3, cache poisoning: no mask comes twice, and none is zero", async () => {
  const chunks: Buffer[] = [];
  const sent = clientAgainst((key, socket) => {
    socket.on("data", (chunk) => chunks.push(chunk));
    // Said back to pings, each with a mask of its own; the last frame ends it.
    const pings = Buffer.concat(
      Array.from({ length: 900 }, () => frame({ isMasked: false, opcode: 9, payload: "same" })),
    );
    return accepting(key, "", Buffer.concat([pings, frame({ isMasked: false, opcode: 3 })]));
  });
  expect(await sent).toBe("BW_WS_OPCODE");
  const bytes = Buffer.concat(chunks);
  const masks = Array.from({ length: 900 }, (_, i) => bytes.readUInt32BE(i * 10 + 2));
  // Of 900 in 2^32, two are alike once in 10,000 runs.
  expect(new Set(masks).size).toBeGreaterThan(898);
  expect(masks).not.toContain(0);
});
