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
  type FrameParts,
  joinBytes,
  type RawFrame,
  rawFrame,
  testMask,
} from "../wire/websocket/harness.ts";
import { frameEnds } from "./frame-ends.ts";

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

const text = fc.string({ unit: "grapheme", maxLength: 60 });
const payload = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constantFrom(125, 126, 1_999, 2_001).map((length) => "x".repeat(length)) },
);
const control: fc.Arbitrary<FrameParts> = fc.record({ opcode: fc.constantFrom(9, 10), payload: text });
const message: fc.Arbitrary<FrameParts[]> = fc
  .tuple(fc.constantFrom(1, 2), fc.array(payload, { minLength: 1, maxLength: 4 }), fc.option(control))
  .map(([opcode, payloads, between]) => {
    const last = payloads.length - 1;
    const frames: FrameParts[] = payloads.map((part, i) => ({
      opcode: i === 0 ? opcode : 0,
      payload: part,
      isFinal: i === last,
    }));
    return between === null ? frames : frames.toSpliced(1, 0, { ...between, isFinal: true });
  });
const close: fc.Arbitrary<FrameParts[]> = fc
  .integer({ min: 900, max: 5_000 })
  .map((code) => [{ opcode: 8, payload: closePayload(code, "reason") }]);
const stray: fc.Arbitrary<FrameParts[]> = fc
  .record({
    opcode: fc.nat(15),
    payload,
    isFinal: fc.boolean(),
    lengthBytes: fc.constantFrom(2, 8, undefined),
  })
  .map((parts) => [parts]);

/** Mostly whole messages, so that the deeper states are reached; some frames of theirs mutated. */
function streamOf(mask: readonly number[] | undefined): fc.Arbitrary<Uint8Array> {
  const frames = fc
    .array(
      fc.oneof(
        { weight: 12, arbitrary: message },
        { weight: 1, arbitrary: close },
        { weight: 1, arbitrary: stray },
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((units) => units.flat().map((parts) => rawFrame({ ...parts, mask })));
  return fc
    .tuple(frames, fc.array(fc.tuple(fc.nat(), mutation), { maxLength: 2 }))
    .map(([parts, mutations]) => {
      for (const [at, mutate] of mutations) {
        const index = at % parts.length;
        parts[index] = mutate(parts[index] ?? new Uint8Array(0));
      }
      return joinBytes(...parts);
    });
}

const actions = fc.array(fc.constantFrom("none", "none", "send", "close", "block", "unblock"), {
  maxLength: 6,
});

describe.each(["server", "client"] as const)("frames to a %s", (role) => {
  test("RFC6455-10.1-1 RFC6455-10.7-1 are accepted or refused with a documented code, however they are cut", () => {
    const counts = Object.fromEntries(frameEnds.map((outcome) => [outcome, 0]));
    const stream = streamOf(role === "server" ? testMask : undefined);
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 300 }), actions, (bytes, pieceBytes, todo) => {
        const { connection, events, takeFrames } = createRecordedConnection(role, maxMessageBytes);
        for (let at = 0, turn = 0; at < bytes.length; at += pieceBytes, turn++) {
          connection.receive(bytes.slice(at, at + pieceBytes));
          const action = todo[turn];
          if (action === "send") connection.sendText("hello");
          if (action === "close") connection.close(1000);
          if (action === "block" || action === "unblock") connection.setOutputBlocked(action === "block");
        }
        connection.receiveEnd();
        const closed = events.filter((event) => event[0] === "closed").map(([, event]) => event);
        expect(closed).toHaveLength(1);
        const outcome = closed[0]?.error ?? "clean";
        expect(frameEnds).toContain(outcome);
        counts[outcome] = (counts[outcome] ?? 0) + 1;
        const written = takeFrames();
        const isWellFormed = (f: RawFrame) =>
          f.reserved === 0 && f.isFinal && f.isMasked === (role === "client");
        expect(written.every(isWellFormed)).toBe(true);
        const closeAt = written.findIndex(({ opcode }) => opcode === 8);
        expect(closeAt === -1 || closeAt === written.length - 1).toBe(true);
      }),
      { numRuns, ...seed },
    );
    // A generator that no longer reaches an outcome tests nothing there.
    if (numRuns >= 3_000) expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
  });
});

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
