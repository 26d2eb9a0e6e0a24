/**
 * What mutation starts from: streams that reach each state, made here, and those that once found a fault, kept as hex in
 * `corpus/`. The name of each begins with whose it is.
 */
import { readdirSync, readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import {
  closePayload,
  type FrameParts,
  joinBytes,
  rawFrame,
  testMask,
  utf8,
} from "../wire/websocket/harness.ts";

const compressed = deflateRawSync("compressed, compressed, compressed", { finishFlush: 2 }).subarray(0, -4);

const streams: Readonly<Record<string, readonly FrameParts[]>> = {
  texts: [{ opcode: 1, payload: "hello" }, { opcode: 1, payload: "grüße 😀" }, { opcode: 1 }],
  binaries: [
    { opcode: 2, payload: new Uint8Array(130) },
    { opcode: 2, payload: new Uint8Array(2_000) },
  ],
  "pings and pongs": [{ opcode: 9, payload: "ping" }, { opcode: 10, payload: "pong" }, { opcode: 9 }],
  fragments: [
    { opcode: 1, payload: "one ", isFinal: false },
    { opcode: 9, payload: "between" },
    { opcode: 0, payload: "two ", isFinal: false },
    { opcode: 0, payload: "three" },
    { opcode: 2, payload: "four", isFinal: false },
    { opcode: 0 },
  ],
  "a code point in two fragments": [
    { opcode: 1, payload: Uint8Array.of(0xf0, 0x9f), isFinal: false },
    { opcode: 0, payload: Uint8Array.of(0x98, 0x80) },
  ],
  closing: [
    { opcode: 1, payload: "bye" },
    { opcode: 8, payload: closePayload(1000, "that is all") },
  ],
  "closing without a code": [{ opcode: 8 }, { opcode: 1, payload: "late" }],
  lengths: [125, 126, 127].map((length) => ({ opcode: 2, payload: new Uint8Array(length) })),
  "lengths in longer forms": [{ opcode: 2, lengthBytes: 8, payload: "a" }],
  "a length beyond all": [{ opcode: 2, declaredLength: 2n ** 53n - 1n }],
  compressed: [
    { opcode: 1, reserved: 4, payload: compressed },
    { opcode: 1, reserved: 4, payload: compressed.subarray(0, 9), isFinal: false },
    { opcode: 0, payload: compressed.subarray(9) },
  ],
};

const hixie: Readonly<Record<string, Uint8Array>> = {
  texts: Buffer.concat([Buffer.of(0), utf8("grüße"), Buffer.of(0xff, 0), utf8("😀"), Buffer.of(0xff)]),
  "a long text": Buffer.concat([Buffer.of(0), utf8("x".repeat(1_990)), Buffer.of(0xff)]),
  closing: Buffer.concat([Buffer.of(0), utf8("bye"), Buffer.of(0xff, 0xff, 0)]),
};

const heads: readonly string[] = [
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nbehind",
  "HTTP/1.1 404 \r\nContent-Length: 0\r\nX: 1\r\nX: 2\r\n\r\n",
];

const extensions: readonly string[] = [
  "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
  'permessage-deflate; server_no_context_takeover, x; a="b\\c"; d',
];

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function readSeeds(): Seed[] {
  const made = Object.entries(streams).flatMap(([name, frames]) =>
    (["server", "client"] as const).map((role) => {
      const mask = role === "server" ? testMask : undefined;
      return { name: `${role} ${name}`, bytes: joinBytes(...frames.map((f) => rawFrame({ ...f, mask }))) };
    }),
  );
  const folder = new URL("corpus/", import.meta.url);
  const kept = readdirSync(folder).map((file) => ({
    name: file,
    bytes: Uint8Array.from(Buffer.from(readFileSync(new URL(file, folder), "utf8").trim(), "hex")),
  }));
  return [
    ...made,
    ...Object.entries(hixie).map(([name, bytes]) => ({ name: `hixie ${name}`, bytes })),
    ...heads.map((text) => ({ name: "head", bytes: utf8(text) })),
    ...extensions.map((text) => ({ name: "extensions", bytes: utf8(text) })),
    ...kept,
  ];
}
