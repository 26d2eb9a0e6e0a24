/** What a codec must do whichever way it reaches zlib. */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CodecSource } from "../../../src/transport/node/deflate-codec.ts";
import type { MessageCodec } from "../../../src/wire/websocket/deflated-connection.ts";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { type DeflateParameters, defaultDeflate } from "../../../src/wire/websocket/permessage-deflate.ts";

const flush = { finishFlush: constants.Z_SYNC_FLUSH };
const tail = Buffer.of(0, 0, 0xff, 0xff);

export function openCodec(
  agreed: Partial<DeflateParameters> = {},
  { role = "server", maxMessageBytes = 4_000_000 }: { role?: Role; maxMessageBytes?: number } = {},
): MessageCodec {
  const source = new CodecSource({ maxMessageBytes, level: 6, memLevel: 8 });
  return source.codecFor(role, { ...defaultDeflate, ...agreed });
}

export function deflate(codec: MessageCodec, payload: Uint8Array): Promise<Buffer | undefined> {
  return new Promise((resolve) =>
    codec.deflate(payload, (compressed) => resolve(compressed && Buffer.from(compressed))),
  );
}

export function inflate(codec: MessageCodec, payload: Uint8Array): Promise<Buffer | string> {
  return new Promise((resolve) =>
    codec.inflate(payload, (message) =>
      resolve(typeof message === "string" ? message : Buffer.from(message)),
    ),
  );
}

/** As another implementation compresses a message. */
export function reference(message: Uint8Array, windowBits = 15): Buffer {
  return deflateRawSync(message, { ...flush, windowBits }).subarray(0, -tail.length);
}

/** As another implementation reads one. A small `chunkSize` makes it use its window, and no more. */
function read(compressed: Uint8Array, windowBits = 15): Buffer {
  return inflateRawSync(Buffer.concat([compressed, tail]), { ...flush, windowBits, chunkSize: 64 });
}

export function prose(byteLength: number, seed = 1): Buffer {
  const words = ["lorem", "ipsum", "dolor", "sit", "amet", "소식", '{"id":', "},", "0.31"];
  let text = "";
  for (let i = seed; text.length < byteLength; i = (i * 48_271) % 2_147_483_647)
    text += words[i % words.length];
  return Buffer.from(text).subarray(0, byteLength);
}

function noise(byteLength: number): Uint8Array {
  let seed = 7;
  return new Uint8Array(byteLength).map(() => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed >> 8;
  });
}

const sizes = [
  1, 20, 1_023, 1_024, 16_384, 32_768, 32_769, 65_535, 65_536, 65_537, 200_000, 1_000_000, 3_000_000,
];

