/**
 * The same bytes to our parser and to that of `ws`, an independent implementation. They must tell the same events, but
 * for these intended differences:
 *
 * - Error codes: only the close code (1002, 1007, 1009) is compared.
 * - Invalid text in fragments: we fail at the first wrong byte, ws when the message is complete. So a stream on which
 *   we fail with 1007 may lead ws on to further control frames or to another error.
 * - Order of checks: a frame that breaks two rules at once may be refused for another of them.
 */
import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ErrorCode } from "../../../src/model/errors.ts";
import { errorTable } from "../../../src/model/errors.ts";
import { closePayload, type FrameParts, hex, joinBytes, parse, rawFrame } from "./harness.ts";

interface WsReceiver extends Writable {
  on(event: string, listener: (...args: never[]) => void): this;
}

const { Receiver } = createRequire(import.meta.url)("ws") as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => WsReceiver;
};

const maxMessageBytes = 1_000;

type Line = readonly (string | number)[];

async function parseWithWs(bytes: Uint8Array): Promise<Line[]> {
  const lines: Line[] = [];
  const receiver = new Receiver({ isServer: true, maxPayload: maxMessageBytes });
  receiver.on("message", (data: Buffer, isBinary: boolean) =>
    lines.push(isBinary ? ["binary", hex(data)] : ["text", data.toString()]),
  );
  receiver.on("ping", (data: Buffer) => lines.push(["ping", hex(data)]));
  receiver.on("pong", (data: Buffer) => lines.push(["pong", hex(data)]));
  receiver.on("conclude", (code: number, reason: Buffer) =>
    lines.push(["peerClose", code, reason.toString()]),
  );
  receiver.on("error", (error: Error) => {
    const status = Object.getOwnPropertySymbols(error).find((symbol) => symbol.description === "status-code");
    lines.push(["fault", (error as unknown as Record<symbol, number>)[status as symbol] ?? 0]);
  });
  await new Promise<void>((resolve) => receiver.write(Buffer.from(bytes), () => resolve()));
  return lines;
}

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
      const theirs = await parseWithWs(bytes);
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
