/** Small damages to bytes, some of which know what a frame is made of. */
import type { Random } from "../sim/random.ts";
import { joinBytes } from "../wire/websocket/harness.ts";

const interestingBytes = [0x00, 0x01, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0x88, 0x8a, 0xc1, 0xed, 0xf4, 0xfe, 0xff];
const interestingNumbers = [0n, 1n, 125n, 126n, 65_535n, 65_536n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n];
const maxBytes = 6_000;

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const mutations: readonly Mutation[] = [
  (bytes, random) => set(bytes, random.int(bytes.length), (byte) => byte ^ (1 << random.int(8))),
  (bytes, random) => set(bytes, random.int(bytes.length), () => random.pick(interestingBytes)),
  (bytes, random) => set(bytes, random.int(bytes.length), () => random.int(256)),
  // the first two bytes of a stream hold the flags of a frame
  (bytes, random) => set(bytes, random.int(2), (byte) => byte ^ random.int(256)),
  (bytes, random) => {
    const at = random.int(bytes.length + 1);
    return joinBytes(bytes.slice(0, at), number(random), bytes.slice(at));
  },
  (bytes, random) => {
    const at = random.int(bytes.length + 1);
    return joinBytes(bytes.slice(0, at), number(random)).slice(0, Math.max(bytes.length, at + 2));
  },
  (bytes, random) => bytes.slice(0, random.int(bytes.length + 1)),
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return joinBytes(bytes.slice(0, from), bytes.slice(to));
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return joinBytes(bytes.slice(0, to), bytes.slice(from));
  },
  (bytes, random, other) => {
    const [from, to] = range(other, random);
    const at = random.int(bytes.length + 1);
    return joinBytes(bytes.slice(0, at), other.slice(from, to), bytes.slice(at));
  },
  (bytes, _, other) => joinBytes(bytes, other),
];

/** One to four of them. `other` is an input to take parts of. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let mutated = bytes;
  for (let count = 1 + random.int(4); count > 0; count--)
    mutated = random.pick(mutations)(mutated, random, other);
  return mutated.slice(0, maxBytes);
}

function set(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  return at < bytes.length ? bytes.with(at, change(bytes[at] as number)) : bytes;
}

function range(bytes: Uint8Array, random: Random): [from: number, to: number] {
  const from = random.int(bytes.length + 1);
  return [from, Math.min(from + 1 + random.int(40), bytes.length)];
}

/** As a length of two bytes or of eight. */
function number(random: Random): Uint8Array {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(random.pick(interestingNumbers));
  return Uint8Array.from(random.chance(0.5) ? buffer : buffer.subarray(6));
}
