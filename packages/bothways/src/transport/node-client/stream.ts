/** Client half of the technique `stream` in Node. */
import type { ClientTransport } from "../../model/transport.ts";
import { createBodyDecoder } from "../../wire/native/body-decoder.ts";
import { createStreaming, type StreamingOptions } from "../client/streaming.ts";
import { Requests, setTimer } from "./http.ts";

/** The technique `stream`: an answer that does not end, read as it comes. Binary travels as it is. */
export function stream(options?: StreamingOptions): ClientTransport {
  const requests = new Requests();
  const open = requests.stream(createBodyDecoder);
  return createStreaming("stream", requests.post, open, setTimer, options);
}
