/**
 * Hostile bytes: well-formed frames and heads, mutated with knowledge of where their fields are. Whatever comes, nothing
 * throws, the outcome is an event or a code of the error table, and what is held is in proportion to what arrived.
 *
 * `FUZZ_RUNS` sets the number of streams per target (default 3,000), `FUZZ_SEED` replays one run.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorTable } from "../../src/model/errors.ts";
import { ResponseHeadParser } from "../../src/wire/websocket/response-head.ts";
import { checkUpgrade } from "../../src/wire/websocket/server-handshake.ts";
import {
  closePayload,
  createRecordedConnection,
  decodeFrames,
  type FrameParts,
  joinBytes,
  rawFrame,
} from "../wire/websocket/harness.ts";

const numRuns = Number(process.env.FUZZ_RUNS ?? 3_000);
const seed = process.env.FUZZ_SEED === undefined ? {} : { seed: Number(process.env.FUZZ_SEED) };
const maxMessageBytes = 2_000;

type Mutation = (bytes: Uint8Array) => Uint8Array;

const interestingBytes = [0x00, 0x01, 0x7e, 0x7f, 0x80, 0x81, 0x88, 0x89, 0xc0, 0xed, 0xf4, 0xfe, 0xff];

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(7)).map(
    ([at, bit]): Mutation =>
      (bytes) =>
        flip(bytes, at, 1 << bit),
  ),
  // The first two bytes hold all the flags.
  fc.tuple(fc.nat(1), fc.nat(255)).map(
    ([at, bits]): Mutation =>
      (bytes) =>
        flip(bytes, at, bits),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...interestingBytes)).map(
    ([at, byte]): Mutation =>
      (bytes) =>
        bytes.length === 0 ? bytes : bytes.with(at % bytes.length, byte),
  ),
  fc.nat().map(
    (at): Mutation =>
      (bytes) =>
        bytes.slice(0, at % (bytes.length + 1)),
  ),
  fc.tuple(fc.nat(), fc.nat(40)).map(
    ([at, count]): Mutation =>
      (bytes) => {
        const from = at % (bytes.length + 1);
        return joinBytes(bytes.slice(0, from + count), bytes.slice(from));
      },
  ),
);

function flip(bytes: Uint8Array, at: number, bits: number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const index = at % bytes.length;
  return bytes.with(index, (bytes[index] ?? 0) ^ bits);
}

const payload = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(125, 126, 1_999, 2_000, 2_001).map((length) => "x".repeat(length)),
  fc.nat(5_000).map((code) => closePayload(code, "reason")),
);
const frame: fc.Arbitrary<FrameParts> = fc.record({
  opcode: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 2, 9, 10, 8),
  payload,
  isFinal: fc.boolean(),
});
const stream = fc
  .tuple(
    fc.array(fc.tuple(frame, fc.option(mutation, { freq: 3 })), { minLength: 1, maxLength: 10 }),
    fc.array(mutation, { maxLength: 2 }),
  )
  .map(([frames, last]) => {
    const parts = frames.map(([parts, mutate]) => (mutate ?? ((bytes) => bytes))(rawFrame(parts)));
    return last.reduce((bytes, mutate) => mutate(bytes), joinBytes(...parts));
  });

describe.each(["server", "client"] as const)("frames to a %s", (role) => {
  test("are accepted or refused with a documented code, however they are cut", () => {
    const seen = new Set<string>();
    const actions = fc.array(fc.constantFrom("none", "none", "send", "close", "block", "unblock"), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 300 }), actions, (masked, pieceBytes, todo) => {
        const bytes = role === "server" ? masked : unmasked(masked);
        const { connection, events, takeFrames } = createRecordedConnection(role, maxMessageBytes);
        for (let at = 0, turn = 0; at < bytes.length; at += pieceBytes, turn++) {
          connection.receive(bytes.slice(at, at + pieceBytes));
          const action = todo[turn];
          if (action === "send") connection.sendText("hello");
          if (action === "close") connection.close(1000);
          if (action === "block" || action === "unblock") connection.setOutputBlocked(action === "block");
        }
        connection.receiveEnd();
        const closed = events.filter(([name]) => name === "closed").map(([, event]) => event);
        expect(closed).toHaveLength(1);
        for (const event of closed as { error?: string; code: number }[]) {
          seen.add(event.error ?? "clean");
          if (event.error !== undefined) expect(errorTable).toHaveProperty(event.error);
        }
        const written = takeFrames();
        expect(
          written.every((f) => f.reserved === 0 && f.isFinal && f.isMasked === (role === "client")),
        ).toBe(true);
        expect(written.findIndex((f) => f.opcode === 8)).toBe(
          written.some((f) => f.opcode === 8) ? written.length - 1 : -1,
        );
      }),
      { numRuns, ...seed },
    );
    const expected = ["clean", "BW_WS_RESERVED_BITS", "BW_WS_OPCODE", "BW_WS_CONTINUATION", "BW_WS_MASK"];
    const more = [
      "BW_WS_LENGTH",
      "BW_WS_UTF8",
      "BW_WS_CONTROL_FRAME",
      "BW_WS_CLOSE_CODE",
      "BW_MESSAGE_TOO_LARGE",
    ];
    for (const outcome of [...expected, ...more]) expect([...seen]).toContain(outcome);
  });
});

/** The same stream as a server would send it, as far as it still has frames. */
function unmasked(masked: Uint8Array): Uint8Array {
  try {
    return joinBytes(...decodeFrames(masked).map((f) => rawFrame({ ...f, mask: undefined })));
  } catch {
    return masked;
  }
}

