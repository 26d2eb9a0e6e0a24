/** Frames of the technique `multipart`: each part is a body. docs/protocol/bothways-1.md, "HTTP streams". */

import { createMultipartReader, readBoundary } from "../../wire/multipart/parser.ts";
import { decodeBody } from "../../wire/native/body.ts";
import type { StreamDecoder } from "../../wire/native/body-decoder.ts";

/** `contentType` is the answer's, and names the boundary. */
export function createMultipartDecoder(contentType: string, maxBytes?: number): StreamDecoder {
  const read = createMultipartReader(readBoundary(contentType) ?? "", maxBytes);
  return (chunk) => {
    const bodies = read(chunk)?.map(decodeBody);
    return bodies?.every((body) => body !== undefined) ? bodies.flat() : undefined;
  };
}
