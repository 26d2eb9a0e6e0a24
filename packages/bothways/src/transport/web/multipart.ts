/** Client half of the technique `multipart` in browsers. */
import type { ClientTransport } from "../../model/transport.ts";
import { createMultipartDecoder } from "../client/multipart.ts";
import { createStreaming, type StreamingOptions } from "../client/streaming.ts";
import { createFetchStream } from "./fetch-stream.ts";
import { post, setTimer } from "./http.ts";

/** The technique `multipart`: an answer of `multipart/x-mixed-replace`, read part by part. */
export function multipart(options?: StreamingOptions): ClientTransport {
  const open = createFetchStream((contentType) => createMultipartDecoder(contentType));
  return createStreaming("multipart", post, open, setTimer, options);
}