export function codecSuite(): void {
  describe("compressing", () => {
    test.each(sizes)(
      "RFC7692-7.2.1-8 RFC7692-7.2.2-5 %i bytes are read by another implementation",
      async (size) => {
        const message = prose(size);
        const compressed = await deflate(openCodec(), message);
        if (size < 100) expect(compressed?.length ?? 0).toBeLessThanOrEqual(size + 5);
        else expect(compressed?.length).toBeLessThan(size / 3);
        if (compressed !== undefined) expect(read(compressed).equals(message)).toBe(true);
      },
    );

    test.each([100, 5_000, 40_000, 200_000])("%i bytes of noise are not worth it", async (size) => {
      expect(await deflate(openCodec(), noise(size))).toBeUndefined();
    });

    test.each([9, 10, 12, 15])(
      "RFC7692-7.2.1-3 RFC7692-7.2.1-6..7 a window of 2^%i bytes is not exceeded",
      async (bits) => {
        for (const [role, key] of [
          ["server", "serverMaxWindowBits"],
          ["client", "clientMaxWindowBits"],
        ] as const) {
          for (const distance of [300, 600, 3_000, 20_000, 40_000]) {
            const block = noise(distance);
            const message = Buffer.concat([block, block, prose(distance)]);
            const compressed = await deflate(openCodec({ [key]: bits }, { role }), message);
            if (compressed === undefined) continue;
            expect(read(compressed, bits).equals(message)).toBe(true);
          }
        }
      },
    );

    test("that check can fail: a longer window is noticed", () => {
      const block = noise(3_000);
      expect(() => read(reference(Buffer.concat([block, block]), 15), 9)).toThrow();
    });

    test("a window of 256 bytes, which zlib cannot do, sends messages as they are", async () => {
      expect(await deflate(openCodec({ serverMaxWindowBits: 8 }), prose(5_000))).toBeUndefined();
      expect(await deflate(openCodec({ serverMaxWindowBits: 8 }), prose(500_000))).toBeUndefined();
      expect(await deflate(openCodec({ clientMaxWindowBits: 8 }), prose(5_000))).toBeDefined();
    });

    test.each<[Role, Partial<DeflateParameters>]>([
      ["server", { clientNoContextTakeover: false }],
      ["client", { serverNoContextTakeover: false }],
    ])("RFC7692-7.2.1-4..5 without context takeover a %s begins each message anew", async (role, agreed) => {
      const codec = openCodec(agreed, { role });
      const first = await deflate(codec, prose(2_000));
      for (let i = 0; i < 3; i++) expect(await deflate(codec, prose(2_000))).toEqual(first);
    });

    test("what the caller changes afterwards is not seen", async () => {
      const codec = openCodec();
      for (const size of [2_000, 33_000, 65_536]) {
        const message = prose(size);
        const wanted = Buffer.from(message);
        const compressing = deflate(codec, message);
        message.fill(0);
        const compressed = await compressing;
        expect(compressed && read(compressed).equals(wanted)).toBe(true);
      }
    });
  });

  describe("decompressing", () => {
    test.each([0, ...sizes])("RFC7692-7.2.2-3..5 %i bytes of another implementation", async (size) => {
      for (const role of ["server", "client"] as const) {
        const message = prose(size);
        const inflated = await inflate(openCodec({}, { role }), reference(message));
        expect(inflated instanceof Buffer && inflated.equals(message)).toBe(true);
      }
    });

    test.each([100, 20_000, 300_000])(
      "RFC7692-7.2.2-3..4 of %i bytes that refer as far back as can be",
      async (size) => {
        const block = noise(Math.min(size, 32_000));
        const message = Buffer.concat([block, prose(size), block]);
        expect(await inflate(openCodec(), reference(message))).toEqual(message);
      },
    );

    test.each([1_000, 60_000, 1_000_000])("of at most maxMessageBytes = %i", async (maxMessageBytes) => {
      const codec = openCodec({}, { maxMessageBytes });
      for (const length of [maxMessageBytes - 1, maxMessageBytes])
        expect((await inflate(codec, reference(prose(length)))).length).toBe(length);
      for (const length of [maxMessageBytes + 1, maxMessageBytes * 2])
        expect(await inflate(codec, reference(prose(length)))).toBe("BW_MESSAGE_TOO_LARGE");
      expect(await inflate(codec, reference(prose(10)))).toHaveLength(10);
    });

    test("RFC6455-10.4-1 a bomb of 256 MiB ends at the limit, before memory grows", async () => {
      const zeros = Buffer.alloc(16_777_216);
      const part = deflateRawSync(zeros, { finishFlush: constants.Z_FULL_FLUSH });
      const bomb = Buffer.concat(Array.from({ length: 16 }, () => part)).subarray(0, -tail.length);
      const small = reference(Buffer.alloc(10_000_000));
      expect(small.length).toBeLessThan(16_384);
      const before = process.resourceUsage().maxRSS;
      for (const payload of [bomb, small])
        expect(await inflate(openCodec({}, { maxMessageBytes: 1_000_000 }), payload)).toBe(
          "BW_MESSAGE_TOO_LARGE",
        );
      expect(process.resourceUsage().maxRSS - before).toBeLessThan(32_000);
    });

    test("what is no deflate stream is an error, and of that message only", async () => {
      const codec = openCodec();
      for (const size of [10, 1_000, 50_000]) {
        const broken = reference(prose(size * 3)).fill(0xff, 2);
        expect(await inflate(codec, broken)).toBe("BW_WS_INFLATE");
        const whole = reference(prose(size * 3));
        for (const length of [1, 5, whole.length >> 1, whole.length - 3])
          expect(await inflate(codec, whole.subarray(0, length))).toBe("BW_WS_INFLATE");
        expect(await inflate(codec, Uint8Array.of(0xff, 0xff))).toBe("BW_WS_INFLATE");
        expect(await inflate(codec, reference(prose(size)))).toEqual(prose(size));
      }
    });

    test("RFC7692-7.2.3.6-1 an empty message is one byte, and no byte is taken for one too", async () => {
      const empty = Buffer.alloc(0);
      expect(reference(empty)).toEqual(Buffer.of(0));
      expect(await inflate(openCodec(), Buffer.of(0))).toEqual(empty);
      expect(await inflate(openCodec(), empty)).toEqual(empty);
    });

    test("nothing is taken from the message before", async () => {
      const codec = openCodec();
      const dictionary = prose(3_000);
      await inflate(codec, reference(dictionary));
      const dependent = deflateRawSync(dictionary, { ...flush, dictionary }).subarray(0, -tail.length);
      expect(await inflate(codec, dependent)).toBe("BW_WS_INFLATE");
    });

    test.each([50, 100_000])(
      "RFC7692-7.2.1-1 RFC7692-7.2.3.4-1 final blocks inside a message of %i bytes",
      async (size) => {
        const message = prose(size);
        const final = deflateRawSync(message);
        const again = prose(size, 5);
        const codec = openCodec();
        expect(await inflate(codec, Buffer.concat([final, Buffer.of(0)]))).toEqual(message);
        expect(await inflate(codec, final)).toEqual(message);
        expect(await inflate(codec, Buffer.concat([final, reference(again)]))).toEqual(
          Buffer.concat([message, again]),
        );
        expect(await inflate(codec, Buffer.concat([final, deflateRawSync(again), Buffer.of(0)]))).toEqual(
          Buffer.concat([message, again]),
        );
      },
    );

    test("final blocks without end are refused", async () => {
      const codec = openCodec();
      const many = Buffer.concat(Array.from({ length: 1_000 }, () => deflateRawSync("")));
      expect(await inflate(codec, many)).toBe("BW_WS_INFLATE");
    });

    test("any bytes give a message or an error", async () => {
      const codec = openCodec({}, { maxMessageBytes: 100_000 });
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          const inflated = await inflate(codec, bytes);
          if (typeof inflated === "string")
            expect(["BW_WS_INFLATE", "BW_MESSAGE_TOO_LARGE"]).toContain(inflated);
        }),
        { numRuns: 500 },
      );
      expect(await inflate(codec, reference(prose(1_000)))).toEqual(prose(1_000));
    });
  });

  test("many at once, in both directions, are each their own", async () => {
    const codec = openCodec();
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const message = prose(20_000 + i * 3_000, i + 1);
        const compressed = await deflate(codec, message);
        const inflated = compressed && (await inflate(codec, compressed));
        expect(inflated instanceof Buffer && inflated.equals(message)).toBe(true);
      }),
    );
  });
}
