/** Client half of the technique `multipart` in browsers. */
import type { ClientTransport } from "../../model/transport.ts";
import { createMultipartDecoder } from "../client/multipart.ts";
import type { StreamingOptions } from "../client/streaming.ts";
import { createFetchStreaming } from "./fetch-stream.ts";

/** The technique `multipart`: an answer of `multipart/x-mixed-replace`, read part by part. */
export function multipart(options?: StreamingOptions): ClientTransport {
  return createFetchStreaming("multipart", createMultipartDecoder, options);
}
