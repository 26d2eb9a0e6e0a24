/** The technique `stream`: frames as a body of bytes that does not end (docs/protocol, "HTTP streams"). */
import { Buffer } from "node:buffer";
import type { Data } from "../../model/message.ts";
import { MARK } from "../../wire/native/parts.ts";
import type { StreamForm } from "./stream-link.ts";

const HEADER_BYTES = 4;

export const streamForm: StreamForm = {
  contentType: "application/octet-stream",
  prologue: "\0",
  wrap(frames) {
    const chunk = Buffer.allocUnsafe(frames.reduce((total, frame) => total + sizeOf(frame), 0));
    let offset = 0;
    for (const frame of frames) {
      const isText = typeof frame === "string";
      const begin = offset + HEADER_BYTES;
      if (isText) offset = begin + chunk.write(frame, begin);
      else {
        chunk.set(frame, begin);
        offset = begin + frame.length;
      }
      chunk.writeUInt32BE(offset - begin + (isText ? 0 : MARK), begin - HEADER_BYTES);
    }
    return chunk;
  },
};

function sizeOf(frame: Data): number {
  return HEADER_BYTES + (typeof frame === "string" ? Buffer.byteLength(frame) : frame.length);
}