test("memory held is in proportion to the bytes that came, whatever a header declares", () => {
  const before = process.memoryUsage().arrayBuffers;
  const hostile = Array.from({ length: 200 }, (_, i) => {
    const { connection } = createRecordedConnection("server", 2 ** 40);
    connection.receive(
      rawFrame({ opcode: 2, declaredLength: i % 2 ? 2n ** 39n : 2n ** 26n, payload: "0123456789" }),
    );
    return connection;
  });
  expect(hostile.every(({ state }) => state === "open")).toBe(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});

describe("heads", () => {
  const name = fc.constantFrom(
    "host",
    "upgrade",
    "connection",
    "content-length",
    "transfer-encoding",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "__proto__",
    "constructor",
  );
  const word = fc.constantFrom(
    "websocket",
    "Upgrade",
    "13",
    "0",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "a, b",
    ",",
    "",
    " ",
    "\r\n",
    "\0",
  );
  const value = fc.oneof(
    word,
    fc.string({ maxLength: 30 }),
    fc.array(word, { maxLength: 3 }),
    fc.constant(undefined),
  );

  test("an upgrade request is accepted or refused with a documented code", () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, value),
        fc.constantFrom("GET", "POST"),
        fc.nat(1),
        (headers, method, earlyBytes) => {
          const result = checkUpgrade({ method, httpVersion: "1.1", headers, earlyBytes });
          if (!result.ok) expect(errorTable).toHaveProperty(result.code);
        },
      ),
      { numRuns, ...seed },
    );
  });

  test("a response head is read or refused with a documented code, the same however it is cut", () => {
    const line = fc.oneof(
      fc.tuple(name, fc.string({ maxLength: 20 })).map(([key, text]) => `${key}: ${text}`),
      fc.string({ maxLength: 20 }),
    );
    const head = fc
      .tuple(
        fc.constantFrom("HTTP/1.1 101 Switching", "HTTP/1.1 200", "HTTP/1.0 101 x"),
        fc.array(line, { maxLength: 6 }),
      )
      .map((lines) => Uint8Array.from(Buffer.from(`${lines.flat().join("\r\n")}\r\n\r\n`)));
    fc.assert(
      fc.property(
        head,
        fc.array(mutation, { maxLength: 2 }),
        fc.integer({ min: 1, max: 50 }),
        (valid, mutations, pieceBytes) => {
          const bytes = mutations.reduce<Uint8Array>((all, mutate) => mutate(all), valid);
          const whole = new ResponseHeadParser(200).feed(bytes);
          const parser = new ResponseHeadParser(200);
          let cut: typeof whole;
          for (let at = 0; at < bytes.length && cut === undefined; at += pieceBytes) {
            cut = parser.feed(bytes.slice(at, at + pieceBytes));
          }
          if (whole?.ok) expect(cut).toMatchObject({ ok: true, head: whole.head });
          else expect(cut).toEqual(whole);
          if (whole?.ok === false) expect(errorTable).toHaveProperty(whole.code);
        },
      ),
      { numRuns, ...seed },
    );
  });
});
