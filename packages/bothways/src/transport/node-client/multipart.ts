/** Client half of the technique `multipart` in Node. */
import type { ClientTransport } from "../../model/transport.ts";
import { createMultipartDecoder } from "../client/multipart.ts";
import { createStreaming, type StreamingOptions } from "../client/streaming.ts";
import { Requests, setTimer } from "./http.ts";

/** The technique `multipart`: an answer of `multipart/x-mixed-replace`, read part by part. */
export function multipart(options?: StreamingOptions): ClientTransport {
  const requests = new Requests();
  return createStreaming(
    "multipart",
    requests.post,
    requests.stream(createMultipartDecoder),
    setTimer,
    options,
  );
}
