/**
 * The same bytes to our parser and to that of `ws`, an independent implementation. They must tell the same events, but
 * for these intended differences:
 *
 * - Error codes: only the close code (1002, 1007, 1009) is compared.
 * - Invalid text in fragments: we fail at the first wrong byte, ws when the message is complete. So a stream on which
 *   we fail with 1007 may lead ws on to further control frames or to another error.
 * - Order of checks: a frame that breaks two rules at once may be refused for another of them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ErrorCode } from "../../../src/model/errors.ts";
import { errorTable } from "../../../src/model/errors.ts";
import { closePayload, type FrameParts, joinBytes, parse, rawFrame } from "./harness.ts";
import { type Line, parseWithWs } from "./ws-receiver.ts";

const maxMessageBytes = 1_000;

function parseWithUs(bytes: Uint8Array): Line[] {
  return parse(bytes, { maxMessageBytes }).map((event) =>
    event[0] === "fault" ? ["fault", errorTable[event[1] as ErrorCode].closeCode] : event,
  );
}

const payload = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.uint8Array({ maxLength: 140 }),
  fc.constantFrom(0, 124, 125, 126, 127, 500, 999, 1_000, 1_001).map((length) => "x".repeat(length)),
  fc.constantFrom(1000, 1005, 1014, 1015, 2999, 3000, 5000).map((code) => closePayload(code, "r")),
);
const frame: fc.Arbitrary<FrameParts> = fc.record({
  opcode: fc.constantFrom(0, 0, 0, 1, 1, 2, 2, 8, 9, 10, 3, 15),
  payload,
  isFinal: fc.boolean(),
  reserved: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 2),
});

test("any stream of frames is read as ws reads it", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 6 }), async (frames) => {
      const bytes = joinBytes(...frames.map(rawFrame));
      const ours = parseWithUs(bytes);
      const theirs = await parseWithWs(bytes, maxMessageBytes);
      const last = ours.at(-1);
      if (last?.[0] === "fault" && last[1] === 1007) {
        expect(theirs.slice(0, ours.length - 1)).toEqual(ours.slice(0, -1));
        return;
      }
      compared++;
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 2_000 },
  );
  expect(compared).toBeGreaterThan(1_000);
});
