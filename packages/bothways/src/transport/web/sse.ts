/**
 * Client half of the technique `sse` in browsers, over `EventSource`.
 *
 * An EventSource connects again by itself, with the same URL, where a stream ends; it is closed before it does, and the
 * server would send such a repetition away. It tells nothing of a refusal, not even the status.
 */
import type { ClientTransport } from "../../model/transport.ts";
import { createStreaming, type OpenStream, type StreamingOptions } from "../client/streaming.ts";
import { post, setTimer } from "./http.ts";

const openEventSource: OpenStream = ({ url, withCredentials = false }, body, take, ended) => {
  let source: EventSource | undefined;
  try {
    const separator = url.includes("?") ? "&" : "?";
    source = new EventSource(`${url}${separator}bothways=${encodeURIComponent(body)}`, { withCredentials });
    source.onmessage = ({ data }: MessageEvent<string>) =>
      take([data[0] === "b" ? decodeBase64Url(data.slice(1)) : data]);
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

function decodeBase64Url(text: string): Uint8Array {
  const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
}
