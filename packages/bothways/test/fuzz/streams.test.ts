/** Whatever a stream brings, its readers take it or refuse it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Data } from "../../src/model/message.ts";
import { createMultipartDecoder } from "../../src/transport/client/multipart.ts";
import { multipartForm } from "../../src/transport/node/multipart.ts";
import { sseForm } from "../../src/transport/node/sse.ts";
import { streamForm } from "../../src/transport/node/stream.ts";
import { EventStreamParser } from "../../src/wire/eventstream/parser.ts";
import { createBodyDecoder } from "../../src/wire/native/body-decoder.ts";

const frames: readonly Data[] = [
  "a1,2,3",
  "n1",
  'm2["x","한"]',
  Uint8Array.of(0x6d, 13, 10, 255),
  "m".repeat(90),
];

const readers = {
  stream: { form: streamForm, create: () => createBodyDecoder(200) },
  multipart: { form: multipartForm, create: () => createMultipartDecoder(200) },
  sse: {
    form: sseForm,
    create: () => {
      const parser = new EventStreamParser(200);
      return (chunk: Uint8Array) => parser.push(chunk);
    },
  },
};

test.each(Object.entries(readers))("%s: mutated input", (name, { form, create }) => {
  const encode = (chunk: Data): Uint8Array =>
    typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
  const chunks = [form.prologue, form.wrap(frames), ...frames.map((frame) => form.wrap([frame]))].map(encode);
  const valid = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
  const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 });
  const cuts = fc.array(fc.nat(valid.length), { maxLength: 6 });
  let taken = 0;
  fc.assert(
    fc.property(edits, cuts, fc.boolean(), (changes, places, isShifted) => {
      const bytes = isShifted ? valid.slice(places[0] ?? 0) : valid.slice();
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      const read = create();
      const ends = [...places, bytes.length].sort((one, other) => one - other);
      try {
        ends.forEach((end, index) => {
          taken += read(bytes.subarray(ends[index - 1] ?? 0, end))?.length ?? 0;
        });
      } catch (error) {
        // a reader of events that are text takes any bytes
        expect(name).not.toBe("sse");
        expect(String(error)).toMatch(/malformed|not valid/);
      }
    }),
    { numRuns: 3000 },
  );
  expect(taken).toBeGreaterThan(1000);
});
