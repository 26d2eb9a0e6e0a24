/** Frames of the technique `multipart`: each part is a body. docs/protocol/bothways-1.md, "HTTP streams". */
import { createMultipartReader } from "../../wire/multipart/parser.ts";
import { decodeBody } from "../../wire/native/body.ts";
import type { StreamDecoder } from "../../wire/native/body-decoder.ts";
import { malformed } from "../../wire/native/piece-reader.ts";

/** A part of more than `maxBytes` is malformed. */
export function createMultipartDecoder(maxBytes: number): StreamDecoder {
  const read = createMultipartReader(maxBytes, (part) => decodeBody(part.slice()) ?? malformed());
  return (chunk) => read(chunk).flat();
}
