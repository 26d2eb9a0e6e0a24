/** Whatever bytes come in, the native codecs accept them or refuse them; nothing is thrown and nothing is polluted. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nativeCodec } from "../../src/dialect/native/codec.ts";
import type { Data } from "../../src/model/message.ts";
import { decodeBody, encodeBody } from "../../src/wire/native/body.ts";
import { parseClientFrame } from "../../src/wire/native/client-frame.ts";
import { encodeFrame, parseFrame } from "../../src/wire/native/frame.ts";
import { parseHello } from "../../src/wire/native/hello.ts";
import { encodePacket } from "../../src/wire/native/packet.ts";

const seeds: readonly Data[] = [
  'h{"version":1,"attempt":"0123456789abcdefghijkl","generation":1,"received":0,"credit":[1,2],"join":[["/"]]}',
  'w{"sid":"s","secret":"x","key":"k","received":0,"credit":[1,2],"ping":[1,2]}',
  "n1",
  "a1,1025,1048577",
  "c4409,a newer link took over",
  'm2/chat,7["say",{"text":"hi","__proto__":{"polluted":true}}]',
  encodePacket({
    type: 2,
    namespace: "/",
    id: 1,
    data: ["image", { bytes: Uint8Array.of(1, 2, 3), name: "!x" }],
  }),
  encodePacket({ type: 3, namespace: "/a", id: 1, data: [new Uint8Array(40)] }),
];

const seedBytes = [
  ...seeds,
  encodeBody(seeds),
  encodeBody(seeds.filter((seed) => typeof seed === "string")),
].map((seed) => (typeof seed === "string" ? new TextEncoder().encode(seed) : seed));

/** Cut, repeated, overwritten and spliced pieces of valid input. */
const mutated = fc
  .record({
    seed: fc.constantFrom(...seedBytes),
    other: fc.constantFrom(...seedBytes),
    edits: fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    cut: fc.nat(400),
    splice: fc.nat(400),
  })
  .map(({ seed, other, edits, cut, splice }) => {
    const bytes = Uint8Array.from([...seed.subarray(0, cut), ...other.subarray(splice)]);
    for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes;
  });

function decodeAll(data: Data): void {
  parseFrame(data);
  const frame = parseClientFrame(data);
  if (frame?.[0] === "m" || frame?.[0] === "v") nativeCodec.toPacket(data, "/");
  else if (frame && frame[0] !== "c") expect(parseClientFrame(encodeFrame(frame))).toEqual(frame);
  if (typeof data === "string") parseHello(data, 32);
}

test("mutated input is accepted or refused", () => {
  fc.assert(
    fc.property(mutated, (bytes) => {
      decodeAll(bytes);
      decodeAll(new TextDecoder().decode(bytes));
      for (const frame of decodeBody(bytes) ?? []) decodeAll(frame);
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns: 20_000 },
  );
});
