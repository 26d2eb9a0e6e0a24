/**
 * Client half of the technique `sse` in browsers, over `EventSource`.
 *
 * An EventSource connects again by itself, with the same URL, where a stream ends; it is closed before it does, and the
 * server would send such a repetition away. It tells nothing of a refusal, not even the status.
 */
import type { ClientTransport } from "../../model/transport.ts";
import { createStreaming, type OpenStream, type StreamingOptions } from "../client/streaming.ts";
import { post, setTimer } from "./http.ts";
import { decodeTextOnly, urlWith } from "./page-request.ts";

const openEventSource: OpenStream = (request, body, take, ended) => {
  let source: EventSource | undefined;
  try {
    source = new EventSource(urlWith(request, body), { withCredentials: !!request.withCredentials });
    source.onmessage = ({ data }: MessageEvent<string>) => take([decodeTextOnly(data)]);
    source.onerror = () => {
      source?.close();
      ended("the EventSource failed");
    };
  } catch (error) {
    // none here, or one that the page's policy forbids
    queueMicrotask(() => ended(String(error)));
  }
  return () => source?.close();
};

/**
 * The technique `sse`: Server-Sent Events. Binary travels as base64.
 *
 * @example
 * const socket = io("/chat", { transports: [sse(), longPolling()] });
 */
export function sse(options?: StreamingOptions): ClientTransport {
  return createStreaming("sse", post, openEventSource, setTimer, options);
}
