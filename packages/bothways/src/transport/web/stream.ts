/** Client half of the technique `stream` in browsers. */
import type { ClientTransport } from "../../model/transport.ts";
import { createBodyDecoder } from "../../wire/native/body-decoder.ts";
import type { StreamingOptions } from "../client/streaming.ts";
import { createFetchStreaming } from "./fetch-stream.ts";

/** The technique `stream`: an answer that does not end, read as it comes. Binary travels as it is. */
export function stream(options?: StreamingOptions): ClientTransport {
  return createFetchStreaming("stream", createBodyDecoder, options);
}
