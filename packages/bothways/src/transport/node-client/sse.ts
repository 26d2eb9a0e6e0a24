/**
 * Client half of the technique `sse` in Node, with a parser of our own.
 *
 * A start is a POST here, so the link's key stays out of URLs.
 */
import { Buffer } from "node:buffer";
import type { Data } from "../../model/message.ts";
import type { ClientTransport } from "../../model/transport.ts";
import { EventStreamParser } from "../../wire/eventstream/parser.ts";
import type { StreamDecoder } from "../../wire/native/body-decoder.ts";
import { malformed } from "../../wire/native/piece-reader.ts";
import { createStreaming, type StreamingOptions } from "../client/streaming.ts";
import { Requests, setTimer } from "./http.ts";

/**
 * The technique `sse`: Server-Sent Events. Binary travels as base64.
 *
 * @example
 * const socket = io("/chat", { transports: [sse(), longPolling()] });
 */
export function sse(options?: StreamingOptions): ClientTransport {
  const requests = new Requests();
  return createStreaming("sse", requests.post, requests.stream(createEventDecoder), setTimer, options);
}

function createEventDecoder(maxBytes: number): StreamDecoder {
  // base64 takes four characters for three bytes
  const parser = new EventStreamParser(maxBytes * 1.5);
  return (chunk) => {
    const events = parser.push(chunk) ?? malformed();
    return events.map(({ data }) => decodeTextOnly(data));
  };
}

/** Bytes travel as `b` and base64url. */
function decodeTextOnly(text: string): Data {
  return text[0] === "b" ? new Uint8Array(Buffer.from(text.slice(1), "base64url")) : text;
}
