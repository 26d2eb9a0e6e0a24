/** Frames for techniques that carry text alone: bytes become `b` and base64url. docs/protocol, "HTTP streams". */
import { Buffer } from "node:buffer";
import type { Data } from "../../model/message.ts";

export function encodeTextOnly(frame: Data): string {
  if (typeof frame === "string") return frame;
  return `b${Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString("base64url")}`;
}
