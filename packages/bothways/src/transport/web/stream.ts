/** Client half of the technique `stream` in browsers. */
import type { ClientTransport } from "../../model/transport.ts";
import { createBodyDecoder } from "../../wire/native/body-decoder.ts";
import { createStreaming, type StreamingOptions } from "../client/streaming.ts";
import { createFetchStream } from "./fetch-stream.ts";
import { post, setTimer } from "./http.ts";

/** The technique `stream`: an answer that does not end, read as it comes. Binary travels as it is. */
export function stream(options?: StreamingOptions): ClientTransport {
  const open = createFetchStream(() => createBodyDecoder(Number.POSITIVE_INFINITY));
  return createStreaming("stream", post, open, setTimer, options);
}
